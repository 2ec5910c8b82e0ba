//! "Measure this device": what a step of the models costs here. Its state is [`ditscope_page_state::pace`]; it lives in this
//! part, with a worker of its own, so that the page's model, settings and pictures stay as they are.

mod here;
mod result;
mod session;

use super::dom;
use super::live::{Live, Mount};
use super::parts::{Part, Parts};
use super::store::Store;
use ditscope_page_state::pace::{self, Event, Row, Stage, State, Subject};
use ditscope_page_state::{ModelState, Page};
use ditscope_protocol::BackendChoice;
use ditscope_words::text;
use ditscope_words::{say, say_with};
use leptos::prelude::*;
use session::{see, tell};

/// What is in the dialog.
#[component]
pub fn MeasureContent(open: RwSignal<bool>) -> impl IntoView {
    let store = Store::get();
    session::enter(store);
    let is_coarse = dom::prefers("(pointer: coarse)");
    dom::effect(Box::new(move || {
        let offers = store.with(|state| {
            pace::offers(&state.models, &state.address.model, &state.base, state.saves_data || is_coarse)
        });
        tell(Event::Offered(offers));
    }));
    // Who closes it wants the page again.
    dom::effect(Box::new(move || {
        if !open.get() {
            tell(Event::Stop);
        }
    }));
    let device = store.memo(|state| device(state).map(|name| say_with("pace.on", &[("device", &name)])));
    let busy = store.memo(is_busy);
    let copied = RwSignal::new(result::Copied::Nothing);
    let begin = move || {
        copied.set(result::Copied::Nothing);
        start(store);
    };
    let intro = move || {
        let on = device.get().unwrap_or_default();
        vec![Part::words("", say("pace.words")), Part::words("hint", format!("{on} {}", say("pace.closing")))]
    };
    view! {
        <Parts content=Box::new(intro) />
        <Parts content=Box::new(|| see(choices)) />
        <Parts content=Box::new(move || see(|state| buttons(state, busy.get(), begin))) />
        <Mount live=progress() />
        <Parts content=Box::new(move || see(|state| result::table(state, store, copied))) />
    }
}

/// What the page computes on now.
fn device(state: &Page) -> Option<String> {
    match &state.models.state {
        ModelState::Ready { backend, .. } => Some(backend.name.clone()),
        _ => None,
    }
}

/// Whether the page computes something itself.
fn is_busy(state: &Page) -> bool {
    state.is_running() || matches!(state.models.state, ModelState::Asking | ModelState::Loading(_))
}

fn choices(state: &State) -> Vec<Part> {
    let off = state.is_measuring();
    let mut parts = vec![Part::new("legend", "").saying(say("pace.what").into())];
    parts.extend(state.rows.iter().enumerate().map(|(i, row)| choice(i, row, off)));
    vec![Part::new("fieldset", "pace-choices").of(parts)]
}

fn choice(i: usize, row: &Row, off: bool) -> Part {
    let offer = &row.offer;
    let words = match (&offer.subject, offer.to_fetch) {
        (Subject::Xl2, _) => say_with("pace.xl2", &[("name", &offer.name)]),
        (Subject::Model(_), 0) => say_with("pace.here", &[("name", &offer.name)]),
        (Subject::Model(_), bytes) => say_with("pace.fetch", &[("name", &offer.name), ("amount", &text::bytes(bytes))]),
    };
    let mut input = Part::new("input", "").with("type", "checkbox").with("aria-label", words.clone());
    if offer.chosen {
        input = input.with("checked", "");
    }
    if off {
        input = input.with("disabled", "");
    }
    let input = input.doing(move || tell(Event::Toggle(i)));
    Part::new("label", "check").of(vec![input, Part::new("span", "").saying(words)])
}

fn buttons(state: &State, busy: bool, begin: impl Fn() + 'static) -> Vec<Part> {
    if state.is_measuring() {
        let stop = Part::button("", say("pace.stop"), || tell(Event::Stop));
        return vec![Part::group("buttons", vec![stop.with("id", BUTTON)])];
    }
    let button = Part::button("primary", say("pace.start"), begin).with("id", BUTTON);
    let can_start = state.can_start() && !busy;
    let button = if can_start { button } else { button.with("disabled", "") };
    let mut parts = vec![Part::group("buttons", vec![button])];
    if busy {
        parts.push(Part::words("hint", say("pace.busy")));
    }
    parts
}

/// Where the focus stays when one button takes the place of the other.
const BUTTON: &str = "pace-button";

fn start(store: Store) {
    let (backend, device, base) = store.peek(|state| {
        let device = device(state);
        let backend = match device.as_deref() {
            Some("WebGPU") => BackendChoice::WebGpu,
            Some("CPU") => BackendChoice::Cpu,
            _ => state.address.backend,
        };
        (backend, device, state.base.clone())
    });
    tell(Event::Start { backend, device, base, date: here::today(), now_ms: dom::now_ms() });
}

/// Where it stands: in words for each stage, and in numbers that nobody need hear.
fn progress() -> Live {
    let measuring = || see(|state| !state.is_measuring()).to_string();
    let share = |state: &State| {
        let (done, all) = state.share();
        let of_row = match state.progress() {
            Some((_, _, Stage::Timing { done, of })) => done as f64 / of.max(1) as f64,
            _ => 0.0,
        };
        (done as f64 + of_row.min(1.0)) / all.max(1) as f64
    };
    Live::new("div", "pace-progress").of(vec![
        Live::new("p", "").with("role", "status").live("text", Box::new(|| see(status))),
        Live::new("p", "hint numbers").live("text", Box::new(|| see(numbers))).live("hidden", Box::new(measuring)),
        Live::new("progress", "progress")
            .with("max", "1")
            .with("aria-label", &say("pace.progress"))
            .live("value", Box::new(move || see(share).to_string()))
            .live("hidden", Box::new(measuring)),
    ])
}

fn status(state: &State) -> String {
    let Some((row, blocks, stage)) = state.progress() else {
        return match (state.stopped, state.results().next()) {
            (true, _) => say("pace.stopped").into(),
            (false, Some(_)) => say("pace.done").into(),
            (false, None) => String::new(),
        };
    };
    let name = match blocks {
        Some(blocks) => say_with("pace.blocks", &[("name", &row.offer.name), ("blocks", &blocks)]),
        None => row.offer.name.clone(),
    };
    let stage = match stage {
        Stage::Starting => say("pace.starting"),
        Stage::Loading { .. } => say("pace.loading"),
        Stage::Warming => say("pace.warming"),
        Stage::Timing { .. } => say("pace.timing"),
    };
    let (done, all) = state.share();
    say_with("pace.now", &[("name", &name), ("row", &(done + 1)), ("rows", &all), ("stage", &stage)])
}

fn numbers(state: &State) -> String {
    match state.progress() {
        Some((_, _, Stage::Loading { loaded, total })) => {
            say_with("pace.loaded", &[("loaded", &text::bytes(loaded)), ("total", &text::bytes(total))])
        }
        Some((_, _, Stage::Timing { done, of })) => say_with("pace.steps", &[("done", &done), ("of", &of)]),
        _ => String::new(),
    }
}
