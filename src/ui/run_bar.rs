//! What is going on: status, progress, and the buttons that belong to it; notices and failures.

use super::state::{AppState, Event, ModelState, RunState};
use super::store::Store;
use super::{text, url};
use crate::protocol::{BackendChoice, FailureKind};
use leptos::prelude::*;

/// One line of status with its progress. Its height never changes.
#[component]
pub fn RunBar() -> impl IntoView {
    let store = Store::get();
    let status = store.memo(text::status);
    let detail = store.memo(detail);
    let progress = store.memo(progress);
    let action = store.memo(|state| match &state.model {
        ModelState::Loading(progress) if !progress.stopping => Some(("Cancel loading", false)),
        ModelState::Stopped => Some(("Load model", true)),
        _ => None,
    });
    let act = move |_| {
        let event = if action.get_untracked().is_some_and(|(_, load)| load) { Event::Load } else { Event::CancelLoad };
        store.dispatch(event);
    };
    view! {
        <div class="run-bar">
            <p class="status" role="status">{move || store.word.get().map_or_else(|| status.get(), Into::into)}</p>
            <p class="detail">{move || detail.get()}</p>
            <Show when=move || action.get().is_some()>
                <button type="button" class="quiet" on:click=act>{move || action.get().map(|(name, _)| name)}</button>
            </Show>
            <progress
                class="progress"
                class:idle=move || progress.get().is_none()
                aria-label="Progress"
                aria-hidden=move || progress.get().is_none().then_some("true")
                max="1"
                value=move || progress.get().unwrap_or(Some(0.0))
            ></progress>
        </div>
    }
}

fn detail(state: &AppState) -> String {
    match (&state.model, &state.run) {
        (ModelState::Loading(progress), _) => text::load_detail(progress),
        (ModelState::Ready { .. }, RunState::Running { .. }) => {
            let Some(film) = &state.film else { return String::new() };
            let step = format!("step {} of {}", film.frames.len().min(film.steps()), film.steps());
            film.ms_per_step().map_or(step.clone(), |ms| format!("{step} · {}", text::ms_per_step(ms)))
        }
        _ => String::new(),
    }
}

/// Nothing, or under way with a share of the whole if that is known.
fn progress(state: &AppState) -> Option<Option<f64>> {
    match (&state.model, &state.run, &state.film) {
        (ModelState::Loading(progress), ..) => Some(progress.fraction()),
        (ModelState::Ready { .. }, RunState::Running { .. }, Some(film)) => {
            Some(Some(film.frames.len() as f64 / (film.steps() + 1) as f64))
        }
        (ModelState::Ready { .. }, RunState::Running { .. }, None) => Some(Some(0.0)),
        _ => None,
    }
}

/// What the address or the device made different from what was asked for.
#[component]
pub fn Notices() -> impl IntoView {
    let store = Store::get();
    let notices = store.memo(|state| state.notices.clone());
    view! {
        <Show when=move || !notices.get().is_empty()>
            <aside class="notices" aria-label="Notices">
                <ul>{move || notices.get().into_iter().map(|notice| view! { <li>{notice}</li> }).collect_view()}</ul>
                <button type="button" class="quiet" on:click=move |_| store.dispatch(Event::DismissNotices)>
                    "Dismiss"
                </button>
            </aside>
        </Show>
    }
}

/// What happened and what to do; whatever was made stays on the stage.
#[component]
pub fn FailurePanel() -> impl IntoView {
    let store = Store::get();
    let failure = store.memo(|state| state.failure().cloned());
    let kind = move || failure.get().map(|failure| failure.kind);
    let cpu_is_left = store.memo(|state| state.address.backend != BackendChoice::Cpu);
    // A model of another name may simply not be there: the one that is shipped is.
    let foreign = store.memo(|state| {
        let model_failed = matches!(state.model, ModelState::Failed(_));
        (model_failed && state.address.model != url::DEFAULT_MODEL).then(|| state.address.model.clone())
    });
    view! {
        <Show when=move || failure.get().is_some()>
            <section class="failure" role="alert">
                <h2>{move || failure.get().map(|failure| failure.message)}</h2>
                <p>{move || kind().map(|kind| text::cure(kind, cpu_is_left.get()))}</p>
                <div class="buttons">
                    <button type="button" class="primary" on:click=move |_| store.dispatch(Event::Retry)>
                        "Retry"
                    </button>
                    <Show when=move || kind() == Some(FailureKind::Device) && cpu_is_left.get()>
                        <button type="button" on:click=move |_| store.dispatch(Event::UseCpu)>"Use the CPU"</button>
                    </Show>
                    <Show when=move || foreign.get().is_some()>
                        <button type="button" on:click=move |_| store.dispatch(Event::UseDefaultModel)>
                            {format!("Load the default model “{}”", url::DEFAULT_MODEL)}
                        </button>
                    </Show>
                </div>
            </section>
        </Show>
    }
}
