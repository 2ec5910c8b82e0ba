//! Makes what is saved: files, a video, texts for the clipboard. Long work goes frame by frame, and the page handles
//! its events in between.

use super::video::Video;
use crate::event_loop::next_task;
use crate::ui::by_name::{call, construct};
use crate::ui::store::Store;
use crate::ui::{canvas, dom};
use ditscope_export::gif::{Gif, is_gray, timing};
use ditscope_export::picture::{lines, png, stored, svg};
use ditscope_export::sheet;
use ditscope_export::sheet::{Item, PAPER, Sheet};
use ditscope_page_state as app;
use ditscope_page_state::address::{self, Address};
use ditscope_page_state::film::{Film, Frame, Pixels};
use ditscope_page_state::take::choice::{file_name, picture, resized, size, times};
use ditscope_page_state::take::{self, Event, Export, Made, Subject, data};
use ditscope_page_state::{Notice, Page};
use ditscope_tensor_file as tensor_file;
use ditscope_words::text::class_label;
use js_sys::{Array, Promise, Uint8Array};
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement, Response};

/// The effect of [`Event::Make`].
pub fn make(store: Store, number: u32, kind: Export) {
    spawn_local(async move {
        let result = Maker { store, number }.make(kind).await;
        send(store, Event::Ended { number, result });
    });
}

fn send(store: Store, event: Event) {
    store.dispatch(app::Event::Take(event));
}

/// The page's link to the film's settings or else to those of the run that is seen, whatever way the page is shown now.
pub fn link(state: &Page, film: Option<&Film>) -> String {
    let shown = Address { present: false, embed: false, ..(*state.address).clone() };
    let settings = film.map_or_else(|| state.linked_settings(), |film| film.info.settings.clone());
    dom::page_with(&address::query(&shown, &settings))
}

pub fn embed_code(state: &Page) -> String {
    let title = format!("ditscope: {}, {}", state.model_name(), class_label(state, state.linked_settings().class));
    take::embed_code(&link(state, None), &title)
}

#[derive(Clone, Copy)]
struct Maker {
    store: Store,
    number: u32,
}

/// What was made, or why not.
type Outcome = Result<Made, Notice>;

impl Maker {
    async fn make(self, kind: Export) -> Outcome {
        match kind {
            Export::Link => return copy(self.store.peek(|state| link(state, None)), Made::LinkCopied).await,
            Export::Embed => return copy(self.store.peek(embed_code), Made::EmbedCopied).await,
            _ => {}
        }
        // Frames are shared, not copied.
        let film = self.store.peek(|state| state.shown().filter(|film| !film.is_empty()).cloned());
        let film = film.ok_or(Notice::NothingMade)?;
        let selected = Subject::One(self.store.peek(|state| state.timeline.selected));
        match kind {
            Export::Png => self.png(&film, selected).await,
            Export::Sheet => {
                let i = if let Subject::One(i) = selected { i } else { 0 };
                save_sheet(&sheet::trajectory(&film, i), file_name(&film, selected, "-steps", "png")).await
            }
            Export::Pictures => {
                save_sheet(&sheet::pictures(&film), file_name(&film, Subject::All, "-pictures", "png")).await
            }
            Export::Gif(subject) => self.gif(&film, subject).await,
            Export::Video(subject) => self.video(&film, subject).await,
            Export::Json => {
                let text = data::description(&film, &self.about(&film));
                save(&[text.into()], "application/json", file_name(&film, Subject::All, "", "json"))
            }
            Export::Tensors => {
                let parts = Array::new();
                data::tensor_file(&film, &self.about(&film), |piece| {
                    parts.push(&Uint8Array::from(piece));
                });
                let name = file_name(&film, Subject::All, "", tensor_file::EXTENSION);
                save(&parts.to_vec(), "application/octet-stream", name)
            }
            Export::Link | Export::Embed => Err(Notice::Stopped),
        }
    }

    fn about(self, film: &Film) -> take::About {
        self.store.peek(|state| take::about(state, film, link(state, Some(film))))
    }

    /// The frames of a moving picture, and for how long each is shown.
    fn timing(self, film: &Film) -> Vec<(Arc<Frame>, usize)> {
        timing(film, self.store.peek(|state| state.kept.pacing))
    }

    /// The picture that is on the stage.
    async fn png(self, film: &Film, selected: Subject) -> Outcome {
        const TIMES: usize = 8;
        let position = self.store.peek(|state| state.timeline.position);
        let (Some(frame), Subject::One(i)) = (film.at(position), selected) else { return Err(Notice::Stopped) };
        let name = ditscope_page_state::take::file_name::of_picture(film, i, position);
        save_png(&picture(film, frame, selected), TIMES, name).await
    }

    async fn gif(self, film: &Film, subject: Subject) -> Outcome {
        let frames = self.timing(film);
        // First a look at all of them: their colours decide the palette.
        let gray = frames.iter().all(|(frame, _)| is_gray(&picture(film, frame, subject)));
        let size = size(film, subject);
        let mut gif = Gif::new(size, times(size.0), gray).map_err(Notice::Said)?;
        for (done, (frame, ms)) in frames.iter().enumerate() {
            self.progress(done, frames.len()).await?;
            gif.add(&picture(film, frame, subject), *ms).map_err(Notice::Said)?;
        }
        let bytes = gif.finish().map_err(Notice::Said)?;
        save(&[Uint8Array::from(&bytes[..]).into()], "image/gif", file_name(film, subject, "", "gif"))
    }

    async fn video(self, film: &Film, subject: Subject) -> Outcome {
        let frames = self.timing(film);
        let (width, height) = size(film, subject);
        // Sides must be even. All in whole pixels, so that the edges stay sharp.
        let times = times(width) * 2 / if width % 2 == 0 && height % 2 == 0 { 2 } else { 1 };
        let (width, height) = (width * times, height * times);
        let mut video = Video::start(width, height).await?;
        let mut until_ms = 0;
        for (done, (frame, ms)) in frames.iter().enumerate() {
            self.progress(done, frames.len()).await?;
            until_ms += ms;
            video.add(&resized(&picture(film, frame, subject), width, height), until_ms).await?;
        }
        let bytes = video.finish().await?;
        save(&[Uint8Array::from(&bytes[..]).into()], "video/mp4", file_name(film, subject, "", "mp4"))
    }

    /// Reports progress and lets the page handle its events; the error says that the visitor stopped it.
    async fn progress(self, done: usize, total: usize) -> Result<(), Notice> {
        send(self.store, Event::Progress { number: self.number, done, total });
        next_task().await;
        let going_on = self.store.try_peek(|state| state.take.is_making(self.number));
        if going_on == Some(true) { Ok(()) } else { Err(Notice::Stopped) }
    }
}

async fn copy(text: String, done: Made) -> Outcome {
    if dom::copy(&text).await { Ok(done) } else { Err(Notice::CopyByHand) }
}

fn put(context: &CanvasRenderingContext2d, pixels: &Pixels, x: f64, y: f64, width: f64, height: f64) {
    let Some(small) = canvas::new(pixels.width, pixels.height) else { return };
    // What is missing of a picture is black.
    dom::draw(&small, &resized(pixels, pixels.width, pixels.height));
    context.set_image_smoothing_enabled(width < pixels.width as f64);
    let _ = context.draw_image_with_html_canvas_element_and_dw_and_dh(&small, x, y, width, height);
}

async fn save_png(pixels: &Pixels, times: usize, name: String) -> Outcome {
    let lines = lines(pixels, times);
    let zlib = match compressed(&lines).await {
        Some(zlib) => zlib,
        None => stored(&lines),
    };
    let bytes = png(pixels.width * times, pixels.height * times, &zlib);
    save(&[Uint8Array::from(&bytes[..]).into()], "image/png", name)
}

/// Bytes as the browser's zlib has them; by name, since not every browser has it.
async fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let stream = construct("CompressionStream", &["deflate".into()]).ok()?;
    let parts = Array::of1(&Uint8Array::from(bytes));
    let source = call(Blob::new_with_u8_array_sequence(&parts).ok()?.as_ref(), "stream", &[]).ok()?;
    let piped = call(&source, "pipeThrough", &[stream]).ok()?;
    let response = Response::new_with_opt_readable_stream(Some(piped.unchecked_ref())).ok()?;
    let buffer = JsFuture::from(response.array_buffer().ok()?).await.ok()?;
    Some(Uint8Array::new(&buffer).to_vec())
}

/// As PNG where the browser gives back what was drawn, else as SVG, which is made without a canvas.
async fn save_sheet(sheet: &Sheet, name: String) -> Outcome {
    if canvas::is_honest()
        && let Some(canvas) = drawn(sheet)
        && let Some(blob) = blob(&canvas).await
    {
        download(&blob, &name);
        return Ok(Made::File(name));
    }
    let base64 = |bytes: &[u8]| {
        let text: String = bytes.iter().copied().map(char::from).collect();
        window().btoa(&text).unwrap_or_default()
    };
    let drawing = svg(sheet, base64);
    save(&[drawing.into()], "image/svg+xml", name.replace(".png", ".svg"))
}

fn drawn(sheet: &Sheet) -> Option<HtmlCanvasElement> {
    let canvas = canvas::new(sheet.width, sheet.height)?;
    let context = dom::context(&canvas)?;
    context.set_fill_style_str(PAPER);
    context.fill_rect(0.0, 0.0, sheet.width as f64, sheet.height as f64);
    context.set_text_baseline("top");
    for item in &sheet.items {
        match item {
            Item::Pixels { x, y, width, height, pixels } => put(&context, pixels, *x, *y, *width, *height),
            Item::Words { x, y, size, bold, colour, most_width, words } => {
                let weight = if *bold { 650 } else { 400 };
                context.set_font(&format!("{weight} {size}px system-ui, sans-serif"));
                context.set_fill_style_str(colour);
                let _ = context.fill_text_with_max_width(words, *x, *y, *most_width);
            }
        }
    }
    Some(canvas)
}

/// The picture of a canvas as PNG; none where it is too large for the browser.
async fn blob(canvas: &HtmlCanvasElement) -> Option<Blob> {
    let made = Promise::new(&mut |resolve, _| {
        if canvas.to_blob(&resolve).is_err() {
            let _ = resolve.call1(&JsValue::NULL, &JsValue::NULL);
        }
    });
    JsFuture::from(made).await.ok()?.dyn_into().ok()
}

fn save(parts: &[JsValue], media_type: &str, name: String) -> Outcome {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts: Array = parts.iter().collect();
    let blob = Blob::new_with_blob_sequence_and_options(&parts, &options);
    let blob = blob.map_err(|_| Notice::NoMemory)?;
    download(&blob, &name);
    Ok(Made::File(name))
}

/// Has the browser save it under this name.
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
