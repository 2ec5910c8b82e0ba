//! A picture as a PNG file of the page's own bytes, and files for the visitor at all.

use crate::ui::dom;
use ditscope_export::picture::{lines, png, stored};
use ditscope_page_state::Notice;
use ditscope_page_state::film::Pixels;
use ditscope_page_state::take::Made;
use js_sys::{Array, Function, Reflect, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Response};

/// Small pictures are saved enlarged, so that they are of use in a document.
const TIMES: usize = 8;

/// What was made, or why not.
pub type Outcome = Result<Made, Notice>;

/// Saves a picture.
pub async fn save_png(pixels: &Pixels, name: String) -> Outcome {
    let lines = lines(pixels, TIMES);
    let zlib = match compressed(&lines).await {
        Some(zlib) => zlib,
        None => stored(&lines),
    };
    let bytes = png(pixels.width * TIMES, pixels.height * TIMES, &zlib);
    save(&[Uint8Array::from(&bytes[..]).into()], "image/png", name)
}

/// Bytes as the browser's zlib has them; by name, since not every browser has it.
async fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let make: Function = Reflect::get(&window(), &"CompressionStream".into()).ok()?.dyn_into().ok()?;
    let stream = Reflect::construct(&make, &Array::of1(&"deflate".into())).ok()?;
    let parts = Array::of1(&Uint8Array::from(bytes));
    let source = dom::call(Blob::new_with_u8_array_sequence(&parts).ok()?.as_ref(), "stream", &[]).ok()?;
    let piped = dom::call(&source, "pipeThrough", &[stream]).ok()?;
    let response = Response::new_with_opt_readable_stream(Some(piped.unchecked_ref())).ok()?;
    let buffer = JsFuture::from(response.array_buffer().ok()?).await.ok()?;
    Some(Uint8Array::new(&buffer).to_vec())
}

/// Saves a file.
pub fn save(parts: &[JsValue], media_type: &str, name: String) -> Outcome {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts: Array = parts.iter().collect();
    let blob = Blob::new_with_blob_sequence_and_options(&parts, &options);
    let blob = blob.map_err(|_| Notice::NoMemory)?;
    download(&blob, &name);
    Ok(Made::File(name))
}

pub fn download(blob: &Blob, name: &str) {
    let link = document().create_element("a").ok().and_then(|a| a.dyn_into::<HtmlAnchorElement>().ok());
    let (Ok(url), Some(link)) = (web_sys::Url::create_object_url_with_blob(blob), link) else { return };
    link.set_href(&url);
    link.set_download(name);
    link.click();
    // Some browsers read the address only after the click is over.
    gloo::timers::callback::Timeout::new(10_000, move || {
        let _ = web_sys::Url::revoke_object_url(&url);
    })
    .forget();
}
