//! Small browser helpers, each of which does nothing rather than fail.

use ditscope_page_state::film::Pixels;
use leptos::prelude::*;
use std::cell::{OnceCell, RefCell};
use wasm_bindgen::prelude::*;
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData, ResizeObserver};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = CSSStyleSheet)]
    type StyleSheet;
    #[wasm_bindgen(constructor, js_class = "CSSStyleSheet")]
    fn new() -> StyleSheet;
    #[wasm_bindgen(method, js_name = replaceSync)]
    fn replace_sync(this: &StyleSheet, css: &str);
    #[wasm_bindgen(thread_local_v2, js_namespace = document, js_name = adoptedStyleSheets)]
    static STYLE_SHEETS: js_sys::Array;
}

thread_local! {
    static ADDED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Gives the page the style of a part that came later, once. (A `style` element is what a content security policy forbids.)
pub fn add_style(css: &'static str) {
    if ADDED.with_borrow(|added| added.contains(&css)) {
        return;
    }
    ADDED.with_borrow_mut(|added| added.push(css));
    let sheet = StyleSheet::new();
    sheet.replace_sync(css);
    STYLE_SHEETS.with(|sheets| sheets.push(&sheet));
}

/// The whole address of the page.
pub fn page() -> String {
    window().location().href().unwrap_or_default()
}

/// The address of the page with another query.
pub fn page_with(query: &str) -> String {
    let page = page();
    let end = page.find(['?', '#']).unwrap_or(page.len());
    format!("{}?{query}", &page[..end])
}

/// The folder of the page, which relative addresses hang on.
pub fn base() -> String {
    let base = document().base_uri().ok().flatten().unwrap_or_else(page);
    ditscope_page_state::address::folder_of(&base).into()
}

pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

thread_local! {
    /// The address that a browser would not take yet.
    static WAITING: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Puts a query string into the address bar. Safari takes no more than a hundred in ten seconds: then the last one waits.
pub fn show_address(query: &str) {
    let waited = WAITING.replace(Some(query.to_owned())).is_some();
    if !waited {
        show_waiting_address();
    }
}

fn show_waiting_address() {
    let Some(query) = WAITING.take() else { return };
    let shown = window()
        .history()
        .and_then(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&format!("?{query}"))));
    if shown.is_err() {
        WAITING.set(Some(query));
        gloo::timers::callback::Timeout::new(1_000, show_waiting_address).forget();
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
pub fn set_attribute(element: &web_sys::Element, name: &str, value: &str) {
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
    RATIO.with(|ratio| ratio.get_or_init(follow_ratio).get())
}

thread_local! {
    static RATIO: OnceCell<ArcRwSignal<f64>> = const { OnceCell::new() };
}

/// The ratio changes with the zoom, and when a window is moved to another screen.
fn follow_ratio() -> ArcRwSignal<f64> {
    let ratio = ArcRwSignal::new(0.0);
    watch_ratio(ratio.clone());
    ratio
}

/// A query names one ratio, so each change needs the next.
fn watch_ratio(ratio: ArcRwSignal<f64>) {
    let now = window().device_pixel_ratio();
    ratio.set(now.max(0.5));
    let Ok(Some(media)) = window().match_media(&format!("(resolution: {now}dppx)")) else { return };
    let changed = Closure::once_into_js(move || watch_ratio(ratio));
    let once = web_sys::AddEventListenerOptions::new();
    once.set_once(true);
    let changed: &js_sys::Function = changed.unchecked_ref();
    let _ = media.add_event_listener_with_callback_and_add_event_listener_options("change", changed, &once);
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

/// The options of a list, as HTML: the value of each, words of our own, and whether it is the chosen one.
pub fn options(all: Vec<(String, String, bool)>) -> String {
    let option = |(value, words, chosen): (String, String, bool)| {
        let chosen = if chosen { " selected" } else { "" };
        format!("<option value=\"{value}\"{chosen}>{words}</option>")
    };
    all.into_iter().map(option).collect()
}
