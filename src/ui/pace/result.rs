//! The table of what was measured, and copying it.

use super::here::here;
use super::session::peek;
use crate::ui::dom;
use crate::ui::parts::Part;
use crate::ui::store::Store;
use ditscope_page_state::pace::{Failure, Figures, Here, State, json};
use ditscope_protocol::BackendChoice;
use ditscope_words::{Words, pace as words, say};
use leptos::prelude::*;

/// What became of the last copying.
#[derive(Clone, PartialEq)]
pub enum Copied {
    Nothing,
    /// With the words for it.
    Done(Words),
    /// Refused, with the text.
    ByHand(String),
}

/// Nothing while nothing was measured.
pub fn table(state: &State, store: Store, copied: RwSignal<Copied>) -> Vec<Part> {
    if state.results().next().is_none() {
        return vec![];
    }
    let head = words::columns().map(|name| Part::new("th", "").with("scope", "col").saying(name.into()));
    let head = Part::new("thead", "").of(vec![Part::new("tr", "").of(head.into())]);
    let rows = state.results().map(|(name, outcome)| row(name, outcome)).collect();
    let table = Part::new("table", "").with("aria-label", say("pace.table"));
    let table = table.of(vec![head, Part::new("tbody", "").of(rows)]);
    // It may be wider than the screen, and is scrolled by key then.
    let table = Part::group("pace-table", vec![table]).with("tabindex", "0").with("role", "group");
    let mut parts = vec![Part::heading("", say("pace.results").into())];
    parts.push(table.with("aria-label", say("pace.table")));
    if !state.is_measuring() {
        parts.extend(words::place(state, &of(state, store)).map(|line| Part::words("hint", line)));
        parts.extend(copying(store, copied));
    }
    let notes = words::notes(state).into_iter().map(|note| Part::new("li", "").saying(note.into())).collect();
    parts.push(Part::new("ul", "hint").of(notes));
    parts
}

fn row(name: &str, outcome: &Result<Figures, Failure>) -> Part {
    let name = |details: String| {
        let details = Part::new("span", "hint").saying(details);
        Part::new("th", "").with("scope", "row").of(vec![Part::new("span", "").saying(name.to_owned()), details])
    };
    match outcome {
        Ok(figures) => {
            let (details, cells) = words::row(figures);
            let cells = cells.into_iter().map(|cell| Part::new("td", "").saying(cell));
            Part::new("tr", "").of(std::iter::once(name(details)).chain(cells).collect())
        }
        Err(why) => {
            let why = Part::new("td", "pace-failed").with("colspan", "4").saying(words::failure(why));
            Part::new("tr", "").of(vec![name(String::new()), why])
        }
    }
}

fn copying(store: Store, copied: RwSignal<Copied>) -> Vec<Part> {
    let table: fn(&State, &Here) -> String = words::markdown;
    let as_json: fn(&State, &Here) -> String = |state, here| json(state, here, &words::failure);
    let link: fn(&State, &Here) -> String = |_, here| here.link.clone();
    let button = |(name, done, text): (Words, Words, fn(&State, &Here) -> String)| {
        let press = move || copy(peek(|state| text(state, &of(state, store))), done.clone(), copied);
        Part::button("", name, press)
    };
    let all = [
        (say("pace.copy-table"), say("pace.copied-table"), table),
        (say("pace.copy-json"), say("pace.copied-json"), as_json),
        (say("pace.copy-link"), say("pace.copied-link"), link),
    ];
    let mut parts = vec![Part::group("buttons", all.into_iter().map(button).collect())];
    let said = match copied.get() {
        Copied::Nothing => String::new(),
        Copied::Done(words) => words.into(),
        Copied::ByHand(_) => say("pace.by-hand").into(),
    };
    parts.push(Part::words("", said).with("role", "status"));
    if let Copied::ByHand(text) = copied.get() {
        let text = Part::new("pre", "pace-text").with("tabindex", "0").with("role", "group").saying(text);
        parts.push(text.with("aria-label", say("pace.by-hand")));
    }
    parts
}

fn copy(text: String, done: Words, copied: RwSignal<Copied>) {
    wasm_bindgen_futures::spawn_local(async move {
        let is_copied = dom::copy(&text).await;
        let _ = copied.try_set(if is_copied { Copied::Done(done) } else { Copied::ByHand(text) });
    });
}

/// Where it was measured.
fn of(state: &State, store: Store) -> Here {
    let backend = match state.device.as_ref().map(|device| device.name.as_str()) {
        Some("CPU") => "cpu",
        Some("WebGPU") => "webgpu",
        _ => store.peek(|state| match state.address.backend {
            BackendChoice::Cpu => "cpu",
            BackendChoice::WebGpu => "webgpu",
            BackendChoice::Auto => "auto",
        }),
    };
    here(backend)
}
