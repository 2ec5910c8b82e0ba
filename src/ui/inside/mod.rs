//! Inside the Transformer: attention, token norms and the conditioning of each block.

mod attention;
mod maps;

use ditscope_page_state::inside::{Event, Obstacle, Panel, heat};
use ditscope_words::notices::notice;

use super::controls::fill;
use super::live::{Live, Mount, segments};
use super::store::Store;
use attention::AttentionPanel;
use ditscope_page_state::film;
use ditscope_page_state::{self as app, Page};
use ditscope_words::{Words, say, say_with};
use leptos::prelude::*;
use std::rc::Rc;
use wasm_bindgen::JsCast;

#[component]
pub fn InsideStage() -> impl IntoView {
    let store = Store::get();
    let other = Live::new("div", "inside-other").of(vec![message(store), maps::norms(store), maps::modulation(store)]);
    view! {
        <div class="stage inside">
            <Mount live=bar(store) />
            <div class="inside-body">
                <AttentionPanel />
                <Mount live=other />
            </div>
        </div>
    }
}

fn send(store: Store, event: Event) {
    store.dispatch(app::Event::Inside(event));
}

/// A part of the state as text.
fn see(store: Store, part: fn(&Page) -> String) -> Box<dyn Fn() -> String> {
    Box::new(move || store.with(part))
}

/// Whether a panel has nothing to show, or is not the one to be shown.
fn is_hidden(state: &Page, panel: Panel) -> bool {
    state.inside.panel != panel
        || match panel {
            Panel::Modulation => !matches!(state.inside.modulation(state), Some(Ok(_))),
            Panel::Attention | Panel::Norms => !matches!(state.inside.trace(state), Some(Ok(_))),
        }
}

/// What is looked at: where in the run, how, under which condition, in which block.
fn bar(store: Store) -> Live {
    let panels = [say("inside.attention"), say("inside.norms"), say("inside.adaln")];
    let panels = segments(
        &say("inside.panel"),
        "inside-panel",
        &panels,
        Rc::new(move || store.with(|state| state.inside.panel as usize)),
        Rc::new(move |i| send(store, Event::Panel(Panel::ALL[i]))),
    );
    let conditions = [say("inside.with-class"), say("inside.without-class")];
    let conditions = segments(
        &say("inside.condition"),
        "inside-condition",
        &conditions,
        Rc::new(move || store.with(|state| usize::from(state.inside.without_class))),
        Rc::new(move |i| send(store, Event::WithoutClass(i == 1))),
    );
    let choose = move |event: web_sys::Event| {
        let input = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        if let Some(block) = input.and_then(|input| input.value().parse().ok()) {
            send(store, Event::Block(block));
        }
    };
    let block = Live::new("input", "")
        .with("type", "range")
        .with("aria-label", &say("inside.block"))
        .with("title", &say("inside.hint-block"))
        .with("min", "0")
        .live("max", see(store, |state| (state.num_blocks() - 1).to_string()))
        .live("value", see(store, |state| state.inside.block(state).to_string()))
        .live("style", see(store, |state| fill(state.inside.block(state) as f64, 0.0, (state.num_blocks() - 1) as f64)))
        .live("aria-valuetext", see(store, block_words))
        .on("input", Box::new(choose));
    let count = see(store, |state| format!("{} / {}", state.inside.block(state) + 1, state.num_blocks()));
    let block = Live::new("label", "inside-block").of(vec![
        Live::new("span", "").saying(&say("inside.block")),
        block,
        Live::new("span", "numbers").live("text", count),
    ]);
    let caption =
        Live::new("p", "stage-caption").of(vec![Live::new("span", "caption").live("text", see(store, caption))]);
    Live::new("div", "inside-bar").of(vec![caption, panels, conditions, block])
}

fn block_words(state: &Page) -> String {
    let (block, depth) = (state.inside.block(state) + 1, state.num_blocks());
    say_with("inside.block-of", &[("block", &block), ("depth", &depth)])
}

/// In the place of what cannot be shown, why.
fn message(store: Store) -> Live {
    let words = |state: &Page| -> String {
        match state.inside.obstacle(state) {
            Some(obstacle) => obstacle_words(&obstacle).into(),
            None => failure(state).unwrap_or_else(|| say("inside.looking").into()),
        }
    };
    let no_failure = |state: &Page| (state.inside.obstacle(state).is_some() || failure(state).is_none()).to_string();
    let again = Live::new("button", "")
        .with("type", "button")
        .saying(&say("inside.again"))
        .live("hidden", see(store, no_failure))
        .on("click", Box::new(move |_| send(store, Event::Again)));
    Live::new("div", "inside-message")
        .live("hidden", see(store, |state| (!is_hidden(state, state.inside.panel)).to_string()))
        .of(vec![Live::new("p", "placeholder").live("text", see(store, words)), again])
}

fn obstacle_words(obstacle: &Obstacle) -> Words {
    match obstacle {
        Obstacle::NoFilm => say("inside.no-film"),
        Obstacle::FirstStep => say("inside.first-step"),
        Obstacle::Loading => say("inside.loading"),
        Obstacle::NoModel => say("inside.no-model"),
        Obstacle::OtherModel(model) => say_with("inside.other-model", &[("model", model)]).into(),
    }
}

/// What was answered instead of numbers.
fn failure(state: &Page) -> Option<String> {
    let why = match state.inside.panel {
        Panel::Modulation => state.inside.modulation(state)?.err(),
        Panel::Attention | Panel::Norms => state.inside.trace(state)?.err(),
    };
    why.as_ref().map(notice)
}

/// `Ankle boot · step 12 of 30 · t = 621`
fn caption(state: &Page) -> String {
    let Some(film) = state.shown().filter(|film| !film.is_empty()) else { return "\u{a0}".into() };
    let step = film.at(state.timeline.position.min(film.steps() - 1)).map_or(0, |frame| frame.step);
    let label = if state.inside.without_class { say("inside.null-label").into() } else { film.label.clone() };
    let (t, _) = film::place(&film.info, step);
    // After the last step the model looks no more.
    let key = if state.timeline.position < film.steps() { "inside.caption" } else { "inside.caption-last" };
    say_with(key, &[("label", &label), ("step", &step), ("steps", &film.steps()), ("t", &t)])
}

/// A map of values that fills the room it is given: sharp corners, no smoothing.
fn heat_map(pixels: Box<dyn Fn() -> Option<film::Pixels>>) -> Live {
    Live::new("canvas", "heat").with("aria-hidden", "true").drawing(pixels)
}

/// The same on the ground that the maps share.
fn on_ground(pixels: Box<dyn Fn() -> Option<film::Pixels>>) -> Live {
    Live::new("span", "ground").of(vec![heat_map(pixels)])
}

/// What the darkest and the brightest colour mean.
fn legend(least: Box<dyn Fn() -> String>, most: Box<dyn Fn() -> String>) -> Live {
    Live::new("div", "heat-legend").of(vec![
        Live::new("span", "numbers").live("text", least),
        on_ground(Box::new(|| Some(heat::legend()))),
        Live::new("span", "numbers").live("text", most),
    ])
}

/// `31 %`
fn percent(share: f32) -> String {
    let percent = share * 100.0;
    if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// Three digits that count, for values that are neither tiny nor huge.
fn short(value: f32) -> String {
    match value {
        _ if value >= 99.95 => format!("{value:.0}"),
        _ if value >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
