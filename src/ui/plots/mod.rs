//! Plots as hand-made SVG.

use super::film;
use super::state::AppState;
use super::store::Store;
use crate::diffusion::schedule::NoiseSchedule;
use leptos::prelude::*;

const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 130.0;
const LEFT: f64 = 26.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 8.0;
const RIGHT: f64 = 8.0;

/// ᾱ over t, noise on the left as in the run, with the place of the stage on it.
#[component]
pub fn SchedulePlot() -> impl IntoView {
    let store = Store::get();
    let curve = store.memo(curve);
    let dots = store.memo(|state| {
        let end = largest_t(state);
        // More dots than that would be a line.
        let film = state.shown().filter(|film| film.steps() <= 60)?;
        let at = |i: usize| point(film::place(&film.info, i), end);
        Some((0..=film.steps()).map(at).collect::<Vec<_>>())
    });
    let marker = store.memo(|state| {
        let film = state.shown().filter(|film| !film.is_empty())?;
        Some(point(film::place(&film.info, state.view.position), largest_t(state)))
    });
    let end = store.memo(largest_t);
    let (x0, x1, y0, y1) = (LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, TOP);
    view! {
        <svg
            class="plot"
            viewBox=format!("0 0 {WIDTH} {HEIGHT}")
            role="img"
            aria-label="Noise schedule: ᾱ, the share of signal, over the timestep t"
        >
            <path class="axis" d=format!("M{x0} {y1}V{y0}H{x1}") />
            <text x=x0 - 6.0 y=y1 + 4.0 text-anchor="end">"1"</text>
            <text x=x0 - 6.0 y=y0 text-anchor="end">"0"</text>
            <text class="name" x=x0 - 6.0 y=(y0 + y1) / 2.0 + 3.0 text-anchor="end">"ᾱ"</text>
            <text x=x0 y=HEIGHT - 8.0>{move || format!("t = {}", end.get())}</text>
            <text x=x1 y=HEIGHT - 8.0 text-anchor="end">"t = 0"</text>
            <path class="curve" d=move || curve.get() />
            {move || {
                let dots = dots.get().unwrap_or_default().into_iter();
                dots.map(|(x, y)| view! { <circle class="dot" cx=x cy=y r="1.6" /> }).collect_view()
            }}
            {move || marker.get().map(|(x, y)| view! {
                <g class="marker">
                    <path d=format!("M{x} {y1}V{y0}") />
                    <circle cx=x cy=y r="4.5" />
                </g>
            })}
        </svg>
    }
}

fn point((t, alpha_bar): (usize, f64), end: usize) -> (f64, f64) {
    let x = LEFT + (1.0 - t as f64 / end.max(1) as f64) * (WIDTH - LEFT - RIGHT);
    (x, HEIGHT - BOTTOM - alpha_bar.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP))
}

/// The noisiest t: the model's where it is known, else the run's.
fn largest_t(state: &AppState) -> usize {
    let of_model = state.config.as_ref().map(|config| config.scheduler.num_train_timesteps - 1);
    let of_run = || state.shown().and_then(|film| film.info.timesteps.first().copied());
    of_model.or_else(of_run).unwrap_or(999)
}

/// The schedule of the model, or the points of the run while the model is not known.
fn curve(state: &AppState) -> String {
    let end = largest_t(state);
    let points: Vec<(usize, f64)> = if let Some(config) = &state.config {
        let schedule = NoiseSchedule::new(config.scheduler.beta_schedule, config.scheduler.num_train_timesteps);
        let all = schedule.timesteps.into_iter().zip(schedule.alphas_cumprod);
        all.step_by((end / 100).max(1)).collect()
    } else if let Some(film) = state.shown() {
        (0..=film.steps()).map(|i| film::place(&film.info, i)).collect()
    } else {
        return String::new();
    };
    let mut path = String::new();
    for (i, place) in points.into_iter().enumerate() {
        let (x, y) = point(place, end);
        path.push_str(&format!("{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' }));
    }
    path
}
