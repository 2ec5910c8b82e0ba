//! A large model that is not loaded unasked: what it is and costs, in the place where its pictures will be.

use crate::ui::model_dialog::describe;
use crate::ui::parts::{Part, Parts};
use crate::ui::store::Store;
use ditscope_page_state::models;
use ditscope_page_state::{Event, ModelState, RunState};
use ditscope_words::say;
use ditscope_words::text;
use leptos::prelude::*;

/// Nothing while no model is offered. `models` opens the dialog of models.
#[component]
pub fn Offer(models: RwSignal<bool>) -> impl IntoView {
    let store = Store::get();
    let content = move || {
        let offered = store.with(|state| {
            let entry = state.entry().filter(|_| state.models.state == ModelState::Offered)?;
            Some((entry.clone(), text::load(state.bytes_to_fetch().unwrap_or_default())))
        });
        let Some((entry, load)) = offered else {
            let queued = store.with(|state| state.run.state == RunState::Queued);
            let words = if queued { say("run.queued") } else { say("run.no-run-yet") };
            return vec![Part::words("placeholder", words)];
        };
        let mut parts = vec![Part::heading("", entry.name.clone())];
        parts.extend(describe(&entry));
        let load = Part::button("primary", load, move || store.dispatch(Event::Models(models::Event::Load)));
        let others = Part::button("", say("models.others"), move || models.set(true)).with("aria-haspopup", "dialog");
        parts.push(Part::group("buttons", vec![load, others]));
        vec![Part::new("section", "offer").with("aria-label", say("models.offer")).of(parts)]
    };
    view! { <Parts content=Box::new(content) /> }
}
