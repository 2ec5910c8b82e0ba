//! How a message crosses between page and worker, in both directions: `{header: <JSON>, buffers: [ArrayBuffer…], protocol}`. The
//! buffers are transferred. One that names a folder on the visitor's disk has `files` besides: its `File` objects, which
//! only the browser can read.

use ditscope_protocol::VERSION;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};

/// A message that was opened, still as text.
pub struct Opened {
    pub header: String,
    #[cfg_attr(not(any(feature = "ui", feature = "worker")), allow(dead_code, reason = "the trainer is sent none"))]
    pub buffers: Vec<Vec<u8>>,
}

/// Puts a message and its buffers together; the second part is what is to be transferred.
#[cfg(feature = "ui")]
pub fn seal(message: &impl Serialize, buffers: &[&[u8]]) -> (Object, Array) {
    let transfer = copies(buffers);
    (sealed(message, &transfer), transfer)
}

/// The same with buffers that are JavaScript's own already.
pub fn sealed(message: &impl Serialize, transfer: &Array) -> Object {
    let object = Object::new();
    // Messages are plain data: their JSON cannot fail, nor can setting a property of a fresh plain object.
    let header = serde_json::to_string(message).unwrap_or_default();
    let _ = Reflect::set(&object, &"header".into(), &header.into());
    let _ = Reflect::set(&object, &"buffers".into(), transfer);
    let _ = Reflect::set(&object, &"protocol".into(), &VERSION.into());
    object
}

/// Buffers of JavaScript's own.
pub fn copies(buffers: &[&[u8]]) -> Array {
    buffers.iter().map(|bytes| Uint8Array::from(*bytes).buffer()).collect()
}

/// Whether an envelope comes from a program that knows the same messages.
#[cfg(feature = "ui")]
pub fn is_of_this_build(data: &JsValue) -> bool {
    Reflect::get(data, &"protocol".into()).ok().and_then(|version| version.as_string()).as_deref() == Some(VERSION)
}

/// Lays the files of a folder into the envelope.
#[cfg(feature = "ui")]
pub fn add_files(object: &Object, files: &Array) {
    let _ = Reflect::set(object, &"files".into(), files);
}

/// Opens an envelope; nothing, if it is not one of ours, such as an extension's.
///
/// # Errors
/// The name of a property that is not what it should be.
pub fn open(data: &JsValue) -> Result<Option<Opened>, &'static str> {
    let Some(header) = Reflect::get(data, &"header".into()).ok().and_then(|header| header.as_string()) else {
        return Ok(None);
    };
    let buffers = list::<ArrayBuffer>(data, "buffers")?;
    let buffers = buffers.iter().map(|buffer| Uint8Array::new(buffer).to_vec()).collect();
    Ok(Some(Opened { header, buffers }))
}

/// The files that travel with a message.
///
/// # Errors
/// As [`open`].
#[cfg(any(feature = "worker", feature = "trainer"))]
pub fn files(data: &JsValue) -> Result<Vec<web_sys::File>, &'static str> {
    list(data, "files")
}

/// A property that is a list; absent, it is empty.
fn list<T: JsCast>(data: &JsValue, name: &'static str) -> Result<Vec<T>, &'static str> {
    let items = Reflect::get(data, &name.into()).unwrap_or_default();
    let items = items.dyn_ref::<Array>().cloned().unwrap_or_default();
    items.iter().map(|item| item.dyn_into().map_err(|_| name)).collect()
}
