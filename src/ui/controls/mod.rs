//! Everything that decides a run.

mod class_picker;
mod class_search;

use super::dom;
use super::parts::{Part, Parts};
use super::store::Store;
use super::window_events;
use class_picker::ClassPicker;
use ditscope_config::{RunSettings, SamplerKind, Savings};
use ditscope_page_state::address;
use ditscope_page_state::run;
use ditscope_page_state::{Choice, Event, ModelState, RunState};
use ditscope_words::text;
use ditscope_words::{hints, say};
use leptos::html::Button;
use leptos::prelude::*;
use web_sys::HtmlInputElement;

/// The column of controls.
#[component]
pub fn Controls() -> impl IntoView {
    let store = Store::get();
    view! {
        <form class="controls" aria-label=say("controls.title") on:submit=move |event| event.prevent_default()>
            <ClassPicker />
            // On a phone a sheet over the stage, opened by the button beside Generate.
            <div id="settings" class="settings" popover="auto">
                <Guidance />
                <Steps />
                <Sampler />
                <div class="pair">
                    <Seed />
                    <Pictures />
                </div>
                <Saving />
                <Parts content=Box::new(move || at_once(store)) />
            </div>
        </form>
    }
}

#[component]
fn Guidance() -> impl IntoView {
    let store = Store::get();
    let value = store.memo(|state| state.settings().guidance_scale);
    let (min, max) = (*RunSettings::GUIDANCE_SCALE.start(), *RunSettings::GUIDANCE_SCALE.end());
    view! {
        <div class="control" title=say("controls.guidance-hint")>
            <label for="guidance">{say("controls.guidance")}</label>
            <span class="value" aria-hidden="true" translate="no">{move || format!("{:.1}", value.get())}</span>
            <input
                id="guidance"
                type="range"
                min=min.to_string()
                max=max.to_string()
                step=address::GUIDANCE_STEP.to_string()
                aria-describedby="guidance-hint"
                prop:style=move || fill(value.get(), min, max)
                prop:value=move || value.get().to_string()
                on:input=move |event| choose(store, event_target_value(&event).parse().ok().map(Choice::Guidance))
                on:change=move |_| store.dispatch(Event::Settled)
            />
            <p class="hint" id="guidance-hint" translate="no">{move || hints::guidance_hint(value.get())}</p>
        </div>
    }
}

#[component]
fn Steps() -> impl IntoView {
    let store = Store::get();
    let value = store.memo(|state| state.settings().num_inference_steps);
    let (min, max) = (*RunSettings::STEPS.start(), *RunSettings::STEPS.end());
    view! {
        <div class="control" title=say("controls.steps-hint")>
            <label for="steps">{say("controls.steps")}</label>
            <span class="value" aria-hidden="true" translate="no">{move || value.get()}</span>
            <input
                id="steps"
                type="range"
                min=min.to_string()
                max=max.to_string()
                step="1"
                aria-describedby="steps-hint"
                prop:style=move || fill(value.get() as f64, min as f64, max as f64)
                prop:value=move || value.get().to_string()
                on:input=move |event| choose(store, event_target_value(&event).parse().ok().map(Choice::Steps))
                on:change=move |_| store.dispatch(Event::Settled)
            />
            <p class="hint" id="steps-hint" translate="no">{move || hints::steps_hint(value.get())}</p>
        </div>
    }
}

#[component]
fn Sampler() -> impl IntoView {
    let store = Store::get();
    let value = store.memo(|state| state.settings().sampler);
    // Those for the model.
    let list = move || {
        let of = |kind: &SamplerKind| (kind.name().into(), text::sampler(*kind).into(), *kind == value.get());
        dom::options(value.get().peers().iter().map(of).collect())
    };
    view! {
        <div class="control" title=say("controls.sampler-hint")>
            <label for="sampler">{say("controls.sampler")}</label>
            <select
                id="sampler"
                prop:innerHTML=list
                on:change=move |event| set(store, event_target_value(&event).parse().ok().map(Choice::Sampler))
            ></select>
        </div>
    }
}

/// What is offered to leave out: what won against fewer steps (docs/findings.md).
const SAVINGS: [Savings; 3] = [
    Savings { guidance_interval: None, cache_interval: 1 },
    Savings { guidance_interval: Some([0.0, 0.7]), cache_interval: 1 },
    Savings { guidance_interval: Some([0.0, 0.7]), cache_interval: 2 },
];

#[component]
fn Saving() -> impl IntoView {
    let store = Store::get();
    let value = store.memo(|state| state.settings().savings);
    // An address may ask for others.
    let ways = move || {
        let other = Some(value.get()).filter(|value| !SAVINGS.contains(value));
        SAVINGS.into_iter().chain(other).collect::<Vec<_>>()
    };
    let list = move || {
        let of = |(i, way): (usize, Savings)| (i.to_string(), text::savings(&way), way == value.get());
        dom::options(ways().into_iter().enumerate().map(of).collect())
    };
    let chosen = move |value: String| value.parse().ok().and_then(|i: usize| ways().get(i).copied());
    view! {
        <div class="control deep" title=say("controls.savings-hint")>
            <label for="savings">{say("controls.savings")}</label>
            <select
                id="savings"
                prop:innerHTML=list
                on:change=move |event| set(store, chosen(event_target_value(&event)).map(Choice::Savings))
            ></select>
        </div>
    }
}

#[component]
fn Seed() -> impl IntoView {
    let store = Store::get();
    let value = store.memo(|state| state.settings().seed);
    view! {
        <div class="control" title=say("controls.seed-hint")>
            <label for="seed">{say("controls.seed")}</label>
            <div class="joined">
                <input
                    id="seed"
                    type="number"
                    inputmode="numeric"
                    min="0"
                    max=RunSettings::SEED.end().to_string()
                    step="1"
                    prop:value=move || value.get().to_string()
                    on:change=move |event| typed(store, &event, value, Choice::Seed)
                />
                <button
                    type="button"
                    class="icon"
                    aria-label=say("controls.random-seed")
                    title=say("controls.random-seed-hint")
                    on:click=move |_| set(store, Some(Choice::Seed(dom::random_seed())))
                >
                    <Dice />
                </button>
            </div>
        </div>
    }
}

#[component]
fn Pictures() -> impl IntoView {
    let store = Store::get();
    let value = store.memo(|state| state.settings().num_images as u64);
    let range = RunSettings::NUM_IMAGES;
    view! {
        <div class="control deep" title=say("controls.pictures-hint")>
            <label for="pictures">{say("controls.pictures")}</label>
            <input
                id="pictures"
                type="number"
                inputmode="numeric"
                min=range.start().to_string()
                max=range.end().to_string()
                step="1"
                prop:value=move || value.get().to_string()
                on:change=move |event| typed(store, &event, value, |n| Choice::NumImages(n as usize))
            />
        </div>
    }
}

/// Whether a changed setting is run without a press on Generate.
fn at_once(store: Store) -> Vec<Part> {
    let at_once = store.with(|state| state.kept.at_once);
    let name = say("controls.at-once");
    // With a name of its own, so that it has the focus still when it is made anew.
    let mut input = Part::new("input", "").with("type", "checkbox").with("aria-label", name.clone());
    if at_once {
        input = input.with("checked", "");
    }
    let input = input.doing(move || store.dispatch(Event::RunAtOnce(!at_once)));
    let words = Part::new("span", "").saying(name.into());
    vec![Part::new("label", "check").with("title", say("controls.at-once-hint")).of(vec![input, words])]
}

/// Generate and Cancel. On a phone this bar sticks to the lower edge.
#[component]
pub fn GenerateBar() -> impl IntoView {
    let store = Store::get();
    let generate = NodeRef::<Button>::new();
    let cannot_cancel = store.memo(|state| {
        let run = matches!(state.run.state, RunState::Running { cancelling: false, .. } | RunState::Queued);
        let decoding = state.run.decoding.is_some_and(|decoding| !decoding.cancelling);
        !run && !decoding
    });
    let hint = store.memo(|state| match (&state.models.state, &state.run.state) {
        (ModelState::Loading(_) | ModelState::Asking, RunState::Queued) => say("controls.starts-soon").into(),
        (ModelState::Loading(_), _) => say("controls.still-loading").into(),
        (ModelState::Ready { .. }, _) if state.is_set_otherwise() => say("run.changed").into(),
        (ModelState::Offered, _) => text::loads_first(state.bytes_to_fetch().unwrap_or_default()),
        _ => String::new(),
    });
    let cancel = move |_| {
        // The button goes away: the focus stays in the bar.
        if let Some(generate) = generate.get_untracked() {
            let _ = generate.focus();
        }
        store.dispatch(Event::Run(run::Event::Cancel));
    };
    view! {
        <section class="generate-bar" aria-label=say("controls.run")>
            <div class="buttons">
                <button type="button" class="opens-settings" popovertarget="settings">{say("controls.settings")}</button>
                <button
                    type="button"
                    class="primary generate"
                    node_ref=generate
                    title=say("controls.generate-hint")
                    aria-describedby="generate-hint"
                    on:click=move |_| {
                        store.dispatch(Event::Generate);
                        show_stage();
                    }
                >
                    {say("controls.generate")}
                </button>
                <button
                    type="button"
                    class="cancel"
                    hidden=cannot_cancel
                    title=say("controls.cancel-hint")
                    on:click=cancel
                >
                    {say("controls.cancel")}
                </button>
            </div>
            <p class="hint" id="generate-hint" translate="no">{hint}</p>
        </section>
    }
}

/// On a phone the button is there wherever the page is scrolled to, and the stage may be out of sight.
fn show_stage() {
    if let Ok(Some(stage)) = document().query_selector(".run-bar")
        && dom::prefers("(max-width: 699px)")
    {
        stage.scroll_into_view();
    }
}

fn choose(store: Store, choice: Option<Choice>) {
    if let Some(choice) = choice {
        store.dispatch(Event::Choose(choice));
    }
}

/// A choice that is made with one move.
fn set(store: Store, choice: Option<Choice>) {
    choose(store, choice);
    store.dispatch(Event::Settled);
}

/// Takes a typed number in; the field then shows what was made of it, be it clamped or put back.
fn typed(store: Store, event: &web_sys::Event, value: Memo<u64>, choice: fn(u64) -> Choice) {
    // `as` saturates, the reducer clamps.
    let refused = window_events::was_refused(&event_target::<HtmlInputElement>(event));
    let number = event_target_value(event).parse::<f64>().ok().filter(|number| number.is_finite() && !refused);
    set(store, number.map(|number| choice(number.round() as u64)));
    event_target::<HtmlInputElement>(event).set_value(&value.get_untracked().to_string());
}

/// The share of a slider's track left of its thumb, for the style sheet.
pub fn fill(value: f64, min: f64, max: f64) -> String {
    let share = if max > min { (value - min) / (max - min) } else { 0.0 };
    format!("--fill: {:.2}%", share.clamp(0.0, 1.0) * 100.0)
}

#[component]
fn Dice() -> impl IntoView {
    let dots = [(8, 8), (16, 8), (12, 12), (8, 16), (16, 16)];
    view! {
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <rect x="3.5" y="3.5" width="17" height="17" rx="4" fill="none" stroke="currentColor" stroke-width="1.6" />
            {dots.map(|(x, y)| view! { <circle cx=x cy=y r="1.6" fill="currentColor" /> }).collect_view()}
        </svg>
    }
}
