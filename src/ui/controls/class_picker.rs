//! The class as chips: a radio group with names and, where the model brings them, small pictures.

use crate::ui::state::{Choice, Event};
use crate::ui::store::Store;
use crate::ui::text;
use leptos::prelude::*;

/// Chips shown empty until the names are known, so that nothing jumps when they come.
const PLACEHOLDERS: usize = 10;

#[component]
pub fn ClassPicker() -> impl IntoView {
    let store = Store::get();
    let labels = store.memo(|state| state.config.as_ref().map(|config| config.labels.clone()));
    let chosen = store.memo(|state| state.settings().class);
    let sprite_url = store.memo(|state| format!("{}/thumbnails.png", state.model_url()));
    // Only a picture that did load is used: a missing file leaves plain chips.
    let loaded = RwSignal::new(None::<String>);
    let sprite = Memo::new(move |_| loaded.get().filter(|url| *url == sprite_url.get()));
    let chips = move || {
        let Some(labels) = labels.get() else {
            return (0..PLACEHOLDERS).map(|_| view! { <span class="chip empty"></span> }).collect_view().into_any();
        };
        let count = labels.len();
        labels
            .into_iter()
            .enumerate()
            .map(|(class, label)| view! { <Chip class label count chosen sprite /> })
            .collect_view()
            .into_any()
    };
    view! {
        <div class="control class-picker" title=text::HINT_CLASS>
            <span class="label" id="class-label">"Class"</span>
            <div
                class="chips"
                role="radiogroup"
                aria-labelledby="class-label"
                aria-busy=move || labels.get().is_none().to_string()
            >
                {chips}
            </div>
            <img
                hidden
                alt=""
                src=move || sprite_url.get()
                on:load=move |_| loaded.set(Some(sprite_url.get_untracked()))
            />
        </div>
    }
}

#[component]
fn Chip(class: usize, label: String, count: usize, chosen: Memo<usize>, sprite: Memo<Option<String>>) -> impl IntoView {
    let store = Store::get();
    // The sprite is one row of `count` pictures.
    let picture = move |url: String| {
        let at = if count > 1 { class as f64 / (count - 1) as f64 * 100.0 } else { 0.0 };
        let (size, url) = (count * 100, url.replace(['"', '\\'], ""));
        let style = format!("background: url(\"{url}\") {at:.3}% 0 / {size}% 100%");
        view! { <span class="thumb" aria-hidden="true" style=style></span> }
    };
    view! {
        <label class="chip">
            <input
                type="radio"
                name="class"
                value=class.to_string()
                prop:checked=move || chosen.get() == class
                on:change=move |_| store.dispatch(Event::Choose(Choice::Class(class)))
            />
            {move || sprite.get().map(picture)}
            <span class="chip-label">{label}</span>
        </label>
    }
}
