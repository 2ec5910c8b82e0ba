//! The class: chips with names and, where the model brings them, small pictures; a search where there are many.

use super::class_search::ClassSearch;
use super::class_search::{FIELD, Labels};
use super::set;
use crate::ui::dom;
use crate::ui::later::{Later, Make, later};
use crate::ui::store::Store;
use ditscope_page_state::Choice;
use ditscope_protocol::ModelSource;
use ditscope_words::say;
use leptos::html::Div;
use leptos::prelude::*;
use std::sync::Arc;
use web_sys::Element;

/// More classes than this are searched, not shown at once.
const MOST_CHIPS: usize = 24;
/// Chips shown empty until the names are known, so that nothing jumps when they come.
const PLACEHOLDERS: usize = 10;

later! {
    classes class_search: Make = |_| view! { <ClassSearch /> }.into_any();
}

#[component]
pub fn ClassPicker() -> impl IntoView {
    let store = Store::get();
    let labels: Labels = store.memo(|state| state.models.config.as_ref().map(|config| Arc::new(config.labels.clone())));
    let is_long = |labels: &Arc<Vec<String>>| labels.len() > MOST_CHIPS;
    let few = Memo::new(move |_| labels.get().filter(|labels| !is_long(labels)));
    let no_chips = Memo::new(move |_| labels.with(|labels| labels.as_ref().is_some_and(is_long)));
    provide_context(labels);
    let search = move || {
        let with = RwSignal::new(true);
        no_chips.get().then(|| view! { <Later class="later" part=class_search with /> })
    };
    view! {
        <div class="control class-picker" title=say("controls.class-hint") hidden=no_chips>
            <span class="label" id="class-label">{say("controls.class")}</span>
            <Chips labels=few />
        </div>
        <div class="control class-picker" title=say("controls.class-hint") hidden=move || !no_chips.get()>
            <label for=FIELD>{say("controls.class")}</label>
            {search}
        </div>
    }
}

#[component]
fn Chips(labels: Memo<Option<Arc<Vec<String>>>>) -> impl IntoView {
    let store = Store::get();
    let chosen = store.memo(|state| state.settings().class);
    // Only models with an address have pictures of their classes beside them.
    let sprite_url = store.memo(|state| match state.source() {
        ModelSource::Url(url) => Some(format!("{url}/thumbnails.png")),
        ModelSource::Folder(_) => None,
    });
    let sprite_url = Memo::new(move |_| sprite_url.get().filter(|_| labels.with(Option::is_some)));
    // Only a picture that did load is used: a missing file leaves plain chips.
    let loaded = RwSignal::new(None::<String>);
    let sprite = Memo::new(move |_| loaded.get().filter(|url| Some(url) == sprite_url.get().as_ref()));
    let chips = move || {
        let Some(labels) = labels.get() else {
            return (0..PLACEHOLDERS).map(|_| view! { <span class="chip empty"></span> }).collect_view().into_any();
        };
        let count = labels.len();
        let chip = |(class, label): (usize, &String)| view! { <Chip class label=label.clone() count chosen sprite /> };
        labels.iter().enumerate().map(chip).collect_view().into_any()
    };
    let row = NodeRef::<Div>::new();
    dom::effect(Box::new(move || {
        chosen.track();
        labels.track();
        // With its pictures the row is wider.
        sprite.track();
        if let Some(row) = row.get() {
            request_animation_frame(move || show_chosen(&row));
        }
    }));
    view! {
        <div
            class="chips"
            role="radiogroup"
            aria-labelledby="class-label"
            node_ref=row
            aria-busy=move || labels.get().is_none().to_string()
        >
            {chips}
        </div>
        <img
            hidden
            alt=""
            src=sprite_url
            on:load=move |_| loaded.set(sprite_url.get_untracked())
        />
    }
}

/// On a small screen the chips are one row that scrolls: the chosen one comes to its middle, and the page stays where it is.
fn show_chosen(row: &Element) {
    let Ok(Some(chip)) = row.query_selector(".chip:has(:checked)") else { return };
    let middle = |element: &Element| {
        let bounds = element.get_bounding_client_rect();
        bounds.left() + bounds.width() / 2.0
    };
    row.set_scroll_left(row.scroll_left() + (middle(&chip) - middle(row)) as i32);
}

#[component]
fn Chip(class: usize, label: String, count: usize, chosen: Memo<usize>, sprite: Memo<Option<String>>) -> impl IntoView {
    let store = Store::get();
    // The sprite is one row of `count` pictures.
    let picture = move |url: String| {
        let at = if count > 1 { class as f64 / (count - 1) as f64 * 100.0 } else { 0.0 };
        let (size, url) = (count * 100, url.replace(['"', '\\'], ""));
        let style = format!("background: url(\"{url}\") {at:.3}% 0 / {size}% 100%");
        view! { <span class="thumb" aria-hidden="true" prop:style=style></span> }
    };
    view! {
        <label class="chip">
            <input
                type="radio"
                name="class"
                value=class.to_string()
                prop:checked=move || chosen.get() == class
                on:change=move |_| set(store, Some(Choice::Class(class)))
            />
            {move || sprite.get().map(picture)}
            <span class="chip-label">{label}</span>
        </label>
    }
}
