//! What a training shows: its loss, exercises, and samples as a film.

use super::session::{see, tell};
use super::setup::grouped;
use crate::ui::controls::fill;
use crate::ui::dom;
use crate::ui::live::Live;
use ditscope_page_state::film::Pixels;
use ditscope_page_state::training::{Event, State, beat};
use ditscope_plots::geometry::number;
use ditscope_plots::training as plot;
use ditscope_words::{say, say_with};
use gloo::timers::callback::Interval;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

/// Pictures of an exercise.
const OF_EACH: usize = 3;

pub fn panel() -> Live {
    play();
    let hidden = || see(|state| state.running.is_none()).to_string();
    Live::new("div", "training-show").live("hidden", Box::new(hidden)).of(vec![samples(), loss(), exercises()])
}

/// Ticks while the film is played.
fn play() {
    let calm = dom::prefers("(prefers-reduced-motion: reduce)");
    let (mut now, mut clock) = (None, None::<Interval>);
    dom::effect(Box::new(move || {
        let next = see(|state| beat(state, calm));
        if next != now {
            now = next;
            drop(clock.take());
            clock = next.map(|ms| Interval::new(ms, || tell(Event::Tick)));
        }
    }));
}

fn loss() -> Live {
    let draw = |state: &State| {
        let names = (&*say("training.steps"), &*say("training.loss"));
        plot::training(&state.losses, state.row().map(|row| row.step), names)
    };
    let spoken = |state: &State| {
        let loss = plot::smoothed(&state.losses).last().copied().map_or_else(|| "–".to_owned(), number);
        say_with("training.plot", &[("step", &state.step()), ("loss", &loss)])
    };
    let curve = Live::svg("plot", plot::SIZE).live("html", Box::new(move || see(draw)));
    Live::new("section", "training-loss").of(vec![
        Live::new("h2", "").saying(&say("training.loss")),
        Live::new("div", "").with("role", "img").live("aria-label", Box::new(move || see(spoken))).of(vec![curve]),
        Live::new("p", "hint").saying(&say("training.about-loss")),
    ])
}

fn samples() -> Live {
    let count = Memo::new(move |_| see(|state| state.row().map_or(0, |row| row.labels.len())));
    let row = Live::new("div", "training-pictures").listing(count, Box::new(sample));
    Live::new("section", "training-samples").of(vec![
        Live::new("h2", "").saying(&say("training.samples")),
        row,
        slider(),
        Live::new("p", "hint").saying(&say("training.about-samples")),
    ])
}

/// What the trained model calls a class.
fn label(state: &State, class: usize) -> String {
    let labels = state.running.as_ref().map(|running| &running.config.labels);
    labels.and_then(|labels| labels.get(class)).cloned().unwrap_or_default()
}

fn sample(place: usize) -> Live {
    let class = move |state: &State| state.row().and_then(|row| row.labels.get(place).copied()).unwrap_or_default();
    let name = move |state: &State| {
        let step = state.row().map_or(0, |row| row.step);
        say_with("training.sample", &[("label", &label(state, class(state))), ("step", &step)])
    };
    let pixels = move |state: &State| state.row()?.pictures.get(place).cloned();
    let caption = Live::new("figcaption", "").live("text", Box::new(move || see(|state| label(state, class(state)))));
    Live::new("figure", "").of(vec![canvas(Box::new(move || see(name)), Box::new(move || see(pixels))), caption])
}

fn canvas(name: Box<dyn Fn() -> String>, pixels: Box<dyn Fn() -> Option<Pixels>>) -> Live {
    Live::new("canvas", "").with("role", "img").live("aria-label", name).drawing(pixels)
}

/// The film's slider with its player.
fn slider() -> Live {
    let last = |state: &State| state.samples.len().saturating_sub(1);
    let words = |state: &State| {
        let step = state.row().map_or(0, |row| row.step);
        say_with("training.moment", &[("step", &grouped(step)), ("seen", &grouped(state.seen(step)))])
    };
    let look = |event: web_sys::Event| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        if let Some(place) = input.and_then(|input| input.value().parse().ok()) {
            tell(Event::Look(place));
        }
    };
    let input = Live::new("input", "")
        .with("type", "range")
        .with("min", "0")
        .with("aria-label", &say("training.film"))
        .live("max", Box::new(move || see(last).to_string()))
        .live("aria-valuetext", Box::new(move || see(words)))
        .live("style", Box::new(move || see(|state| fill(state.place() as f64, 0.0, last(state) as f64))))
        .live("value", Box::new(|| see(State::place).to_string()))
        .on("input", Box::new(look));
    let shown = Live::new("span", "numbers").live("text", Box::new(move || see(words)));
    let name = Live::new("span", "training-name").of(vec![Live::new("span", "").saying(&say("training.film")), shown]);
    Live::new("div", "training-film").of(vec![player(), Live::new("label", "").of(vec![name, input])])
}

fn player() -> Live {
    let icon = || {
        let path = if see(|state| state.playing) { "M8 5v14M16 5v14" } else { "M8 5l11 7-11 7z" };
        format!(
            "<path d=\"{path}\" fill=\"currentColor\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linejoin=\"round\"/>"
        )
    };
    let name =
        || say(if see(|state| state.playing) { "training.stop-film" } else { "training.play-film" }).into_owned();
    let icon = Live::svg("training-icon", (24.0, 24.0)).live("html", Box::new(icon));
    let button = Live::new("button", "icon").with("type", "button").live("aria-label", Box::new(name));
    button.of(vec![icon]).on("click", Box::new(|_| tell(Event::TogglePlay)))
}

fn exercises() -> Live {
    let count = Memo::new(move |_| see(|state| state.exercise.as_ref().map_or(0, |exercise| exercise.labels.len())));
    let table = Live::new("div", "training-exercises").listing(count, Box::new(exercise));
    let hidden = || see(|state| state.exercise.is_none()).to_string();
    Live::new("section", "training-exercise").live("hidden", Box::new(hidden)).of(vec![
        Live::new("h2", "").saying(&say("training.exercises")),
        table,
        Live::new("p", "hint").saying(&say("training.about-exercises")),
    ])
}

/// A picture, the same under noise, and what the model takes for it.
fn exercise(row: usize) -> Live {
    let of = move |place: usize| {
        let pixels = move |state: &State| state.exercise.as_ref()?.pictures.get(row * OF_EACH + place).cloned();
        let name = move |state: &State| {
            let Some(exercise) = &state.exercise else { return String::new() };
            let class = exercise.labels.get(row).map_or_else(String::new, |class| label(state, *class));
            let t = exercise.timesteps.get(row).copied().unwrap_or_default();
            let key = ["training.exercise-picture", "training.exercise-noisy", "training.exercise-guess"][place];
            say_with(key, &[("label", &class), ("t", &t)])
        };
        let caption = Live::new("figcaption", "").live(
            "text",
            Box::new(move || {
                let t = see(|state| state.exercise.as_ref().and_then(|exercise| exercise.timesteps.get(row).copied()));
                match place {
                    0 => "x₀".to_owned(),
                    1 => format!("xₜ, t = {}", t.unwrap_or_default()),
                    _ => "x̂₀".to_owned(),
                }
            }),
        );
        Live::new("figure", "").of(vec![canvas(Box::new(move || see(name)), Box::new(move || see(pixels))), caption])
    };
    Live::new("div", "training-row").of((0..OF_EACH).map(of).collect())
}
