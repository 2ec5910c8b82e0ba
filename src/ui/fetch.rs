//! Small files over the network.

use super::dom;
use gloo::net::http::{Request, Response};
use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlImageElement, ReadableStreamDefaultReader};

/// No small file is longer: no sender decides how much memory is taken.
const MOST: usize = 32 << 20;

/// Reads JSON; `None` where there is no file or it is not of this type.
pub async fn fetch_json<T: serde::de::DeserializeOwned>(address: &str) -> Option<T> {
    dom::parse_json(std::str::from_utf8(&fetch_bytes(address).await?).ok()?).ok()
}

/// Reads a text file; `None` where there is none.
pub async fn fetch_text(address: &str) -> Option<String> {
    String::from_utf8(fetch_bytes(address).await?).ok()
}

/// Reads a page; `None` where there is none.
pub async fn fetch_page(address: &str) -> Option<String> {
    let (bytes, is_page) = fetch(address).await?;
    String::from_utf8(bytes).ok().filter(|_| is_page)
}

/// Reads a file; `None` where there is none, also where the host answers a page for whatever is not there.
pub async fn fetch_bytes(address: &str) -> Option<Vec<u8>> {
    let (bytes, is_page) = fetch(address).await?;
    (!is_page).then_some(bytes)
}

/// Waits until a picture is there; `None`, if it cannot be read.
pub async fn fetch_image(address: &str) -> Option<HtmlImageElement> {
    let image = HtmlImageElement::new().ok()?;
    let promise = Promise::new(&mut |resolve, reject| {
        image.set_onload(Some(&resolve));
        image.set_onerror(Some(&reject));
        image.set_src(address);
    });
    JsFuture::from(promise).await.ok().map(|_| image)
}

/// A file, and whether it is a page.
async fn fetch(address: &str) -> Option<(Vec<u8>, bool)> {
    let response = Request::get(address).send().await.ok().filter(|response| response.ok())?;
    let is_page = response.headers().get("content-type").is_some_and(|media_type| media_type.starts_with("text/html"));
    Some((read(&response).await?, is_page))
}

async fn read(response: &Response) -> Option<Vec<u8>> {
    let reader: ReadableStreamDefaultReader = response.body()?.get_reader().unchecked_into();
    let mut bytes = vec![];
    loop {
        let chunk = JsFuture::from(reader.read()).await.ok()?;
        let chunk = Reflect::get(&chunk, &"value".into()).ok()?.dyn_into::<Uint8Array>();
        // At the end there is none.
        let Ok(chunk) = chunk else { return Some(bytes) };
        bytes.extend(chunk.to_vec());
        if bytes.len() > MOST {
            let _ = reader.cancel();
            return None;
        }
    }
}
