//! How a training goes: how far it is, what can be done with it.

use super::controls::{button, value_of};
use super::session::{peek, see, tell};
use super::setup::{grouped, knobs};
use crate::ui::dom;
use crate::ui::live::Live;
use ditscope_page_state::training::{Event, Phase, State, time_left};
use ditscope_protocol::training::Place;
use ditscope_words::{say, say_with};

/// Id of the list of checkpoints.
const BACK_TO: &str = "training-back-to";

/// Everything that is there while something is trained.
pub fn panel() -> Live {
    let hidden = || see(State::is_setting).to_string();
    Live::new("section", "training-run")
        .with("aria-label", &say("training.progress"))
        .live("hidden", Box::new(hidden))
        .of(vec![
            Live::new("p", "training-what").live("text", Box::new(|| see(what))),
            progress(),
            Live::new("p", "").with("role", "status").live("text", Box::new(|| see(phase))),
            Live::new("p", "training-figures numbers").live("text", Box::new(|| see(figures))),
            buttons(),
            Live::new("details", "training-more").of(vec![
                Live::new("summary", "").saying(&say("training.more")),
                Live::new("div", "training-controls").of(knobs()),
                back(),
                Live::new("p", "hint").live("text", Box::new(|| see(place))),
            ]),
            Live::new("p", "hint")
                .saying(&say("training.hidden"))
                .live("hidden", when(|state| state.phase != Phase::Running)),
        ])
}

fn when(part: fn(&State) -> bool) -> Box<dyn Fn() -> String> {
    Box::new(move || see(part).to_string())
}

fn what(state: &State) -> String {
    let Some(running) = &state.running else { return String::new() };
    let dit = &running.config.transformer;
    say_with(
        "training.what",
        &[
            ("parameters", &grouped(running.num_parameters as usize)),
            ("width", &dit.hidden_size),
            ("depth", &dit.depth),
            ("tokens", &dit.num_tokens()),
            ("count", &grouped(running.pictures)),
        ],
    )
}

fn progress() -> Live {
    let share = |state: &State| match (state.phase, &state.running) {
        (Phase::Coming(share), _) => share,
        (_, Some(running)) => state.seen(state.step()) as f64 / running.setup.knobs.goal as f64,
        _ => 0.0,
    };
    Live::new("progress", "progress")
        .with("max", "1")
        .with("aria-label", &say("training.progress"))
        .live("value", Box::new(move || format!("{:.4}", see(share).clamp(0.0, 1.0))))
}

fn phase(state: &State) -> String {
    let plain = match state.phase {
        Phase::Setting => return String::new(),
        Phase::Coming(_) => "training.coming",
        Phase::Running => "training.running",
        Phase::Held => "training.held",
        Phase::Reached => "training.reached",
        Phase::Lost => "training.is-lost",
    };
    say_with(plain, &[])
}

fn figures(state: &State) -> String {
    let Some(running) = &state.running else { return String::new() };
    let seen = grouped(state.seen(state.step()).min(running.setup.knobs.goal));
    let goal = grouped(running.setup.knobs.goal);
    let so_far = say_with("training.so-far", &[("step", &grouped(state.step())), ("seen", &seen), ("goal", &goal)]);
    let rate = state.pictures_per_second.round();
    let pace = match time_left(state) {
        Some(left) => say_with("training.pace", &[("rate", &rate), ("left", &minutes(left))]),
        None => String::new(),
    };
    [so_far, pace].into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// `3:05`
fn minutes(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn buttons() -> Live {
    Live::new("div", "buttons").of(vec![
        button("primary", &say("training.pause"), || Event::Pause)
            .live("hidden", when(|state| state.phase != Phase::Running)),
        button("primary", &say("training.go-on"), || Event::GoOn)
            .live("hidden", when(|state| state.phase != Phase::Held)),
        button("primary", &say("training.resume"), || Event::Resume)
            .live("hidden", when(|state| state.phase != Phase::Lost)),
        button("", &say("training.use"), || Event::Use).live("disabled", when(|state| !state.is_up() || state.saving)),
        button("", &say("training.download"), || Event::Download)
            .live("disabled", when(|state| !state.is_up() || state.saving)),
        button("", &say("training.leave"), || Event::Leave),
    ])
}

/// Back to an earlier checkpoint.
fn back() -> Live {
    let options = || {
        let kept = see(|state| state.kept.iter().rev().map(|step| (*step, state.seen(*step))).collect::<Vec<_>>());
        let option = |(step, seen): (usize, usize)| {
            let words = say_with("training.checkpoint", &[("step", &grouped(step)), ("seen", &grouped(seen))]);
            (step.to_string(), words, false)
        };
        dom::options(kept.into_iter().map(option).collect())
    };
    let select = Live::new("select", "").with("id", BACK_TO).live("html", Box::new(options));
    let name = Live::new("span", "").saying(&say("training.back-to"));
    let go = Live::new("button", "").with("type", "button").saying(&say("training.back"));
    let go = go.live("disabled", when(|state| !state.is_up() || state.kept.is_empty()));
    let go = go.on(
        "click",
        Box::new(|_| {
            let select = leptos::prelude::document().get_element_by_id(BACK_TO);
            let step = select.and_then(|select| value_of(&select)?.parse().ok());
            if let Some(step) = step.filter(|step| peek(|state| state.kept.contains(step))) {
                tell(Event::Undo(step));
            }
        }),
    );
    Live::new("div", "training-back").of(vec![Live::new("label", "training-control").of(vec![name, select]), go])
}

fn place(state: &State) -> String {
    match state.place {
        Some(Place::Browser) => say("training.kept-here").into(),
        Some(Place::Memory) => say("training.kept-in-memory").into(),
        Some(Place::OtherTab) => say("training.kept-elsewhere").into(),
        None => String::new(),
    }
}
