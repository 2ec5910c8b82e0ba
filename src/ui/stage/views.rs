//! The chooser of views, and the views beside the large picture.

use super::probe::Probe;
use crate::ui::dom;
use crate::ui::live;
use crate::ui::parts::{Part, Parts};
use crate::ui::store::Store;
use crate::ui::theme::Theme;
use ditscope_page_state as app;
use ditscope_page_state::colour::Scheme;
use ditscope_page_state::film::fitted_width;
use ditscope_page_state::stage::Event;
use ditscope_page_state::stage::ViewKind;
use ditscope_page_state::stage::{Content, content, is_fitted, limit};
use ditscope_words::stage as words;
use ditscope_words::{Words, say, say_with};
use leptos::html::Figure;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlCanvasElement};

/// Which views are on, and how maps are coloured.
#[component]
pub fn Chooser() -> impl IntoView {
    let store = Store::get();
    let chosen = store.memo(|state| (state.views.on().to_vec(), state.views.gray, state.views.fitted));
    let toggle = move |words: Words, hint: Words, pressed: bool, event: Event| {
        Part::button("view-chip", "", move || store.dispatch(app::Event::Views(event.clone())))
            .with("aria-pressed", pressed.to_string())
            .with("title", hint)
            .of(symbol(&words))
    };
    let content = move || {
        let (on, gray, fitted) = chosen.get();
        let view =
            |kind: ViewKind| toggle(words::name(kind), words::hint(kind), on.contains(&kind), Event::Toggle(kind));
        let gray = toggle(say("stage.gray"), say("stage.gray-hint"), gray, Event::ToggleGray);
        let fit = toggle(say("stage.fit"), say("stage.fit-hint"), fitted, Event::ToggleFitted);
        let chips =
            |name: Words, parts| Part::group("view-chips", parts).with("role", "group").with("aria-label", name);
        let views = ViewKind::ALL.into_iter().map(view).collect();
        vec![chips(say("stage.views"), views), chips(say("stage.colours"), vec![gray, fit])]
    };
    view! { <div class="chooser"><Parts content=Box::new(content) /></div> }
}

/// `predicted noise ε̂`, with the symbol as in a formula.
fn symbol(name: &str) -> Vec<Part> {
    let (words, symbol) = words::with_symbol(name);
    vec![Part::new("span", "").saying(words.into()), Part::new("var", "").saying(symbol.into())]
}

/// From one part of the strip to the next: what is done on the way, and where there is more to see of it, a button that opens
/// that.
#[component]
pub fn Flow(kind: ViewKind) -> impl IntoView {
    let store = Store::get();
    let content = move || {
        let (words, hint) = match kind {
            ViewKind::XT => (say("stage.model"), say("stage.model-hint")),
            ViewKind::EpsGuided => (say("stage.taken"), say("stage.taken-hint")),
            ViewKind::X0Latent => (say("stage.decoder"), say("stage.decoder-hint")),
            _ => return vec![],
        };
        let behind = kind.behind();
        let part = match behind {
            [] => Part::words("flow", words),
            _ => {
                let is_open = store.with(|state| behind.iter().all(|kind| state.views.on().contains(kind)));
                Part::button("flow", words, move || store.dispatch(app::Event::Views(Event::Open(kind))))
                    .with("aria-expanded", is_open.to_string())
            }
        };
        vec![part.with("title", hint).with("data-after", kind.name())]
    };
    view! { <Parts content=Box::new(content) /> }
}

/// A view other than the large picture. Its elements are kept up to date by one effect: there are up to eight views,
/// and a scrub along the timeline changes all of them with every frame. `in_row`: it lies across a phone's width.
#[component]
pub fn StepView(kind: ViewKind, in_row: Signal<bool>, probe: Probe) -> impl IntoView {
    let store = Store::get();
    let node = NodeRef::<Figure>::new();
    let width = dom::width_of(node);
    let look = store.memo(|state| (state.views.fitted, state.views.gray));
    let scene = store.memo(|state| state.views.scene(state));
    let mut shown = Vec::new();
    dom::effect(Box::new(move || {
        let (Some(figure), (fitted, gray)) = (node.get(), look.get()) else { return };
        let figure: &Element = figure.as_ref();
        let scheme = Scheme { gray, dark: store.theme.get() == Theme::Dark };
        let content = scene.with(|scene| scene.as_ref().map(|scene| content(kind, scene, fitted)));
        // In a row the name and the legend stand beside the map.
        let room = if in_row.get() { width.get().min(204.0) } else { width.get() };
        let mut elements = Elements { figure, shown: &mut shown };
        elements.show(kind, content, is_fitted(kind, fitted), scheme, in_row.get(), room);
    }));
    dom::effect(Box::new(move || {
        let style = probe.spot(kind);
        if let Some(spot) = node.get().and_then(|figure| figure.query_selector(".spot").ok().flatten()) {
            dom::set_attribute(&spot, "style", &style);
        }
    }));
    view! {
        <figure class="step-view" node_ref=node>
            <figcaption title=words::hint(kind)>
                <Name words=words::name(kind) />
                <span class="tag"></span>
            </figcaption>
            <div class="map">
                <p class="placeholder"></p>
                <div class="plate" role="img" tabindex="0" data-view=kind.name()>
                    <canvas class="pixels" aria-hidden="true"></canvas>
                    <i class="spot"></i>
                </div>
            </div>
            <div class="legend" role="img">
                <i class="bar"></i>
                <span class="low" aria-hidden="true"></span>
                <span class="how" aria-hidden="true"></span>
                <span class="high" aria-hidden="true"></span>
            </div>
        </figure>
    }
}

/// A name with its symbol as in a formula.
#[component]
fn Name(words: Words) -> impl IntoView {
    let (words, symbol) = words::with_symbol(&words);
    view! { {words.to_owned()}<var>{symbol.to_owned()}</var> }
}

/// What of a view changes with the step. What is shown already is not set again: the browser would lay the page out anew.
struct Elements<'a> {
    figure: &'a Element,
    shown: &'a mut Vec<Shown>,
}

/// A selector within the view, what is set there, and to what.
type Shown = (&'static str, &'static str, String);

impl Elements<'_> {
    /// The view itself without a selector.
    fn find(&self, selector: &str) -> Option<Element> {
        if selector.is_empty() {
            return Some(self.figure.clone());
        }
        self.figure.query_selector(selector).ok().flatten()
    }

    /// As [`live::put`].
    #[inline(never)]
    fn set(&mut self, selector: &'static str, name: &'static str, value: &str) {
        let place = self.shown.iter().position(|shown| (shown.0, shown.1) == (selector, name));
        if place.is_some_and(|place| self.shown[place].2 == value) {
            return;
        }
        if let Some(element) = self.find(selector) {
            live::put(&element, name, value);
        }
        place.map(|place| self.shown.swap_remove(place));
        self.shown.push((selector, name, value.to_owned()));
    }

    fn set_text(&mut self, selector: &'static str, words: &str, hint: &str) {
        self.set(selector, "text", words);
        self.set(selector, "title", hint);
        self.set(selector, "hidden", &words.is_empty().to_string());
    }

    fn show(
        &mut self,
        kind: ViewKind,
        content: Option<Content>,
        fitted: bool,
        scheme: Scheme,
        in_row: bool,
        room: f64,
    ) {
        let (mut words, mut tag, mut tag_hint, mut class) = (Words::default(), Words::default(), Words::default(), "");
        let mut range = None;
        let mut name = words::name(kind).into_owned();
        let pixels = match content {
            None => None,
            Some(Content::Nothing(why)) => {
                words = words::nothing(&why);
                None
            }
            Some(Content::Picture { pixels, preview, stale }) => {
                if stale {
                    (class, tag, tag_hint) = (" stale", say("stage.stale"), say("stage.stale-hint"));
                } else if preview {
                    (tag, tag_hint) = (say("stage.preview"), say("stage.preview-hint"));
                }
                Some(pixels)
            }
            Some(Content::Map(map)) => {
                range = Some(limit(map.range));
                if map.shape[0] > 1 {
                    name = say_with("stage.channels", &[("title", &name), ("channels", &map.shape[0])]);
                }
                Some(map.pixels(scheme, in_row))
            }
        };
        self.set("", "class", &format!("step-view{class}"));
        self.set_text(".placeholder", &words, "");
        self.set_text(".tag", &tag, &tag_hint);
        self.set(".plate", "aria-label", &name);
        self.set(".plate", "hidden", &pixels.is_none().to_string());
        if let Some(pixels) = pixels {
            let css = fitted_width(pixels.width, room, dom::device_pixel_ratio());
            self.set(
                "canvas",
                "style",
                &format!("width: {css:.3}px; aspect-ratio: {} / {}", pixels.width, pixels.height),
            );
            if let Some(canvas) = self.find("canvas").and_then(|canvas| canvas.dyn_into::<HtmlCanvasElement>().ok()) {
                dom::draw(&canvas, &pixels);
            }
        }
        self.legend(range, fitted, scheme);
    }

    /// What the colours mean. Where there is no map now, its place is kept.
    fn legend(&mut self, range: Option<String>, fitted: bool, scheme: Scheme) {
        self.set(".legend", "class", if range.is_some() { "legend" } else { "legend blank" });
        let Some(range) = range else { return };
        let (how, key) =
            if fitted { ("stage.fitted", "stage.legend-fitted") } else { ("stage.fixed", "stage.legend-fixed") };
        self.set(".legend", "aria-label", &say_with(key, &[("limit", &range)]));
        self.set(".bar", "style", &format!("background: {}", scheme.gradient()));
        self.set_text(".low", &format!("−{range}"), "");
        self.set_text(".how", &say(how), "");
        self.set_text(".high", &format!("+{range}"), "");
    }
}
