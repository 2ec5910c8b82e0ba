//! Small browser helpers, each of which does nothing rather than fail.

use ditscope_page_state::film::Pixels;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement, ImageData, ResizeObserver};

/// The whole address of the page.
pub fn page() -> String {
    window().location().href().unwrap_or_default()
}

/// The folder of the page, which relative addresses hang on.
pub fn base() -> String {
    let base = document().base_uri().ok().flatten().unwrap_or_else(page);
    ditscope_page_state::address::folder_of(&base).into()
}

pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

pub fn show_address(query: &str) {
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&format!("?{query}")));
    }
}

pub fn prefers(media: &str) -> bool {
    window().match_media(media).ok().flatten().is_some_and(|list| list.matches())
}

pub fn now_ms() -> f64 {
    window().performance().map_or_else(js_sys::Date::now, |clock| clock.now())
}

/// A seed of six digits at most: easy to read out in a classroom.
pub fn random_seed() -> u64 {
    (js_sys::Math::random() * 1e6) as u64
}

/// A whole number below `count`.
pub fn random_below(count: usize) -> usize {
    (js_sys::Math::random() * count as f64) as usize
}

/// Runs now, and again whenever a signal that it read changes. Compiled once, not for each effect.
pub fn effect(run: Box<dyn FnMut()>) {
    Effect::new(run);
}

/// Where in its element a pointer is: shares of width and height.
pub fn within(event: &web_sys::PointerEvent) -> Option<(f64, f64)> {
    let element: web_sys::Element = event.current_target()?.dyn_into().ok()?;
    let sides = element.get_bounding_client_rect();
    let share = |at: i32, from: f64, length: f64| (f64::from(at) - from) / length.max(1.0);
    let (x, y) = (event.client_x(), event.client_y());
    Some((share(x, sides.left(), sides.width()), share(y, sides.top(), sides.height())))
}

/// Whether a pointer event presses or drags. Pressing holds the pointer, so that it may leave the element.
pub fn drags(event: &web_sys::PointerEvent) -> bool {
    let pressed = event.buttons() & 1 == 1;
    if pressed && event.type_() == "pointerdown" {
        let element = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let _ = element.map(|element| element.set_pointer_capture(event.pointer_id()));
    }
    pressed
}

/// The input field with this id.
pub fn field(id: &str) -> Option<web_sys::HtmlInputElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Gives the focus to an element as soon as it is there.
pub fn focus_soon(id: &'static str) {
    request_animation_frame(move || {
        let found = document().get_element_by_id(id);
        if let Some(element) = found.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = element.focus();
        }
    });
}

/// Reads JSON by way of `serde_json::Value`: the code that reads a type from that is smaller than from text.
///
/// # Errors
/// As serde_json's.
pub fn parse_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_value(serde_json::from_str(text)?)
}

/// Loads the page anew, at the same address.
pub fn reload() {
    let _ = window().location().reload();
}

/// Sets an attribute. A style goes another way, which a strict content security policy lets pass.
#[inline(never)]
pub fn set_attribute(element: &Element, name: &str, value: &str) {
    let _ = match name {
        "style" => js_sys::Reflect::set(element, &name.into(), &value.into()).map(drop),
        _ => element.set_attribute(name, value),
    };
}

/// Puts a picture into a canvas at its native size.
pub fn draw(canvas: &HtmlCanvasElement, pixels: &Pixels) {
    let (width, height) = (pixels.width as u32, pixels.height as u32);
    if canvas.width() != width {
        canvas.set_width(width);
    }
    if canvas.height() != height {
        canvas.set_height(height);
    }
    let Ok(data) = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&pixels.rgba), width, height) else { return };
    if let Some(context) = context(canvas) {
        let _ = context.put_image_data(&data, 0.0, 0.0);
    }
}

/// Saves a picture as PNG, enlarged `times` without smoothing.
pub fn download_png(pixels: &Pixels, times: u32, name: String) {
    let canvas = || document().create_element("canvas").ok()?.dyn_into::<HtmlCanvasElement>().ok();
    let (Some(small), Some(large)) = (canvas(), canvas()) else { return };
    draw(&small, pixels);
    let (width, height) = (pixels.width as u32 * times, pixels.height as u32 * times);
    large.set_width(width);
    large.set_height(height);
    let Some(context) = context(&large) else { return };
    context.set_image_smoothing_enabled(false);
    let (w, h) = (f64::from(width), f64::from(height));
    let _ = context.draw_image_with_html_canvas_element_and_dw_and_dh(&small, 0.0, 0.0, w, h);
    let save = Closure::once_into_js(move |blob: Option<web_sys::Blob>| {
        let url = blob.and_then(|blob| web_sys::Url::create_object_url_with_blob(&blob).ok());
        let link = document().create_element("a").ok().and_then(|a| a.dyn_into::<HtmlAnchorElement>().ok());
        let (Some(url), Some(link)) = (url, link) else { return };
        link.set_href(&url);
        link.set_download(&name);
        link.click();
        // Some browsers read the address only after the click is over.
        gloo::timers::callback::Timeout::new(10_000, move || {
            let _ = web_sys::Url::revoke_object_url(&url);
        })
        .forget();
    });
    let _ = large.to_blob(save.unchecked_ref());
}

/// Width of an element in CSS pixels, kept up to date.
pub fn width_of<E>(node: NodeRef<E>) -> ReadSignal<f64>
where
    E: leptos::html::ElementType + 'static,
    E::Output: JsCast + Clone + 'static,
{
    let (width, set_width) = signal(0.0);
    let observer = StoredValue::new_local(None::<(ResizeObserver, Closure<dyn FnMut()>)>);
    effect(Box::new(move || {
        let Some(element) = node.get() else { return };
        let element: web_sys::Element = element.unchecked_into();
        let target = element.clone();
        let measure = move || {
            // The observer may call once more when the page is already gone.
            let _ = set_width.try_set(f64::from(target.client_width()));
        };
        measure();
        let closure = Closure::<dyn FnMut()>::new(measure);
        if let Ok(new) = ResizeObserver::new(closure.as_ref().unchecked_ref()) {
            new.observe(&element);
            observer.set_value(Some((new, closure)));
        }
    }));
    on_cleanup(move || {
        let old = observer.try_update_value(Option::take).flatten();
        if let Some((observer, _closure)) = old {
            observer.disconnect();
        }
    });
    width
}

pub fn device_pixel_ratio() -> f64 {
    window().device_pixel_ratio().max(0.5)
}

pub fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok().flatten()?.dyn_into().ok()
}

/// Copies a text; false where that is refused (an insecure page, an old browser).
pub async fn copy(text: &str) -> bool {
    // Looked up by name: on an insecure page `clipboard` is undefined.
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into()).unwrap_or_default();
    let write = js_sys::Reflect::get(&clipboard, &"writeText".into());
    let Some(write) = write.ok().and_then(|write| write.dyn_into::<js_sys::Function>().ok()) else { return false };
    let Some(promise) = write.call1(&clipboard, &text.into()).ok().and_then(|p| p.dyn_into::<js_sys::Promise>().ok())
    else {
        return false;
    };
    wasm_bindgen_futures::JsFuture::from(promise).await.is_ok()
}

/// The text of a browser's error.
pub fn reason(error: &JsValue) -> String {
    let message = js_sys::Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string());
    message.or_else(|| error.as_string()).unwrap_or_else(|| "?".into())
}
