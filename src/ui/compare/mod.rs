//! One seed with several settings beside each other: guidance scales, samplers, numbers of steps.

mod columns;
mod settings;

use ditscope_page_state::compare;
use ditscope_page_state::compare::Axis;
use ditscope_page_state::compare::Event;
pub use ditscope_words::text::class_label;

use super::dom;
use super::parts::{Part, Parts};
use super::store::Store;
use super::theme::Theme;
use ditscope_page_state::Page;
use ditscope_page_state::compare::Comparison;
use ditscope_page_state::film::Film;
use ditscope_words::text::{self, sampler_of};
use ditscope_words::{say, say_with};
use leptos::html::Div;
use leptos::prelude::*;
use web_sys::Element;

#[component]
pub fn CompareStage() -> impl IntoView {
    let store = Store::get();
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let settings = move || store.with(|state| settings::settings(store, state));
    let columns = move || store.with(|state| columns::columns(store, state));
    let update = move |place: &Element| {
        // Pictures fit anew when the room changes.
        width.track();
        let dark = store.theme.get() == Theme::Dark;
        store.with(|state| columns::update(place, state, dark));
    };
    let caption = move || {
        store.with(|state| {
            let made = state.compare.comparison(state).and_then(Comparison::film);
            let recorded = made.filter(|film| film.recorded).map(|_| say("stage.recorded").into());
            let recorded = recorded.map(|words| Part::new("span", "recorded").saying(words));
            let words = Part::new("span", "").saying(caption(state));
            vec![Part::new("p", "compare-caption").of(recorded.into_iter().chain([words]).collect())]
        })
    };
    let foot = move || store.with(foot);
    view! {
        <div class="stage compare" node_ref=node on:change=move |event| settings::typed(store, &event)>
            <Parts content=Box::new(settings) />
            <Parts content=Box::new(caption) />
            <Parts content=Box::new(columns) update=Box::new(update) />
            <Parts content=Box::new(foot) />
        </div>
    }
}

/// What is compared, and what all columns have in common.
fn caption(state: &Page) -> String {
    let made = state.compare.comparison(state);
    let settings = made.map_or_else(|| state.settings(), |made| made.settings().clone());
    let film = made.and_then(Comparison::film);
    let label = film.map_or_else(|| class_label(state, settings.class), |film: &Film| film.label.clone());
    let model = film.map_or_else(|| state.model_name(), |film| film.model.clone());
    let (seed, steps, sampler) = (settings.seed, settings.num_inference_steps, sampler_of(&settings));
    let guidance = settings.guidance_scale;
    let start: [(&str, &dyn ToString); 3] = [("model", &model), ("label", &label), ("seed", &seed)];
    let with = |key: &str, rest: [(&str, &dyn ToString); 2]| say_with(key, &[&start[..], &rest[..]].concat());
    let caption = match compare::what(state).axis() {
        Axis::Guidance => with("compare.caption-guidance", [("sampler", &sampler), ("steps", &steps)]),
        Axis::Samplers => with("compare.caption-samplers", [("guidance", &guidance), ("steps", &steps)]),
        Axis::Steps => with("compare.caption-steps", [("guidance", &guidance), ("sampler", &sampler)]),
    };
    if settings.savings.is_off() { caption } else { format!("{caption} · {}", text::savings(&settings.savings)) }
}

/// How to read the columns.
fn foot(state: &Page) -> Vec<Part> {
    let mut lines: Vec<String> = vec![];
    let mut say_line = |words: String| lines.push(words);
    let kind = compare::what(state).axis();
    let made = state.compare.comparison(state);
    match (made, kind) {
        (None, Axis::Guidance) => say_line(say("compare.begin-guidance").into()),
        (None, _) => say_line(say("compare.begin-runs").into()),
        (Some(_), Axis::Guidance) => say_line(say("compare.aligned-batch").into()),
        (Some(_), _) => say_line(say("compare.aligned-share").into()),
    }
    if let Some((total_ms, ms)) = made.and_then(Comparison::time) {
        let (pictures, seconds) = (state.compare.columns(state), seconds(total_ms));
        let step = text::ms_per_step(ms);
        say_line(say_with("compare.batch-time", &[("pictures", &pictures), ("seconds", &seconds), ("step", &step)]));
    }
    if (0..state.compare.columns(state))
        .any(|i| state.compare.column(state, i).is_some_and(|column| column.distance.is_some() && !column.is_reference))
    {
        say_line(say("compare.about-distance").into());
    }
    if state.compare.rows.noisy {
        say_line(say("compare.about-noisy").into());
    }
    if state.compare.rows.difference {
        let largest = format!("{:.2}", state.compare.largest_difference(state));
        say_line(say_with("compare.about-difference", &[("largest", &largest)]));
    }
    let mut parts: Vec<Part> = lines.into_iter().map(|line| Part::words("hint", line)).collect();
    if state.compare.is_set_otherwise(state) {
        parts.insert(0, Part::words("set-otherwise", say("compare.set-otherwise")));
    }
    vec![Part::group("compare-foot", parts)]
}

fn seconds(ms: f64) -> String {
    format!("{:.1}", ms / 1000.0)
}
