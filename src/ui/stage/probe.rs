//! Reading single values off the views: by pointer, by touch, and by arrow keys where a view has the focus.

use crate::ui::store::Store;
use ditscope_page_state::Page;
use ditscope_page_state::stage::ViewKind;
use ditscope_page_state::stage::content;
use ditscope_words::stage as words;
use ditscope_words::{Words, say, say_with};
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlCanvasElement};

/// Where the visitor looks.
#[derive(Debug, Clone, Copy, PartialEq)]
struct At {
    kind: ViewKind,
    picture: usize,
    /// A pixel of the canvas, and the canvas' size.
    pixel: (usize, usize),
    size: (usize, usize),
    by_key: bool,
}

#[derive(Clone, Copy)]
pub struct Probe {
    store: Store,
    at: RwSignal<Option<At>>,
    /// Whether maps have their tiles in one row.
    in_row: Signal<bool>,
}

impl Probe {
    pub fn new(store: Store, in_row: Signal<bool>) -> Self {
        Self { store, at: RwSignal::new(None), in_row }
    }

    pub fn point(self, event: &PointerEvent) {
        let found = target(event).and_then(|(kind, picture, canvas)| {
            let area = canvas.get_bounding_client_rect();
            let size = size_of(&canvas);
            let share = |at: i32, from: f64, length: f64| (f64::from(at) - from) / length.max(1.0);
            let x = share(event.client_x(), area.left(), area.width());
            let y = share(event.client_y(), area.top(), area.height());
            let pixel = ((x * size.0 as f64) as usize, (y * size.1 as f64) as usize);
            let inside = (0.0..1.0).contains(&x) && (0.0..1.0).contains(&y);
            inside.then_some(At { kind, picture, pixel, size, by_key: false })
        });
        // Between two views the value stays: less flicker.
        if found.is_some() {
            self.at.set(found);
        }
    }

    /// A finger that is lifted leaves its value.
    pub fn leave(self, event: &PointerEvent) {
        if event.pointer_type() == "mouse" {
            self.at.set(None);
        }
    }

    /// Arrow keys go from value to value; nothing else is done with them then.
    pub fn key(self, event: &KeyboardEvent) {
        let (dx, dy) = match event.key().as_str() {
            "ArrowLeft" => (-1, 0),
            "ArrowRight" => (1, 0),
            "ArrowUp" => (0, -1),
            "ArrowDown" => (0, 1),
            _ => return,
        };
        let Some((kind, picture, canvas)) = target(event) else { return };
        event.prevent_default();
        let size = size_of(&canvas);
        let here = self.at.get_untracked().filter(|at| (at.kind, at.picture) == (kind, picture));
        let mut at = At { kind, picture, pixel: here.map_or((0, 0), |at| at.pixel), size, by_key: true };
        let step = |at: usize, by: isize, size: usize| at.saturating_add_signed(by).min(size.max(1) - 1);
        // The first key shows where one is; the gap between two tiles is one pixel wide.
        for _ in 0..if here.is_some() { 2 } else { 0 } {
            at.pixel = (step(at.pixel.0, dx, size.0), step(at.pixel.1, dy, size.1));
            if self.store.peek(|state| self.read(state, at)).is_some() {
                break;
            }
        }
        self.at.set(Some(at));
    }

    /// The value in words, and whether it is to be spoken: only where keys led to it.
    pub fn reading(self) -> (Words, bool) {
        let at = self.at.get();
        let said = at.and_then(|at| self.store.with(|state| self.read(state, at)));
        let by_key = at.is_some_and(|at| at.by_key);
        said.map_or_else(|| (say("stage.reading-hint"), false), |said| (said.into(), by_key))
    }

    fn read(self, state: &Page, at: At) -> Option<String> {
        let mut scene = state.views.scene(state)?;
        let count = scene.info.num_images;
        let name = if at.kind == ViewKind::X0 && count > 1 {
            scene.picture = at.picture;
            say_with("stage.picture", &[("number", &(at.picture + 1)), ("count", &count)])
        } else {
            words::name(at.kind).into_owned()
        };
        let reading = content(at.kind, &scene, false).reading(at.pixel, self.in_row.get_untracked())?;
        Some(words::reading(&name, &reading))
    }

    /// Marks the pixel that keys led to.
    pub fn spot(self, kind: ViewKind) -> String {
        let Some(At { pixel: (x, y), size: (width, height), .. }) =
            self.at.get().filter(|at| at.kind == kind && at.by_key)
        else {
            return "display: none".into();
        };
        let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        let (left, top) = (percent(x, width), percent(y, height));
        let (width, height) = (percent(1, width), percent(1, height));
        format!("left: {left:.3}%; top: {top:.3}%; width: {width:.3}%; height: {height:.3}%")
    }
}

/// The view under an event, which of its pictures, and its canvas.
fn target(event: &Event) -> Option<(ViewKind, usize, HtmlCanvasElement)> {
    let element: Element = event.target()?.dyn_into().ok()?;
    let view = element.closest("[data-view]").ok()??;
    let kind = ViewKind::parse(&view.get_attribute("data-view")?)?;
    let picture = view.get_attribute("data-picture").and_then(|i| i.parse().ok()).unwrap_or_default();
    let canvas = view.query_selector("canvas").ok()??.dyn_into().ok()?;
    Some((kind, picture, canvas))
}

/// A click on a view would give it the focus, and with it the arrow keys, which are the timeline's.
pub fn leave_focus(event: &Event) {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    if element.is_some_and(|element| element.closest(".plate").is_ok_and(|plate| plate.is_some())) {
        event.prevent_default();
    }
}

fn size_of(canvas: &HtmlCanvasElement) -> (usize, usize) {
    (canvas.width() as usize, canvas.height() as usize)
}
