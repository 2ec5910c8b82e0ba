//! The noise schedule over t, with the run's steps on it and a marker that shows the timeline's position and moves it.

use super::{area, key, largest_t, process, scheduler, step_by_key};
use crate::ui::live::{Live, Mount, segments};
use crate::ui::store::Store;
use ditscope_config::BetaSchedule;
use ditscope_page_state::Page;
use ditscope_page_state::film::Film;
use ditscope_plots::curves::{Curves, Quantity, other, planned};
use ditscope_plots::drawing::Drawing;
use ditscope_plots::geometry::{BOTTOM, Scale, dots, number, strokes, x};
use ditscope_words::{say, say_with};
use leptos::prelude::*;
use std::rc::Rc;

/// More dots than that would be a line.
const MOST_DOTS: usize = 100;

/// In the tour it begins with the other schedule beside the model's, because the text explains both.
#[component]
pub fn SchedulePlot(#[prop(optional)] in_tour: bool) -> impl IntoView {
    let store = Store::get();
    let (quantity, compared) = (RwSignal::new(0usize), RwSignal::new(in_tour));
    let of = move || (Quantity::ALL[quantity.get()], compared.get());
    let see = move |part: fn(&Page) -> String| -> Box<dyn Fn() -> String> { Box::new(move || store.with(part)) };
    let kind = move |of: fn(BetaSchedule) -> BetaSchedule, shown: bool| {
        let kind = store.with(process).filter(|_| shown).map(|(kind, _)| of(kind));
        kind.map_or_else(String::new, |kind| schedule_name(kind).into())
    };
    let area = area(store, Box::new(move || store.with(|state| draw(state, of()))))
        .with("role", "slider")
        .with("tabindex", "0")
        .with("aria-label", &say("plots.place"))
        .with("title", &say("plots.hint-drag"))
        .with("aria-valuemin", "0")
        .live("aria-valuemax", see(|state| state.shown().map_or(0, Film::steps).to_string()))
        .live("aria-valuenow", see(|state| state.timeline.position.to_string()))
        .live("aria-valuetext", see(|state| say_numbers(state, "plots.spoken")))
        .live("aria-disabled", see(|state| state.shown().is_none_or(Film::is_empty).to_string()))
        .on("keydown", Box::new(move |event| step_by_key(store, &event)));
    let compare = Live::new("input", "")
        .with("type", "checkbox")
        .live("checked", Box::new(move || compared.get().to_string()))
        .live("disabled", see(|state| process(state).is_none().to_string()))
        .on("change", Box::new(move |_| compared.update(|compared| *compared = !*compared)));
    let symbols = Quantity::ALL.map(quantity_name);
    let (chosen, choose) = (Rc::new(move || quantity.get()), Rc::new(move |i| quantity.set(i)));
    let live = Live::new("div", "").of(vec![
        Live::new("div", "plot-controls").of(vec![segments(
            &say("plots.quantity"),
            if in_tour { "tour-quantity" } else { "plot-quantity" },
            &symbols,
            chosen,
            choose,
        )]),
        area,
        Live::new("p", "plot-readout numbers").live("text", see(|state| say_numbers(state, "plots.numbers"))),
        Live::new("ul", "plot-keys").of(vec![
            key("curve", Box::new(move || kind(|kind| kind, true))),
            key("curve other", Box::new(move || kind(other, compared.get())))
                .live("hidden", Box::new(move || (!compared.get()).to_string())),
            key("dots", Box::new(|| say("plots.steps-taken").into())),
            key("planned", Box::new(|| say("plots.steps-chosen").into())),
        ]),
        Live::new("label", "check").of(vec![compare, Live::new("span", "").saying(&say("plots.compare"))]),
    ]);
    view! { <Mount live /> }
}

/// The curves of the model, or what a run tells of them.
fn curves(state: &Page, (quantity, compared): (Quantity, bool)) -> Option<Curves> {
    match process(state) {
        Some(process) => Some(Curves::new(quantity, process, compared)),
        None => state.shown().map(|film| Curves::of_run(quantity, &film.info)),
    }
}

fn draw(state: &Page, of: (Quantity, bool)) -> String {
    let Some(curves) = curves(state, of) else {
        return Drawing::axes(Scale::Linear { max: 1.0 }, largest_t(state), &quantity_name(of.0)).done();
    };
    let mut drawing = Drawing::axes(curves.scale, curves.end, &quantity_name(of.0));
    if let Some(scheduler) = scheduler(state) {
        let steps = planned(scheduler, &state.settings());
        let places = steps.into_iter().map(|t| x(t as f64, curves.end));
        drawing.path("planned", &strokes(places, BOTTOM - 6.0, BOTTOM));
    }
    drawing.path("curve other", &curves.other);
    drawing.path("curve", &curves.path);
    if let Some(film) = state.shown().filter(|film| !film.is_empty()) {
        if film.steps() <= MOST_DOTS {
            drawing.path("dots", &dots((0..=film.steps()).filter_map(|i| curves.place(&film.info, i))));
        }
        drawing.marker(curves.place(&film.info, state.timeline.position));
    }
    drawing.done()
}

/// Where the marker is, in words and numbers.
fn say_numbers(state: &Page, key: &'static str) -> String {
    let film = state.shown().filter(|film| !film.is_empty());
    let Some((film, curves)) = film.zip(curves(state, (Quantity::AlphaBar, false))) else { return "\u{a0}".into() };
    let (position, steps) = (state.timeline.position, film.steps());
    let values = curves.at(&film.info, position);
    let beta = values.beta.map_or_else(|| "–".into(), number);
    say_with(
        key,
        &[
            ("step", &position),
            ("steps", &steps),
            ("t", &values.t),
            ("alpha_bar", &number(values.alpha_bar)),
            ("beta", &beta),
            ("snr", &number(values.snr())),
        ],
    )
}

fn schedule_name(kind: BetaSchedule) -> ditscope_words::Words {
    match kind {
        BetaSchedule::Linear => say("plots.linear"),
        BetaSchedule::Cosine => say("plots.cosine"),
        BetaSchedule::Straight => say("plots.straight"),
    }
}

fn quantity_name(quantity: Quantity) -> ditscope_words::Words {
    match quantity {
        Quantity::AlphaBar => say("plots.alpha-bar"),
        Quantity::Beta => say("plots.beta"),
        Quantity::Snr => say("plots.snr"),
    }
}
