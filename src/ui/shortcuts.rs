//! Keys. They never take a key from a field, a slider, a radio or a button that has the focus.

use super::dom;
use super::store::Store;
use ditscope_page_state::{Choice, Event};
use ditscope_page_state::{run, take, timeline, tour};
use ditscope_words::{Words, say};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

/// Key and meaning, as shown in the help.
pub fn keys() -> [(Words, Words); 18] {
    [
        ("G".into(), say("keys.generate")),
        ("Esc".into(), say("keys.cancel")),
        ("P".into(), say("keys.hold")),
        ("N".into(), say("keys.once")),
        (say("keys.space"), say("keys.play")),
        ("←  →".into(), say("keys.step")),
        (say("keys.home"), say("keys.first")),
        (say("keys.end"), say("keys.last")),
        ("L".into(), say("keys.loop")),
        ("<  >".into(), say("keys.speed")),
        ("S".into(), say("keys.sound")),
        ("D".into(), say("keys.seed")),
        ("M".into(), say("keys.model")),
        ("F".into(), say("keys.present")),
        ("U".into(), say("keys.tour")),
        (say("keys.pages"), say("keys.chapter")),
        ("T".into(), say("keys.theme")),
        ("?".into(), say("keys.help")),
    ]
}

/// Listens on the window as long as the page lives.
pub fn listen(store: Store, help: RwSignal<bool>, models: RwSignal<bool>) {
    // Long: a table, an arm for each key.
    let turn = move |by| store.dispatch(Event::Tour(tour::Event::Turn(by)));
    // A clicker has the timeline, whatever was pressed with the pointer before: who wants keys for a slider goes to it by key.
    let pointed = StoredValue::new(false);
    let pointer = window_event_listener(ev::pointerdown, move |_| pointed.set_value(true));
    let handle = window_event_listener(ev::keydown, move |event: KeyboardEvent| {
        let in_dialog = [help, models, store.saving, store.measuring].iter().any(GetUntracked::get_untracked);
        if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() || in_dialog {
            return;
        }
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        // What the focused element does with a key goes first.
        let presenting = || store.peek(|state| state.address.present);
        if event.key() == "Tab" {
            pointed.set_value(false);
        }
        let is_meant = |_: &&Element| !(presenting() && pointed.get_value());
        let mut free = target.as_ref().filter(is_meant).map_or(Free::ALL, Free::beside);
        free.letters &= store.peek(|state| !state.kept.no_letters);
        let present = |on| store.dispatch(Event::Take(take::Event::Present(on)));
        // The tour's text is scrolled with these keys.
        let reads = |target: &Element| target.closest(".tour-body").ok().flatten().is_some();
        let turns = |target: Option<&Element>| {
            free.moves && store.peek(|state| state.tour_is_open()) && !target.is_some_and(reads)
        };
        let key = latin(event.key(), &event.code());
        match key.as_str() {
            // The browser closes what lies over the page.
            "Escape" if document().query_selector(":popover-open").is_ok_and(|open| open.is_some()) => return,
            "Escape" if presenting() => present(false),
            "Escape" => store.dispatch(Event::Run(run::Event::Cancel)),
            "f" | "F" if free.letters => present(!presenting()),
            "g" | "G" if free.letters => store.dispatch(Event::Generate),
            "s" | "S" if free.letters => store.dispatch(Event::Listen),
            "d" | "D" if free.letters => {
                store.dispatch(Event::Choose(Choice::Seed(dom::random_seed())));
                store.dispatch(Event::Settled);
            }
            "m" | "M" if free.letters => models.set(true),
            "t" | "T" if free.letters => store.theme.get_untracked().other().choose(store.theme),
            "p" | "P" if free.letters => store.dispatch(Event::Run(run::Event::ToggleHold)),
            "n" | "N" | "." if free.letters => store.dispatch(Event::Run(run::Event::StepOnce)),
            "l" | "L" if free.letters => store.dispatch(Event::Timeline(timeline::Event::ToggleLoop)),
            "<" if free.letters => store.dispatch(Event::Timeline(timeline::Event::Faster(-1))),
            ">" if free.letters => store.dispatch(Event::Timeline(timeline::Event::Faster(1))),
            "u" | "U" if free.letters => store.dispatch(Event::Tour(tour::Event::Toggle)),
            "PageUp" if turns(target.as_ref()) => turn(-1),
            "PageDown" if turns(target.as_ref()) => turn(1),
            "PageUp" if free.moves && presenting() => store.dispatch(Event::Timeline(timeline::Event::Step(-1))),
            "PageDown" if free.moves && presenting() => store.dispatch(Event::Timeline(timeline::Event::Step(1))),
            "?" if free.letters => help.set(true),
            " " if free.space => store.dispatch(Event::Timeline(timeline::Event::TogglePlay)),
            "ArrowLeft" if free.moves => store.dispatch(Event::Timeline(timeline::Event::Step(-1))),
            "ArrowRight" if free.moves => store.dispatch(Event::Timeline(timeline::Event::Step(1))),
            "Home" if free.moves => store.dispatch(Event::Timeline(timeline::Event::Seek(0))),
            "End" if free.moves => store.dispatch(Event::Timeline(timeline::Event::Seek(usize::MAX))),
            _ => return,
        }
        event.prevent_default();
    });
    on_cleanup(move || {
        handle.remove();
        pointer.remove();
    });
}

/// On a keyboard of another script a letter is known by its place.
fn latin(key: String, code: &str) -> String {
    let is_letter = |key: &str| key.chars().count() == 1 && !key.is_ascii();
    match code.strip_prefix("Key").filter(|_| is_letter(&key)) {
        Some(letter) => letter.to_ascii_lowercase(),
        None => key,
    }
}

/// Which keys the focused element has no use for itself.
struct Free {
    letters: bool,
    space: bool,
    /// Arrows, Home and End.
    moves: bool,
}

impl Free {
    const ALL: Self = Self { letters: true, space: true, moves: true };

    fn beside(element: &Element) -> Self {
        match (element.tag_name().as_str(), element.get_attribute("type").as_deref()) {
            ("INPUT", Some("range")) => Self { moves: false, ..Self::ALL },
            ("INPUT", Some("radio")) => Self { moves: false, space: false, ..Self::ALL },
            ("INPUT" | "TEXTAREA" | "SELECT", _) => Self { letters: false, space: false, moves: false },
            ("BUTTON" | "A" | "SUMMARY", _) => Self { space: false, ..Self::ALL },
            _ => Self::ALL,
        }
    }
}
