//! What is going on: status, progress, and the buttons that belong to it; notices and failures.

use super::dom;
use super::parts::{Part, Parts};
use super::store::Store;
use super::timeline::HoldButtons;
use ditscope_page_state::DEFAULT_MODEL;
use ditscope_page_state::models;
use ditscope_page_state::{Event, ModelState, Notice, Page, RunState};
use ditscope_protocol::{BackendChoice, FailureKind};
use ditscope_words::notices::notice;
use ditscope_words::text;
use ditscope_words::{say, say_with};
use leptos::prelude::*;

/// One line of status with its progress. Its height never changes.
#[component]
pub fn RunBar() -> impl IntoView {
    let store = Store::get();
    let status = store.memo(text::status);
    let detail = store.memo(detail);
    let progress = store.memo(progress);
    let action = store.memo(|state| match &state.models.state {
        ModelState::Loading(progress) if !progress.stopping => say("run.cancel-loading").into(),
        ModelState::Stopped | ModelState::Failed(_) if state.models.reached_bytes > 0 => {
            say("run.continue-loading").into()
        }
        ModelState::Stopped => say("run.load-model").into(),
        ModelState::Offered => text::load(state.bytes_to_fetch().unwrap_or_default()),
        _ => String::new(),
    });
    let no_action = Memo::new(move |_| action.with(String::is_empty));
    let act = move |_| {
        let cancel = store.peek(|state| matches!(state.models.state, ModelState::Loading(_)));
        store.dispatch(if cancel {
            Event::Models(models::Event::CancelLoad)
        } else {
            Event::Models(models::Event::Load)
        });
    };
    view! {
        <div class="run-bar" translate="no">
            <p class="status" role="status">{move || store.word.get().unwrap_or_else(|| status.get())}</p>
            <p class="detail">{detail}</p>
            <HoldButtons />
            <button type="button" class="quiet" hidden=no_action on:click=act>{action}</button>
            <progress
                class="progress"
                class:idle=move || progress.get().is_none()
                aria-label=say("run.progress")
                aria-hidden=move || progress.get().is_none().then_some("true")
                max="1"
                value=move || progress.get().unwrap_or(Some(0.0))
            ></progress>
        </div>
    }
}

fn detail(state: &Page) -> String {
    match (&state.models.state, &state.run.state) {
        (ModelState::Loading(progress), _) => text::load_detail(progress),
        (ModelState::Offered, _) => state.entry().map(text::model_cost).unwrap_or_default(),
        (ModelState::Ready { .. }, _) if state.run.decoded.is_some() => {
            state.run.decoded.map(text::decoding).unwrap_or_default()
        }
        (ModelState::Ready { .. }, RunState::Running { .. }) => {
            let step = state.run.film.as_ref().map(text::run_progress).unwrap_or_default();
            let run = state
                .compare
                .run(state)
                .map(|(run, runs)| say_with("run.of-comparison", &[("run", &run), ("runs", &runs), ("step", &step)]));
            run.unwrap_or(step)
        }
        (ModelState::Ready { weights, .. }, RunState::Idle) => text::weights_origin(&state.source(), weights),
        _ => String::new(),
    }
}

/// Nothing, or under way with a share of the whole if that is known.
fn progress(state: &Page) -> Option<Option<f64>> {
    let decoded = state.run.decoded.map(|(done, total)| done as f64 / total as f64);
    match (&state.models.state, &state.run.state, &state.run.film) {
        (ModelState::Loading(progress), ..) => Some(progress.fraction()),
        (ModelState::Ready { .. }, ..) if decoded.is_some() => Some(decoded),
        (ModelState::Ready { .. }, ..) if state.run.decoding.is_some() => Some(Some(0.0)),
        (ModelState::Ready { .. }, RunState::Running { .. }, Some(film)) => {
            Some(Some(state.compare.share_of_all(state, film.received() as f64 / (film.steps() + 1) as f64)))
        }
        (ModelState::Ready { .. }, RunState::Running { .. }, None) => Some(Some(0.0)),
        _ => None,
    }
}

/// What the address or the device made different from what was asked for.
#[component]
pub fn Notices() -> impl IntoView {
    let store = Store::get();
    let content = move || store.with(|state| notices(store, &state.notices).into_iter().chain([updated()]).collect());
    view! { <Parts content=Box::new(content) /> }
}

fn notices(store: Store, notices: &[Notice]) -> Vec<Part> {
    if notices.is_empty() {
        return vec![];
    }
    let items = notices.iter().map(|told| Part::new("li", "").saying(notice(told))).collect();
    let dismiss = Part::button("quiet", say("run.dismiss"), move || store.dispatch(Event::DismissNotices));
    let parts = vec![Part::new("ul", "").of(items), dismiss];
    vec![Part::new("aside", "notices").with("aria-label", say("run.notices")).of(parts)]
}

/// That the server has a newer build. It is seen when web/start.js says so.
fn updated() -> Part {
    let reload = Part::button("quiet", say("failures.reload"), dom::reload);
    Part::new("aside", "updated").with("role", "status").of(vec![Part::words("", say("page.update")), reload])
}

/// Where the run that the address names waits for a word: one large button for it.
#[component]
pub fn RunLink() -> impl IntoView {
    let store = Store::get();
    let named = store.memo(|state| state.offers_link().then(|| text::settings(state)));
    let content = move || {
        let Some(settings) = named.get() else { return vec![] };
        let run = Part::button("primary", say("run.link"), move || store.dispatch(Event::Generate));
        vec![Part::group("run-link", vec![run, Part::words("hint", settings)])]
    };
    view! { <Parts content=Box::new(content) /> }
}

/// What happened and what to do; whatever was made stays on the stage.
#[component]
pub fn FailurePanel() -> impl IntoView {
    let store = Store::get();
    let content = move || store.with(|state| failure(store, state));
    view! { <Parts content=Box::new(content) /> }
}

fn failure(store: Store, state: &Page) -> Vec<Part> {
    let Some(failure) = state.failure() else { return vec![] };
    let cpu_is_left = state.address.backend != BackendChoice::Cpu;
    let model_failed = matches!(state.models.state, ModelState::Failed(_));
    let mut cure = String::from(text::cure(failure.kind, cpu_is_left));
    if model_failed && state.models.reached_bytes > 0 {
        cure = format!("{cure} {}", say("failures.resume"));
    }
    let mut buttons = match failure.kind {
        FailureKind::Browser => vec![],
        FailureKind::Page => vec![Part::button("primary", say("failures.reload"), dom::reload)],
        _ => vec![Part::button("primary", say("failures.retry"), move || store.dispatch(Event::Retry))],
    };
    if failure.kind == FailureKind::Device && cpu_is_left {
        buttons.push(Part::button("", say("failures.use-cpu"), move || store.dispatch(Event::UseCpu)));
    }
    // A model of another name may simply not be there: the one that is shipped is.
    if model_failed && !state.address.model.is_default() && !buttons.is_empty() {
        let words = say_with("failures.use-default", &[("model", &DEFAULT_MODEL)]);
        buttons.push(Part::button("", words, move || {
            store.dispatch(Event::UseModel(ditscope_page_state::ModelRef::default()))
        }));
    }
    let heading = if model_failed { say("failures.model") } else { say("failures.run") };
    let heading = Part::new("h2", "").saying(heading.into());
    let message = Part::words("", notice(&failure.message));
    let parts = vec![heading, message, Part::words("", cure), Part::group("buttons", buttons)];
    vec![Part::new("section", "failure").with("role", "alert").of(parts)]
}
