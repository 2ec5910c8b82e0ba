//! Files over HTTP, with progress and abort.

use gloo::net::http::Request;
use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader};

/// Fetches a file; `progress` hears how many bytes came with each chunk.
///
/// # Errors
/// Names the address and what happened: no connection, an HTTP status, a broken-off transfer.
pub async fn fetch(url: &str, signal: &AbortSignal, mut progress: impl FnMut(u64)) -> Result<Vec<u8>, String> {
    let unreachable = |error: String| format!("{url}: the download failed ({error}). Check the connection and retry.");
    let response =
        Request::get(url).abort_signal(Some(signal)).send().await.map_err(|error| unreachable(error.to_string()))?;
    if !response.ok() {
        return Err(format!(
            "{url}: the server answered {} {}. Is the model there, and its name right?",
            response.status(),
            response.status_text()
        ));
    }
    let Some(body) = response.body() else { return Ok(Vec::new()) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(|error| unreachable(words(&error)))?;
        let field = |name: &str| js_sys::Reflect::get(&chunk, &name.into()).unwrap_or_default();
        if field("done").is_truthy() {
            return Ok(bytes);
        }
        let chunk: Uint8Array = field("value").unchecked_into();
        let start = bytes.len();
        bytes.resize(start + chunk.length() as usize, 0);
        chunk.copy_to(&mut bytes[start..]);
        progress(u64::from(chunk.length()));
    }
}

/// A JavaScript error in words.
pub fn words(error: &wasm_bindgen::JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}
