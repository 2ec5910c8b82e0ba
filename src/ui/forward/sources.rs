//! Where the picture comes from: training pictures, the model itself, a file of the visitor's.

use super::read::take_file;
use super::state::{Event, Source, can_encode};
use super::text;
use crate::protocol::ModelSource;
use crate::ui::dom;
use crate::ui::state as app;
use crate::ui::store::Store;
use crate::ui::words::{say, say_with};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{DataTransfer, Element, HtmlInputElement};

const PICKER: &str = "forward-file";

fn tell(store: Store, event: Event) {
    store.dispatch(app::Event::Forward(event));
}

#[component]
pub fn Sources() -> impl IntoView {
    let store = Store::get();
    let source = store.memo(text::source);
    let advice = store.memo(text::advice);
    let cannot_encode = store.memo(|state| state.config.as_ref().is_some_and(|config| !can_encode(config)));
    let is_generated = store.memo(|state| matches!(state.forward.source, Some(Source::Generated)));
    let is_own = store.memo(|state| matches!(state.forward.source, Some(Source::Own(_))));
    let is_inverted = store.memo(|state| matches!(&state.forward.source, Some(Source::Own(own)) if own.inverted));
    let pick = move |_| {
        if let Some(picker) = dom::field(PICKER) {
            picker.click();
        }
    };
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
            <Training />
            <div class="source-buttons">
                <button
                    type="button"
                    title=say("forward.hint-generated")
                    aria-pressed=move || is_generated.get().to_string()
                    on:click=move |_| tell(store, Event::UseGenerated)
                >
                    {say("forward.generated")}
                </button>
                <button
                    type="button"
                    class="drop-zone"
                    title=say("forward.hint-own")
                    disabled=cannot_encode
                    aria-pressed=move || is_own.get().to_string()
                    aria-describedby="forward-drop"
                    on:click=pick
                >
                    {say("forward.own")}
                </button>
                <span class="hint" id="forward-drop">{say("forward.drop-hint")}</span>
                <input
                    id=PICKER
                    type="file"
                    accept="image/*"
                    hidden
                    aria-label=say("forward.own")
                    on:change=picked
                />
                <label class="invert-own" class:away=move || !is_own.get()>
                    <input
                        type="checkbox"
                        disabled=move || !is_own.get()
                        prop:checked=move || is_inverted.get()
                        on:change=move |event| tell(store, Event::Invert(event_target_checked(&event)))
                    />
                    {say("forward.invert")}
                </label>
            </div>
            <p class="hint advice"><strong>{source}</strong>" "{advice}</p>
        </div>
    }
}

/// The training pictures in one row; radios, so that arrows go along it.
#[component]
fn Training() -> impl IntoView {
    let store = Store::get();
    let count = store.memo(|state| state.forward_training());
    let chosen = store.memo(|state| match state.forward.source {
        Some(Source::Training(i)) => Some(i),
        _ => None,
    });
    let sheet = store.memo(|state| match state.source() {
        ModelSource::Url(folder) => format!("{folder}/training.png").replace(['"', '\\'], ""),
        ModelSource::Folder(_) => String::new(),
    });
    let tile = move |i: usize, (count, of_class): (usize, usize)| {
        let name = store.peek(|state| {
            let number = i % of_class + 1;
            say_with("forward.training-one", &[("label", &state.label(i / of_class)), ("number", &number)])
        });
        // In percent of what the sheet is larger than a tile.
        let (columns, rows) = (of_class, count / of_class);
        let share = |at: usize, of: usize| at as f64 / (of - 1).max(1) as f64 * 100.0;
        let (x, y) = (share(i % columns, columns), share(i / columns, rows));
        let size = format!("{}% {}%", columns * 100, rows * 100);
        let style = move || format!("background: url(\"{}\") {x:.3}% {y:.3}% / {size}", sheet.get());
        let title = name.clone();
        view! {
            <label class="training-tile" title=title style=style>
                <input
                    type="radio"
                    name="training"
                    aria-label=name
                    prop:checked=move || chosen.get() == Some(i)
                    on:change=move |_| tell(store, Event::UseTraining(i))
                />
            </label>
        }
    };
    // One of each class first: the row may be too short for all.
    let tiles = move || {
        let (all, of_class) = count.get();
        let order = (0..of_class).flat_map(move |n| (0..all / of_class).map(move |class| class * of_class + n));
        order.map(|i| tile(i, (all, of_class))).collect_view()
    };
    let none = store.memo(|state| {
        let waits = matches!(state.forward.sheet, super::state::Sheet::Asked | super::state::Sheet::Unknown);
        if state.forward_training().0 > 0 || waits { String::new() } else { say("forward.no-training").into() }
    });
    view! {
        <div class="training-tiles" role="radiogroup" aria-label=say("forward.training") tabindex="-1">
            {tiles}
            <span class="hint">{none}</span>
        </div>
    }
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
        take_file(store, data.files().and_then(|files| files.item(0)));
    });
    let paste = window_event_listener(ev::paste, move |event| {
        let Some(data) = event.clipboard_data() else { return };
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        // Text is for fields.
        if target.is_some_and(|target| ["INPUT", "TEXTAREA"].contains(&target.tag_name().as_str())) && !has_files(&data)
        {
            return;
        }
        event.prevent_default();
        take_file(store, data.files().and_then(|files| files.item(0)));
    });
    on_cleanup(move || {
        drag.remove();
        leave.remove();
        drop.remove();
        paste.remove();
    });
}

fn has_files(data: &DataTransfer) -> bool {
    data.types().includes(&"Files".into(), 0)
}
