//! Files as streams of bytes, with progress, an upper bound and abort.

use super::refused;
use super::within::within;
use ditscope_protocol::{Reason, Refusal};
use gloo::net::http::Request;
use js_sys::Uint8Array;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStream, ReadableStreamDefaultReader, RequestCache};

/// A line on which nothing comes for so long is dead.
const MOST_SILENCE: Duration = Duration::from_secs(60);

/// How long a file may be: no sender decides how much memory is taken.
#[derive(Debug, Clone, Copy)]
pub enum Size {
    /// As the index says: room for it is made at once.
    Known(u64),
    /// Not known, but not more than this.
    AtMost(u64),
}

impl Size {
    fn most(self) -> u64 {
        let (Self::Known(bytes) | Self::AtMost(bytes)) = self;
        bytes
    }
}

/// Fetches a file; `progress` is called with the number of bytes of each chunk.
///
/// # Errors
/// Names the address and what happened: no connection, a policy that forbids it, an HTTP status, a broken-off transfer, silence,
/// too many bytes.
pub async fn fetch(
    url: &str,
    size: Size,
    cache: RequestCache,
    signal: &AbortSignal,
    progress: impl FnMut(u64),
) -> Result<Vec<u8>, Refusal> {
    let request = Request::get(url).cache(cache).abort_signal(Some(signal));
    let response = match within(MOST_SILENCE, request.send()).await.ok_or_else(|| silent(url))? {
        Ok(response) => response,
        Err(error) => return Err(refused::why(url, error, signal).await),
    };
    if !response.ok() {
        let status = format!("{} {}", response.status(), response.status_text());
        return Err(Reason::NotServed.of(url, status, ""));
    }
    // Hosts of apps with many addresses answer their page for whatever is not there. No file of a model is one.
    if response.headers().get("content-type").is_some_and(|media_type| media_type.starts_with("text/html")) {
        return Err(Reason::NotServed.of(url, "404 (HTML)", ""));
    }
    match response.body() {
        Some(body) => read(url, &body, size, signal, progress).await,
        None => Ok(Vec::new()),
    }
}

/// Reads a stream to its end. `file` names it in messages.
///
/// # Errors
/// As [`fetch`].
pub async fn read(
    file: &str,
    stream: &ReadableStream,
    size: Size,
    signal: &AbortSignal,
    mut progress: impl FnMut(u64),
) -> Result<Vec<u8>, Refusal> {
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes: Vec<u8> = Vec::new();
    if let Size::Known(known) = size {
        let room = usize::try_from(known).ok().and_then(|known| bytes.try_reserve_exact(known).ok());
        room.ok_or_else(|| Reason::NoRoom.of(file, format!("{known} B"), format!("< {known} B")))?;
    }
    loop {
        let Some(chunk) = within(MOST_SILENCE, JsFuture::from(reader.read())).await else {
            // As below.
            let _ = reader.cancel();
            return Err(silent(file));
        };
        let chunk = chunk.map_err(|error| Reason::NotRead.of(file, words(&error), ""))?;
        // A file on disk and the browser's storage know no abort of their own.
        if signal.aborted() {
            return Err(Reason::Stopped.into());
        }
        let field = |name: &str| js_sys::Reflect::get(&chunk, &name.into()).unwrap_or_default();
        if field("done").is_truthy() {
            return Ok(bytes);
        }
        let chunk: Uint8Array = field("value").unchecked_into();
        let (start, length) = (bytes.len(), chunk.length());
        if start as u64 + u64::from(length) > size.most() {
            // Tells the sender to stop; whether that succeeds does not matter here.
            let _ = reader.cancel();
            let most = size.most();
            return Err(Reason::Mismatch.of(file, format!("> {most} B"), format!("≤ {most} B")));
        }
        bytes.resize(start + length as usize, 0);
        chunk.copy_to(&mut bytes[start..]);
        progress(u64::from(length));
    }
}

fn silent(file: &str) -> Refusal {
    Reason::Silent.of(file, MOST_SILENCE.as_secs(), "")
}

/// A JavaScript error in words.
pub fn words(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}
