//! Maps over blocks: how long the tokens are after each, and how strongly adaLN-Zero acts on each over the run.

use super::{is_hidden, legend, on_ground, see, short};
use crate::ui::dom;
use crate::ui::live::Live;
use crate::ui::plots::step_by_key;
use crate::ui::store::Store;
use ditscope_page_state::inside::heat;
use ditscope_page_state::inside::{Known, Panel};
use ditscope_page_state::inside::{Modulation, Trace, VECTORS, largest};
use ditscope_page_state::timeline;
use ditscope_page_state::{Event, Page};
use ditscope_words::{Words, say, say_with};
use wasm_bindgen::JsCast;
use web_sys::PointerEvent;

/// Norms of the tokens, before the first block and after each.
pub fn norms(store: Store) -> Live {
    let tiles = store.memo(|state| trace(state).map_or(0, |trace| trace.depth + 1));
    Live::new("div", "norms").live("hidden", see(store, |state| is_hidden(state, Panel::Norms).to_string())).of(vec![
        Live::new("p", "hint").saying(&say("inside.about-norms")),
        Live::new("div", "heads").listing(tiles, Box::new(move |after| tokens(store, after))),
        legend(see(store, |state| short(range_of_norms(state).0)), see(store, |state| short(range_of_norms(state).1))),
    ])
}

fn trace(state: &Page) -> Option<Known<Trace>> {
    state.inside.trace(state)?.ok()
}

/// One scale for all, so that they can be compared: the least and the most. From 0 all would look alike.
fn range_of_norms(state: &Page) -> (f32, f32) {
    trace(state).map_or((0.0, 0.0), |trace| trace.range_of_norms)
}

fn tokens(store: Store, after: usize) -> Live {
    let map = move |state: &Page| {
        let trace = trace(state)?;
        let (least, most) = trace.range_of_norms;
        let above: Vec<f32> = trace.norms(after).iter().map(|norm| norm - least).collect();
        Some(heat::map(&above, trace.grid[1], most - least))
    };
    let mean = move |state: &Page| {
        let of = |norms: &[f32]| short(norms.iter().sum::<f32>() / norms.len().max(1) as f32);
        trace(state).map_or_else(String::new, |trace| of(trace.norms(after)))
    };
    let name = match after {
        0 => say("inside.before-blocks").into(),
        block => say_with("inside.after-block", &[("block", &block)]),
    };
    let words = Live::new("span", "").saying(&name);
    let spoken = move |state: &Page| say_with("inside.norms-spoken", &[("place", &name), ("mean", &mean(state))]);
    // The block that is chosen writes what its map shows.
    let class = move |state: &Page| {
        if after == state.inside.block(state) + 1 { "head still here".to_string() } else { "head still".into() }
    };
    Live::new("div", "")
        .live("class", Box::new(move || store.with(class)))
        .with("role", "img")
        .live("aria-label", Box::new(move || store.with(&spoken)))
        .of(vec![
            on_ground(Box::new(move || store.with(map))),
            words,
            Live::new("span", "dim numbers").live("text", Box::new(move || store.with(mean))),
        ])
}

/// adaLN-Zero: the six vectors of each block over the steps of the run.
pub fn modulation(store: Store) -> Live {
    let maps = Live::new("div", "adaln")
        .with("role", "slider")
        .with("tabindex", "0")
        .with("aria-label", &say("inside.adaln-place"))
        .with("aria-valuemin", "0")
        .live("aria-valuemax", see(store, |state| (steps(state) - 1).to_string()))
        .live("aria-valuenow", see(store, |state| column(state).to_string()))
        .live("aria-valuetext", see(store, spoken))
        .on("keydown", Box::new(move |event| step_by_key(store, &event)))
        .of((0..VECTORS).map(|vector| map(store, vector)).collect());
    Live::new("div", "modulation")
        .live("hidden", see(store, |state| is_hidden(state, Panel::Modulation).to_string()))
        .of(vec![
            Live::new("p", "hint").saying(&say("inside.about-adaln")),
            maps,
            Live::new("p", "inside-readout numbers").live("text", see(store, spoken)),
        ])
}

fn known(state: &Page) -> Option<Known<Modulation>> {
    state.inside.modulation(state)?.ok()
}

fn steps(state: &Page) -> usize {
    known(state).map_or(1, |modulation| modulation.steps)
}

/// The current step; the finished picture is beyond the last.
fn column(state: &Page) -> usize {
    state.timeline.position.min(steps(state) - 1)
}

/// The chosen block at the current step, in words and numbers.
fn spoken(state: &Page) -> String {
    let Some(modulation) = known(state) else { return String::new() };
    let (step, block) = (column(state), state.inside.block(state));
    let [a, b, c, d, e, f] = std::array::from_fn(|vector| short(modulation.value(step, block, vector)));
    say_with(
        "inside.adaln-spoken",
        &[
            ("step", &step),
            ("steps", &modulation.steps),
            ("block", &(block + 1)),
            ("a", &a),
            ("b", &b),
            ("c", &c),
            ("d", &d),
            ("e", &e),
            ("f", &f),
        ],
    )
}

/// One of the six: rows are blocks, columns steps. Pressing or dragging on it takes the stage to a step.
fn map(store: Store, vector: usize) -> Live {
    let pixels = move |state: &Page| {
        let modulation = known(state)?;
        let values = modulation.map(vector);
        Some(heat::map(&values, modulation.steps, largest(&values)))
    };
    let most = move |state: &Page| {
        known(state).map_or_else(String::new, |modulation| format!("0 – {}", short(largest(&modulation.map(vector)))))
    };
    let seek = move |event: web_sys::Event| {
        let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
        let Some((x, _)) = dom::within(event).filter(|_| dom::drags(event)) else { return };
        let steps = store.peek(steps);
        store.dispatch(Event::Timeline(timeline::Event::Seek(
            ((x.clamp(0.0, 1.0) * steps as f64) as usize).min(steps - 1),
        )));
    };
    let ground = on_ground(Box::new(move || store.with(pixels)))
        .live("style", see(store, places))
        .on("pointerdown", Box::new(seek))
        .on("pointermove", Box::new(seek))
        .of(vec![Live::new("span", "adaln-row"), Live::new("span", "adaln-column")]);
    Live::new("div", "adaln-map").of(vec![
        Live::new("span", "label").saying(&name(vector)),
        ground,
        Live::new("span", "dim numbers").live("text", Box::new(move || store.with(most))),
    ])
}

/// Where the current step and the chosen block are, for the style sheet.
fn places(state: &Page) -> String {
    let (steps, depth) = known(state).map_or((1, 1), |modulation| (modulation.steps, modulation.depth));
    let part = |at: usize, of: usize| 100.0 * at as f64 / of as f64;
    format!(
        "--left: {:.3}%; --wide: {:.3}%; --top: {:.3}%; --high: {:.3}%",
        part(column(state), steps),
        part(1, steps),
        part(state.inside.block(state), depth),
        part(1, depth)
    )
}

fn name(vector: usize) -> Words {
    match vector {
        0 => say("inside.shift-attention"),
        1 => say("inside.scale-attention"),
        2 => say("inside.gate-attention"),
        3 => say("inside.shift-mlp"),
        4 => say("inside.scale-mlp"),
        _ => say("inside.gate-mlp"),
    }
}
