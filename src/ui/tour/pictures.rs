//! The steps of a chapter, with small pictures of what the page will show, of a run that is there.

use crate::ui::dom;
use crate::ui::parts::Part;
use crate::ui::store::Store;
use crate::ui::theme::Theme;
use ditscope_page_state::Event as PageEvent;
use ditscope_page_state::colour::Scheme;
use ditscope_page_state::film::Pixels;
use ditscope_page_state::stage::Content;
use ditscope_page_state::tour::{self, Chapter, Event};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlCanvasElement};

/// As buttons, in their order; `at` is the one that was pressed last.
pub fn steps(store: Store, chapter: &Chapter, at: Option<usize>) -> Part {
    let steps = chapter.pictures.iter().enumerate().map(|(i, (says, _))| {
        let picture = Part::new("canvas", "pixels").with("aria-hidden", "true").with("hidden", "");
        let words = Part::new("span", "").saying(says.clone());
        let button = Part::button("tour-step", "", move || store.dispatch(PageEvent::Tour(Event::Step(i))))
            .of(vec![words, picture]);
        let button = if at == Some(i) { button.with("aria-current", "step") } else { button };
        Part::new("li", "").of(vec![button])
    });
    Part::new("ol", "tour-steps").of(steps.collect())
}

/// Fills in the canvases of the steps; one for which there is nothing to see stays hidden.
pub fn draw(store: Store, place: &Element) {
    let Ok(canvases) = place.query_selector_all(".tour-step canvas") else { return };
    if canvases.length() == 0 {
        return;
    }
    let scheme = Scheme { gray: false, dark: store.theme.get() == Theme::Dark };
    let pictures: Vec<Option<Pixels>> = store.with(|state| {
        let chapter = state.tour.chapter(state).map(|(_, chapter)| chapter);
        let wishes = chapter.iter().flat_map(|chapter| &chapter.pictures);
        let of = |wish| {
            let each = tour::previews(state, wish)?.into_iter().map(|content| pixels(content, scheme));
            Some(Pixels::beside(&each.collect::<Option<Vec<_>>>()?))
        };
        wishes.map(|(_, wish)| of(wish)).collect()
    });
    for (i, pixels) in pictures.iter().enumerate() {
        let canvas = canvases.get(i as u32).and_then(|canvas| canvas.dyn_into::<HtmlCanvasElement>().ok());
        let Some(canvas) = canvas else { return };
        canvas.set_hidden(pixels.is_none());
        pixels.iter().for_each(|pixels| dom::draw(&canvas, pixels));
    }
}

fn pixels(content: Content, scheme: Scheme) -> Option<Pixels> {
    match content {
        Content::Picture { pixels, .. } => Some(pixels),
        Content::Map(map) => Some(map.pixels(scheme, false)),
        Content::Nothing(_) => None,
    }
}
