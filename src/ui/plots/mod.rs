//! Plots as hand-made SVG: the schedule and the sizes of the latents, over t.
//!
//! A charting crate would draw the lines, but neither the marker that is dragged and moved by keys nor its words for
//! a screen reader, and the page's budget of bytes has better uses than a second way to lay out SVG.

mod schedule;
mod size_plot;

pub use schedule::SchedulePlot;
use size_plot::SizePlot;

use super::dom;
use super::live::Live;
use super::store::Store;
use ditscope_config::{BetaSchedule, DiffusionConfig};
use ditscope_page_state::film;
use ditscope_page_state::timeline;
use ditscope_page_state::{Event, Page};
use ditscope_plots::geometry::{HEIGHT, WIDTH, nearest, t_at};
use ditscope_words::say;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{KeyboardEvent, PointerEvent};

/// The plots of the inspector.
#[component]
pub fn Plots() -> impl IntoView {
    let store = Store::get();
    let shares = store.memo(|state| {
        let film = state.shown().filter(|film| !film.is_empty())?;
        let (_, alpha_bar) = film::place(&film.info, state.timeline.position);
        Some(process(state).map_or(BetaSchedule::Cosine, |(kind, _)| kind).weights(alpha_bar))
    });
    let formula = move || match shares.get() {
        Some((signal, noise)) => format!("xₜ = {signal:.2} · x₀ + {noise:.2} · ε"),
        None => "\u{a0}".into(),
    };
    view! {
        <details open class="deep">
            <summary>{say("plots.schedule")}</summary>
            <SchedulePlot />
            <p class="formula" translate="no">{formula}</p>
            <p class="dim">{say("plots.about-schedule")}</p>
        </details>
        <details open class="deep">
            <summary>{say("plots.sizes")}</summary>
            <SizePlot />
            <p class="dim">{say("plots.about-sizes")}</p>
        </details>
    }
}

/// The process that the film on the stage was made with, as far as it is known; without a film the model's.
fn process(state: &Page) -> Option<ditscope_plots::curves::Process> {
    let scheduler = scheduler(state)?;
    Some((scheduler.beta_schedule, scheduler.num_train_timesteps))
}

fn scheduler(state: &Page) -> Option<&DiffusionConfig> {
    state.models.config.as_ref().filter(|_| state.film_is_of_model()).map(|config| &config.scheduler)
}

/// The largest t on the axes.
fn largest_t(state: &Page) -> usize {
    let of_run = || state.shown().and_then(|film| film.info.timesteps.first().copied());
    process(state).map(|(_, steps)| steps - 1).or_else(of_run).unwrap_or(999)
}

/// A plot over t: pressing or dragging on it takes the stage to the nearest step of the run.
fn area(store: Store, draw: Box<dyn Fn() -> String>) -> Live {
    let seek = move |event: web_sys::Event| {
        let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
        let Some((share, _)) = dom::within(event).filter(|_| dom::drags(event)) else { return };
        let position = store.peek(|state| {
            let film = state.shown().filter(|film| !film.is_empty())?;
            Some(nearest(&film.info.timesteps, t_at(share, largest_t(state))))
        });
        if let Some(position) = position {
            store.dispatch(Event::Timeline(timeline::Event::Seek(position)));
        }
    };
    let svg = Live::svg("plot", (WIDTH, HEIGHT)).live("html", draw);
    let area = Live::new("div", "plot-area").of(vec![svg]);
    area.on("pointerdown", Box::new(seek)).on("pointermove", Box::new(seek))
}

/// A line of a legend: what it looks like, and its name.
pub fn key(class: &str, name: Box<dyn Fn() -> String>) -> Live {
    let drawn = match class {
        "dots" => "M4 5h0M12 5h0M20 5h0",
        "planned" => "M4 2v6M12 2v6M20 2v6",
        _ => "M0 5H24",
    };
    let path = format!("<path class=\"{class}\" d=\"{drawn}\"/>");
    let svg = Live::svg("plot-key", (24.0, 10.0)).live("html", Box::new(move || path.clone()));
    Live::new("li", "").of(vec![svg, Live::new("span", "").live("text", name)])
}

/// What the keys of a slider over the steps of a run mean; the event is used up then.
pub fn step_by_key(store: Store, event: &web_sys::Event) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
    let steps = store.peek(|state| state.shown().map_or(0, |film| film.steps()));
    let leap = (steps / 10).max(2) as isize;
    let then = match event.key().as_str() {
        "ArrowLeft" | "ArrowDown" => Event::Timeline(timeline::Event::Step(-1)),
        "ArrowRight" | "ArrowUp" => Event::Timeline(timeline::Event::Step(1)),
        "PageDown" => Event::Timeline(timeline::Event::Step(-leap)),
        "PageUp" => Event::Timeline(timeline::Event::Step(leap)),
        "Home" => Event::Timeline(timeline::Event::Seek(0)),
        "End" => Event::Timeline(timeline::Event::Seek(usize::MAX)),
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    store.dispatch(then);
}
