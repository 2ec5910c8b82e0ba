//! Messages to and from the page.

use crate::envelope::{self, copies};
use crate::global::scope;
use ditscope_protocol::training::{FromTrainer, ToTrainer};
use ditscope_protocol::{Reason, Refusal};
use wasm_bindgen::JsValue;
use web_sys::File;

/// A message from the page with the files of a folder that it names.
pub struct Told {
    pub message: ToTrainer,
    pub files: Vec<File>,
}

/// Sends a message with byte buffers, which are transferred.
pub fn post(message: &FromTrainer, buffers: &[&[u8]]) {
    let transfer = copies(buffers);
    // Posting only fails for foreign types.
    let _ = scope().post_message_with_transfer(&envelope::sealed(message, &transfer), &transfer);
}

/// Says why it came to nothing.
pub fn fail(why: Refusal) {
    post(&FromTrainer::Failed { why }, &[]);
}

/// Opens an envelope from the page.
///
/// # Errors
/// Names what is not understood.
pub fn read(data: &JsValue) -> Result<Told, Refusal> {
    let odd = |name| Reason::Message.found(name);
    let opened = envelope::open(data).map_err(odd)?.ok_or_else(|| odd("header"))?;
    let message = serde_json::from_str(&opened.header).map_err(|error| Reason::Message.found(error))?;
    Ok(Told { message, files: envelope::files(data).map_err(odd)? })
}

/// A panic ends the module; tell the page before it does.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        fail(Reason::Crashed.found(info.payload_as_str().unwrap_or("an unknown reason")));
    }));
}
