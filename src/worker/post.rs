//! Messages over the thread boundary: `{header: JSON, buffers: [ArrayBuffer…]}`.

use crate::protocol::{FailureKind, FromWorker, ToWorker};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::DedicatedWorkerGlobalScope;

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
    let transfer: Array = buffers.iter().map(|bytes| Uint8Array::from(*bytes).buffer()).collect();
    let object = Object::new();
    let header = serde_json::to_string(message).expect("messages are plain data");
    // Setting a property of a fresh plain object cannot fail, and posting it only fails for foreign types.
    let _ = Reflect::set(&object, &"header".into(), &header.into());
    let _ = Reflect::set(&object, &"buffers".into(), &transfer);
    let _ = scope().post_message_with_transfer(&object, &transfer);
}

/// Reads a message from the page.
///
/// # Errors
/// Says what is not understood.
pub fn read(data: &JsValue) -> Result<ToWorker, String> {
    let header = Reflect::get(data, &"header".into()).ok().and_then(|header| header.as_string());
    let header = header.ok_or("the worker got a message without a header")?;
    serde_json::from_str(&header).map_err(|error| format!("the worker got a message it does not know: {error}"))
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
