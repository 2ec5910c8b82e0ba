//! What is compared, to be chosen: the kind, its numbers or samplers; and what is shown under the pictures.

use super::state::{Rows, has_room};
use super::what::{COLUMNS, Kind};
use super::{Event, sampler};
use crate::config::{RunSettings, SamplerKind};
use crate::ui::parts::{Part, Parts};
use crate::ui::state::{AppState, Event as Page};
use crate::ui::store::Store;
use crate::ui::url::GUIDANCE_STEP;
use crate::ui::words::{Words, say, say_with};
use leptos::prelude::*;
use web_sys::HtmlInputElement;

#[component]
pub fn Settings() -> impl IntoView {
    let store = Store::get();
    let kinds = move || store.state.with(|state| kinds(store, state));
    let choices = move || store.state.with(|state| choices(store, state));
    view! {
        <div class="compare-settings">
            <Parts content=Box::new(kinds) />
            <div class="compare-choices">
                <Numbers />
                <Parts content=Box::new(choices) />
            </div>
        </div>
    }
}

fn send(store: Store, event: Event) {
    store.dispatch(Page::Compare(event));
}

/// A button that stays pressed.
fn toggle(store: Store, words: impl Into<String>, is_on: bool, event: Event) -> Part {
    let button = Part::button("toggle", words, move || send(store, event.clone()));
    button.with("aria-pressed", is_on.to_string())
}

fn group(class: &'static str, name: Words, parts: Vec<Part>) -> Part {
    Part::group(class, parts).with("role", "group").with("aria-label", name)
}

/// The kinds, and what is shown under the pictures.
fn kinds(store: Store, state: &AppState) -> Vec<Part> {
    let chosen = state.compared().kind();
    let name = |kind| match kind {
        Kind::Guidance => say("compare.guidance"),
        Kind::Samplers => say("compare.samplers"),
        Kind::Steps => say("compare.steps"),
    };
    let kinds = Kind::ALL.map(|kind| toggle(store, name(kind), kind == chosen, Event::Show(kind)));
    let rows = state.compare.rows;
    let noisy = Event::Rows(Rows { noisy: !rows.noisy, ..rows });
    let difference = Event::Rows(Rows { difference: !rows.difference, ..rows });
    let rows = vec![
        toggle(store, say("compare.row-noisy"), rows.noisy, noisy).with("title", say("compare.hint-noisy")),
        toggle(store, say("compare.row-difference"), rows.difference, difference)
            .with("title", say("compare.hint-difference")),
    ];
    let kinds = group("segments", say("compare.what"), kinds.into());
    vec![Part::group("compare-kinds", vec![kinds, group("toggles", say("compare.rows"), rows)])]
}

/// The samplers, where they are compared; a button for another number, where there are numbers.
fn choices(store: Store, state: &AppState) -> Vec<Part> {
    let what = state.compared();
    if what.kind() == Kind::Samplers {
        let on = |kind| what.samplers().contains(&kind);
        let fewest = what.columns() == *COLUMNS.start();
        let samplers = SamplerKind::ALL.map(|kind| {
            let button = toggle(store, sampler(kind), on(kind), Event::Toggle(kind));
            // Fewer than two are no comparison.
            if on(kind) && fewest { button.with("disabled", "") } else { button }
        });
        vec![group("toggles", say("compare.samplers"), samplers.into())]
    } else {
        let add = Part::button("quiet", say("compare.add"), move || send(store, Event::Add));
        let add = if has_room(what.columns()) { add } else { add.with("disabled", "") };
        vec![add]
    }
}

/// The numbers that are compared, each in a field with a button that takes it away.
#[component]
fn Numbers() -> impl IntoView {
    let store = Store::get();
    let numbers = store.memo(|state| state.compared().numbers());
    let fields = store.memo(|state| (state.compared().kind() == Kind::Guidance, state.compared().numbers().len()));
    let field = move |scales: bool, count: usize, i: usize| {
        let values: [(&str, &dyn ToString); 2] = [("i", &(i + 1)), ("count", &count)];
        let name = say_with(if scales { "compare.scale-of" } else { "compare.steps-of" }, &values);
        let remove = say_with("compare.remove", &[("i", &(i + 1))]);
        let (min, max, step) = match scales {
            true => (*RunSettings::GUIDANCE_SCALE.start(), *RunSettings::GUIDANCE_SCALE.end(), GUIDANCE_STEP),
            false => (*RunSettings::STEPS.start() as f64, *RunSettings::STEPS.end() as f64, 1.0),
        };
        let value = move || numbers.with(|numbers| numbers.get(i).map(f64::to_string).unwrap_or_default());
        let on_change = move |event: web_sys::Event| {
            if let Ok(number) = event_target_value(&event).parse::<f64>() {
                send(store, Event::Number(i, number));
            }
            // What was made of it: in order, within what is possible, or what it was.
            event_target::<HtmlInputElement>(&event).set_value(&untrack(value));
        };
        view! {
            <span class="number">
                <input
                    type="number"
                    inputmode="decimal"
                    aria-label=name
                    min=min.to_string()
                    max=max.to_string()
                    step=step.to_string()
                    prop:value=value
                    on:change=on_change
                />
                <button
                    type="button"
                    class="quiet"
                    aria-label=remove.clone()
                    title=remove
                    disabled={count == *COLUMNS.start()}
                    on:click=move |_| send(store, Event::Remove(i))
                >
                    "×"
                </button>
            </span>
        }
    };
    view! {
        <div class="numbers" hidden=move || fields.get().1 == 0>
            {move || {
                let (scales, count) = fields.get();
                (0..count).map(|i| field(scales, count, i)).collect_view()
            }}
        </div>
    }
}
