//! Labelled pictures, buttons, sliders and choices that follow the experiments.

use super::hand::Hand;
use crate::ui::controls::fill;
use crate::ui::dom;
use crate::ui::live::Live;
use ditscope_page_state::Page;
use ditscope_page_state::film::{self, Pixels};
use ditscope_page_state::lab::bench::Bench;
use ditscope_words::Words;
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, HtmlSelectElement};

/// What a figure shows.
pub struct Figure {
    pub title: String,
    pub pixels: Option<Pixels>,
    /// A line below it.
    pub note: String,
}

impl Figure {
    pub fn new(title: impl Into<String>, pixels: Option<Pixels>, note: impl Into<String>) -> Self {
        Self { title: title.into(), pixels, note: note.into() }
    }
}

/// A picture with its title and a note.
pub fn figure(hand: Hand, look: impl Fn(&Page, &Bench) -> Figure + Copy + 'static) -> Live {
    let canvas = Live::new("canvas", "pixels").with("role", "img");
    let canvas = canvas.live(
        "aria-label",
        hand.text(move |page, bench| {
            let Figure { title, note, .. } = look(page, bench);
            if note.is_empty() { title } else { format!("{title}: {note}") }
        }),
    );
    let canvas = canvas.drawing(Box::new(move || hand.see(look).pixels));
    let canvas = canvas.live("hidden", Box::new(move || hand.see(look).pixels.is_none().to_string()));
    Live::new("figure", "lab-figure").of(vec![
        Live::new("figcaption", "").live("text", hand.text(move |page, bench| look(page, bench).title)),
        Live::new("div", "lab-picture").of(vec![canvas]),
        Live::new("p", "hint").live("text", hand.text(move |page, bench| look(page, bench).note)),
    ])
}

/// Picture `i` of the film on the stage, where the timeline stands.
pub fn picture(page: &Page, i: usize) -> Option<Pixels> {
    let film = page.shown()?;
    let frame = film.at(page.timeline.position)?;
    (i < film.info.num_images).then(|| film::picture(&film.info, frame, i))
}

pub fn button(class: &str, words: impl Into<Words>, press: impl Fn() + 'static) -> Live {
    Live::new("button", class).with("type", "button").saying(&words.into()).on("click", Box::new(move |_| press()))
}

/// A button that stays down.
pub fn switch(
    hand: Hand,
    words: &str,
    name: &str,
    is_on: impl Fn(&Page, &Bench) -> bool + 'static,
    press: impl Fn() + 'static,
) -> Live {
    let pressed = hand.text(move |page, bench| is_on(page, bench).to_string());
    button("lab-switch", words.to_owned(), press).with("aria-label", name).live("aria-pressed", pressed)
}

/// A slider with its name and what it says.
pub fn slider(
    hand: Hand,
    name: &str,
    range: impl Fn(&Page, &Bench) -> (f64, f64, f64) + Copy + 'static,
    value: impl Fn(&Page, &Bench) -> f64 + Copy + 'static,
    spoken: impl Fn(&Page, &Bench) -> String + Copy + 'static,
    choose: impl Fn(f64, bool) + 'static,
) -> Live {
    let told = move |event: web_sys::Event| {
        let is_settled = event.type_() == "change";
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        if let Some(value) = input.and_then(|input| input.value().parse().ok()) {
            choose(value, is_settled);
        }
    };
    let told = std::rc::Rc::new(told);
    let (moved, settled) = (told.clone(), told);
    let filled = move |page: &Page, bench: &Bench| {
        let (least, most, _) = range(page, bench);
        fill(value(page, bench), least, most)
    };
    let input = Live::new("input", "")
        .with("type", "range")
        .with("aria-label", name)
        .live("min", hand.text(move |page, bench| range(page, bench).0.to_string()))
        .live("max", hand.text(move |page, bench| range(page, bench).1.to_string()))
        .live("step", hand.text(move |page, bench| range(page, bench).2.to_string()))
        .live("aria-valuetext", hand.text(spoken))
        .live("style", hand.text(filled))
        .live("value", hand.text(move |page, bench| value(page, bench).to_string()))
        .on("input", Box::new(move |event| moved(event)))
        .on("change", Box::new(move |event| settled(event)));
    let words = vec![Live::new("span", "").saying(name), Live::new("span", "numbers").live("text", hand.text(spoken))];
    Live::new("label", "lab-slider").of(vec![Live::new("span", "lab-name").of(words), input])
}

/// A list to choose from. `options`: value, words, whether it is chosen.
pub fn list(
    hand: Hand,
    name: &str,
    options: impl Fn(&Page, &Bench) -> Vec<(String, String, bool)> + 'static,
    choose: impl Fn(String) + 'static,
) -> Live {
    let told = move |event: web_sys::Event| {
        let list = event.target().and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
        list.into_iter().for_each(|list| choose(list.value()));
    };
    let select = Live::new("select", "")
        .with("aria-label", name)
        .live("html", hand.text(move |page, bench| dom::options(escaped(options(page, bench)))))
        .on("change", Box::new(told));
    Live::new("label", "lab-list").of(vec![Live::new("span", "lab-name").saying(name), select])
}

/// Names of classes are a model's, and may be anything.
fn escaped(options: Vec<(String, String, bool)>) -> Vec<(String, String, bool)> {
    let escape = |words: String| words.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    options.into_iter().map(|(value, words, chosen)| (value, escape(words), chosen)).collect()
}

pub fn group(class: &str, parts: Vec<Live>) -> Live {
    Live::new("div", class).of(parts)
}

/// A line that is read out when it changes.
pub fn status(hand: Hand, words: impl Fn(&Page, &Bench) -> String + 'static) -> Live {
    Live::new("p", "hint lab-status").with("role", "status").live("text", hand.text(words))
}
