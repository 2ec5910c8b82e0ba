//! Messages to and from the page.

use crate::envelope::{self, copies};
use crate::global::{now, scope};
use ditscope_protocol::{FrameInfo, FromWorker, Reason, Refusal, ToWorker};
use js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::File;

/// A message from the page with what came beside it.
pub struct Envelope {
    pub message: ToWorker,
    pub buffers: Vec<Vec<u8>>,
    pub files: Vec<File>,
}

/// Sends a message without bulk data.
pub fn post(message: &FromWorker) {
    post_with(message, &[]);
}

/// Sends a message with byte buffers, which are transferred.
pub fn post_with(message: &FromWorker, buffers: &[&[u8]]) {
    send(message, &copies(buffers));
}

/// Says why a run, or a load, came to nothing.
pub fn fail(run: Option<u32>, why: Refusal) {
    post(&FromWorker::Failed { run, why });
}

/// Sends a frame, whose `ms` are those since the one before. They are set last, so that they count the copying of its
/// buffers. Gives the time until which they count.
pub fn post_frame(info: FrameInfo, since: f64, buffers: &[&[u8]]) -> f64 {
    let transfer = copies(buffers);
    let copied = now();
    send(&FromWorker::Frame(FrameInfo { ms: copied - since, ..info }), &transfer);
    copied
}

fn send(message: &FromWorker, transfer: &Array) {
    // Posting only fails for foreign types.
    let _ = scope().post_message_with_transfer(&envelope::sealed(message, transfer), transfer);
}

/// Opens an envelope from the page.
///
/// # Errors
/// Names what is not understood.
pub fn read(data: &JsValue) -> Result<Envelope, Refusal> {
    let odd = |name| Reason::Message.found(name);
    let opened = envelope::open(data).map_err(odd)?.ok_or_else(|| odd("header"))?;
    let message = serde_json::from_str(&opened.header).map_err(|error| Reason::Message.found(error))?;
    let files = envelope::files(data).map_err(odd)?;
    Ok(Envelope { message, buffers: opened.buffers, files })
}

/// A panic ends the worker's wasm instance; tell the page before it does.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let said = info.payload_as_str().unwrap_or("an unknown reason");
        fail(None, Reason::Crashed.found(said));
    }));
}
