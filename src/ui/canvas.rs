//! What is on a canvas, read back as it was drawn. Some browsers alter what they give back, so that nobody is known by it.

use super::by_name::{call, construct, number, object, text, wait_for};
use super::dom;
use ditscope_page_state::film::Pixels;
use js_sys::Uint8Array;
use leptos::prelude::{document, window};
use wasm_bindgen::prelude::*;
use web_sys::HtmlCanvasElement;

/// A canvas of this size that nobody sees.
pub fn new(width: usize, height: usize) -> Option<HtmlCanvasElement> {
    let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    Some(canvas)
}

/// Whether a canvas gives back what was drawn on it.
pub fn is_honest() -> bool {
    let pattern = pattern();
    drawn(&pattern).and_then(|canvas| given_back(&canvas)).is_some_and(|read| read == pattern)
}

/// What is on a canvas; none where the browser has no way of giving it back unaltered.
pub async fn pixels(canvas: &HtmlCanvasElement) -> Option<Pixels> {
    if is_honest() {
        return given_back(canvas);
    }
    // What a page gets to see as video is usually left alone.
    let pattern = pattern();
    let read = as_frame(&drawn(&pattern)?).await.ok()?;
    if read == pattern { as_frame(canvas).await.ok() } else { None }
}

/// A small picture in which everything would be seen.
fn pattern() -> Pixels {
    let rgba = (0..64).flat_map(|i| [i * 4, 255 - i * 3, 128 ^ i, 255]).collect();
    Pixels { width: 8, height: 8, rgba }
}

fn drawn(pixels: &Pixels) -> Option<HtmlCanvasElement> {
    let canvas = new(pixels.width, pixels.height)?;
    dom::draw(&canvas, pixels);
    Some(canvas)
}

fn given_back(canvas: &HtmlCanvasElement) -> Option<Pixels> {
    let (width, height) = (canvas.width(), canvas.height());
    let data = dom::context(canvas)?.get_image_data(0.0, 0.0, f64::from(width), f64::from(height)).ok()?;
    Some(Pixels { width: width as usize, height: height as usize, rgba: data.data().0 })
}

/// Read by way of a frame of video (WebCodecs).
async fn as_frame(canvas: &HtmlCanvasElement) -> Result<Pixels, JsValue> {
    let straight = object(&[("premultiplyAlpha", "none".into())]);
    let bitmap = wait_for(&window(), "createImageBitmap", &[canvas.into(), straight]).await?;
    let frame = construct("VideoFrame", &[bitmap, object(&[("timestamp", 0.into())])])?;
    let read = copied(&frame).await;
    let _ = call(&frame, "close", &[]);
    read
}

async fn copied(frame: &JsValue) -> Result<Pixels, JsValue> {
    let (width, height) = (number(frame, "codedWidth") as usize, number(frame, "codedHeight") as usize);
    let format = text(frame, "format");
    let order = match format.as_str() {
        "RGBA" | "RGBX" => [0, 1, 2],
        "BGRA" | "BGRX" => [2, 1, 0],
        _ => return Err(format.into()),
    };
    // In its own format: asked for RGBA, Chromium multiplies colours by their opacity once more.
    let bytes = Uint8Array::new_with_length((4 * width * height) as u32);
    wait_for(frame, "copyTo", &[bytes.clone().into()]).await?;
    let is_opaque = format.ends_with('X');
    let pixel = |p: &[u8]| [p[order[0]], p[order[1]], p[order[2]], if is_opaque { 255 } else { p[3] }];
    let rgba = bytes.to_vec().chunks_exact(4).flat_map(pixel).collect();
    Ok(Pixels { width, height, rgba })
}
