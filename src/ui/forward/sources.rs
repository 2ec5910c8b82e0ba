//! Where the picture comes from: training pictures, the model itself, a file of the visitor's.

use super::read::take_file;
use super::{send, text};
use crate::ui::dom;
use crate::ui::parts::{Part, Parts};
use crate::ui::store::Store;
use ditscope_page_state::Page;
use ditscope_page_state::forward::{Event, Sheet, Source, can_encode};
use ditscope_protocol::ModelSource;
use ditscope_words::text::class_label;
use ditscope_words::{say, say_with};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{DataTransfer, Element, HtmlInputElement};

const PICKER: &str = "forward-file";

#[component]
pub fn Sources() -> impl IntoView {
    let store = Store::get();
    let picked = move |event: ev::Event| {
        let picker: HtmlInputElement = event_target(&event);
        let file = picker.files().and_then(|files| files.item(0));
        // So that the same file can be chosen again.
        picker.set_value("");
        if file.is_some() {
            take_file(store, file);
        }
    };
    view! {
        <div class="sources" role="group" aria-label=say("forward.sources")>
            <div class="training-tiles" role="radiogroup" aria-label=say("forward.training")>
                <Parts content=Box::new(move || store.with(|state| tiles(store, state))) />
            </div>
            <Parts content=Box::new(move || store.with(|state| others(store, state))) />
            <input id=PICKER type="file" accept="image/*" hidden aria-label=say("forward.own") on:change=picked />
        </div>
    }
}

/// The training pictures in one row; radios, so that arrows go along it.
fn tiles(store: Store, state: &Page) -> Vec<Part> {
    let (count, of_class) = state.forward.training(state);
    let (ModelSource::Url(folder), true) = (state.source(), count > 0) else {
        let waits = matches!(state.forward.sheet, Sheet::Asked | Sheet::Unknown);
        return if waits { vec![] } else { vec![Part::words("hint", say("forward.no-training"))] };
    };
    let classes = count / of_class;
    let tile = |i: usize| {
        let (class, column) = (i / of_class, i % of_class);
        // In percent of what the sheet is larger than a tile.
        let share = |at: usize, of: usize| at * 10_000 / (of - 1).max(1);
        let (x, y) = (share(column, of_class), share(class, classes));
        let place = format!("calc({x}% / 100) calc({y}% / 100) / {}% {}%", of_class * 100, classes * 100);
        let url = folder.replace(['"', '\\'], "");
        let name =
            say_with("forward.training-one", &[("label", &class_label(state, class)), ("number", &(column + 1))]);
        let radio = Part::new("input", "")
            .with("type", "radio")
            .with("name", "training")
            .with("aria-label", name)
            .doing(move || send(store, Event::UseTraining(i)));
        let is_chosen = state.forward.source == Some(Source::Training(i));
        let radio = if is_chosen { radio.with("checked", "") } else { radio };
        let style = format!("background: url(\"{url}/training.png\") {place}");
        Part::new("label", "training-tile").with("style", style).of(vec![radio])
    };
    // One of each class first: the row may be too short for all.
    (0..count).map(|i| tile(i % classes * of_class + i / classes)).collect()
}

/// What the model has made, files, and what is to be known about the picture.
fn others(store: Store, state: &Page) -> Vec<Part> {
    let own = if let Some(Source::Own(own)) = &state.forward.source { Some(own) } else { None };
    let toggle = |class, words, pressed: bool, press: Box<dyn Fn()>| {
        Part::button(class, words, press).with("aria-pressed", pressed.to_string())
    };
    let is_generated = matches!(state.forward.source, Some(Source::Generated));
    let generated = move || send(store, Event::UseGenerated);
    let generated = toggle("", say("forward.generated"), is_generated, Box::new(generated))
        .with("title", say("forward.hint-generated"));
    let pick = || {
        if let Some(picker) = dom::field(PICKER) {
            picker.click();
        }
    };
    let mut file = toggle("drop-zone", say("forward.own"), own.is_some(), Box::new(pick))
        .with("title", say("forward.hint-own"))
        .with("aria-describedby", "forward-drop");
    if state.models.config.as_ref().is_some_and(|config| !can_encode(config)) {
        file = file.with("disabled", "");
    }
    let drop = Part::new("span", "hint").with("id", "forward-drop").saying(say("forward.drop-hint").into());
    let mut buttons = vec![generated, file, drop];
    if let Some(inverted) = own.map(|own| own.inverted) {
        let invert = move || send(store, Event::Invert(!inverted));
        buttons.push(toggle("invert-own", say("forward.invert"), inverted, Box::new(invert)));
    }
    let source = Part::new("strong", "").saying(text::source(state));
    let advice = Part::new("span", "").saying(format!(" {}", text::advice(state)));
    vec![Part::group("source-buttons", buttons), Part::new("p", "hint advice").of(vec![source, advice])]
}

/// Files that are dropped on the page or pasted, as long as this stage is there.
pub fn listen_for_files(store: Store, over: RwSignal<bool>) {
    // Else the browser would leave the page and show the file.
    let drag = window_event_listener(ev::dragover, move |event| {
        if event.data_transfer().is_some_and(|data| has_files(&data)) {
            event.prevent_default();
            over.set(true);
        }
    });
    let leave = window_event_listener(ev::dragleave, move |event| {
        if event.related_target().is_none() {
            over.set(false);
        }
    });
    let drop = window_event_listener(ev::drop, move |event| {
        over.set(false);
        let Some(data) = event.data_transfer() else { return };
        event.prevent_default();
        take_first(store, &data);
    });
    let paste = window_event_listener(ev::paste, move |event| {
        let Some(data) = event.clipboard_data() else { return };
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        // Text is for fields.
        let in_field = target.is_some_and(|target| ["INPUT", "TEXTAREA"].contains(&target.tag_name().as_str()));
        if in_field && !has_files(&data) {
            return;
        }
        event.prevent_default();
        take_first(store, &data);
    });
    on_cleanup(move || {
        drag.remove();
        leave.remove();
        drop.remove();
        paste.remove();
    });
}

fn take_first(store: Store, data: &DataTransfer) {
    take_file(store, data.files().and_then(|files| files.item(0)));
}

fn has_files(data: &DataTransfer) -> bool {
    data.types().includes(&"Files".into(), 0)
}
