//! Messages over the thread boundary: `{header: JSON, buffers: [ArrayBuffer…]}`, from the page also
//! with `files: [File…]`.

use ditscope_protocol::{FailureKind, FrameInfo, FromWorker, ToWorker};
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, File};

/// A message from the page with what came beside it.
pub struct Envelope {
    pub message: ToWorker,
    pub buffers: Vec<Vec<u8>>,
    pub files: Vec<File>,
}

/// The worker's global object.
pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Sends a message without bulk data.
pub fn post(message: &FromWorker) {
    post_with(message, &[]);
}

/// Sends a message with byte buffers, which are transferred.
pub fn post_with(message: &FromWorker, buffers: &[&[u8]]) {
    send(message, &copies(buffers));
}

/// Sends a frame that was begun at `started`. Its `ms` is set last, so that it counts the copying of its buffers.
/// Gives the milliseconds that posting took.
pub fn post_frame(info: FrameInfo, started: f64, buffers: &[&[u8]]) -> f64 {
    let transfer = copies(buffers);
    let copied = now();
    send(&FromWorker::Frame(FrameInfo { ms: copied - started, ..info }), &transfer);
    now() - copied
}

/// Buffers of JavaScript's own.
fn copies(buffers: &[&[u8]]) -> Array {
    buffers.iter().map(|bytes| Uint8Array::from(*bytes).buffer()).collect()
}

fn send(message: &FromWorker, transfer: &Array) {
    let object = Object::new();
    let header = serde_json::to_string(message).expect("messages are plain data");
    // Setting a property of a fresh plain object cannot fail, and posting it only fails for foreign types.
    let _ = Reflect::set(&object, &"header".into(), &header.into());
    let _ = Reflect::set(&object, &"buffers".into(), transfer);
    let _ = scope().post_message_with_transfer(&object, transfer);
}

/// Opens an envelope from the page.
///
/// # Errors
/// Says what is not understood.
pub fn read(data: &JsValue) -> Result<Envelope, String> {
    let header = Reflect::get(data, &"header".into()).ok().and_then(|header| header.as_string());
    let header = header.ok_or("the worker got a message without a header")?;
    let message =
        serde_json::from_str(&header).map_err(|error| format!("the worker got a message it does not know: {error}"))?;
    let buffers = list::<ArrayBuffer>(data, "buffers")?;
    let buffers = buffers.iter().map(|buffer| Uint8Array::new(buffer).to_vec()).collect();
    Ok(Envelope { message, buffers, files: list(data, "files")? })
}

/// A property that is a list; absent, it is empty.
fn list<T: JsCast>(data: &JsValue, name: &str) -> Result<Vec<T>, String> {
    let items = Reflect::get(data, &name.into()).unwrap_or_default();
    let items = items.dyn_ref::<Array>().cloned().unwrap_or_default();
    let cast =
        |item: JsValue| item.dyn_into().map_err(|_| format!("the worker got '{name}' of a type it does not know"));
    items.iter().map(cast).collect()
}

/// Milliseconds on the worker's clock.
pub fn now() -> f64 {
    scope().performance().map_or(0.0, |performance| performance.now())
}

/// A panic ends the worker's wasm instance; tell the page before it does.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let said = info.payload_as_str().unwrap_or("an unknown reason");
        let message = format!("The worker stopped: {said}. Retry starts a new one.");
        post(&FromWorker::Failed { run: None, kind: FailureKind::Device, message });
    }));
}
