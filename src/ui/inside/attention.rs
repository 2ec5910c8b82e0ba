//! What a token looks at: over the picture, and for each head.

use super::{heat, heat_map, is_hidden, legend, on_ground, percent, see, send};
use crate::ui::dom;
use crate::ui::live::{Live, Mount};
use crate::ui::stage::PixelCanvas;
use crate::ui::store::Store;
use ditscope_page_state::Page;
use ditscope_page_state::film;
use ditscope_page_state::inside::{Event, Panel};
use ditscope_page_state::inside::{largest, moved};
use ditscope_words::{say, say_with};
use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{KeyboardEvent, PointerEvent};

#[component]
pub fn AttentionPanel() -> impl IntoView {
    let store = Store::get();
    // The token under the pointer comes before the chosen one.
    let under_pointer = RwSignal::new(None::<usize>);
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let hidden = store.memo(|state| is_hidden(state, Panel::Attention));
    let picture = Signal::derive(move || {
        let selected = store.selected.get();
        store.moment.with(|m| m.as_ref().map(|m| film::picture(&m.info, &m.frame, selected)))
    });
    let across = Signal::derive(move || store.moment.with(|m| m.as_ref().map_or(1, |m| m.info.image_shape[1])));
    let see = move |part: fn(&Page, Option<usize>) -> String| -> Box<dyn Fn() -> String> {
        Box::new(move || {
            let over = under_pointer.get();
            store.with(|state| part(state, over))
        })
    };
    let most = |state: &Page, over: Option<usize>| {
        let (most, even) = (percent(heat::reach(&shares(state, over))), percent(1.0 / count(grid(state)) as f32));
        say_with("inside.most", &[("most", &most), ("even", &even)])
    };
    let under = Live::new("div", "").of(vec![
        legend(Box::new(|| "0".into()), see(most)),
        Live::new("p", "inside-readout numbers").live("text", see(readout)),
    ]);
    view! {
        <div class="attention" hidden=move || hidden.get()>
            <div class="attention-picture">
                <div class="token-room" node_ref=node>
                    <div class="token-grid">
                        <PixelCanvas pixels=picture available=width across />
                        <Mount live=tokens(store, under_pointer) />
                    </div>
                </div>
                <Mount live=under />
            </div>
            <Mount live=heads(store, under_pointer) />
        </div>
    }
}

/// Rows and columns of tokens.
fn grid(state: &Page) -> [usize; 2] {
    state.inside.trace(state).and_then(Result::ok).map_or([1, 1], |trace| trace.grid)
}

fn count([rows, columns]: [usize; 2]) -> usize {
    rows * columns
}

/// The token whose attention is shown, if it is not the mean of all.
fn token(state: &Page, over: Option<usize>) -> Option<usize> {
    over.or(state.inside.token).filter(|token| *token < count(grid(state)))
}

/// What it looks at, in the head that is shown large.
fn shares(state: &Page, over: Option<usize>) -> Vec<f32> {
    let Some(Ok(trace)) = state.inside.trace(state) else { return vec![] };
    trace.attention(state.inside.head.filter(|head| *head < trace.heads), token(state, over))
}

/// In words, where the attention goes.
fn readout(state: &Page, over: Option<usize>) -> String {
    let (shares, columns) = (shares(state, over), grid(state)[1]);
    let Some((to, share)) = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)) else { return String::new() };
    let place = |token: usize| (token / columns + 1, token % columns + 1);
    let ((to_row, to_column), share) = (place(to), percent(*share));
    let (row, column) = token(state, over).map(place).unwrap_or_default();
    let key = if row > 0 { "inside.readout" } else { "inside.readout-all" };
    say_with(
        key,
        &[("row", &row), ("column", &column), ("to_row", &to_row), ("to_column", &to_column), ("share", &share)],
    )
}

/// The grid of tokens over the picture, and what the shown one looks at. A slider in two directions.
fn tokens(store: Store, under_pointer: RwSignal<Option<usize>>) -> Live {
    // Long: one grid with its pointer and its keys.
    let see_over = move |part: fn(&Page, Option<usize>) -> String| -> Box<dyn Fn() -> String> {
        Box::new(move || {
            let over = under_pointer.get();
            store.with(|state| part(state, over))
        })
    };
    let map = heat_map(Box::new(move || {
        let over = under_pointer.get();
        store.with(|state| {
            let shares = shares(state, over);
            Some(heat::map(&shares, grid(state)[1], heat::reach(&shares)))
        })
    }));
    let at = move |event: &PointerEvent| {
        let [rows, columns] = store.peek(grid);
        let (x, y) = dom::within(event)?;
        let within = |share: f64, of: usize| ((share.max(0.0) * of as f64) as usize).min(of - 1);
        Some(within(y, rows) * columns + within(x, columns))
    };
    let on_press = move |event: web_sys::Event| {
        let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
        let pressed = at(event);
        let chosen = store.peek(|state| state.inside.token);
        send(store, Event::Token(pressed.filter(|_| pressed != chosen)));
    };
    let on_move = move |event: web_sys::Event| {
        // A finger does not hover.
        if let Some(event) = event.dyn_ref::<PointerEvent>().filter(|event| event.pointer_type() == "mouse") {
            under_pointer.set(at(event));
        }
    };
    let on_key = move |event: web_sys::Event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        let (grid, chosen) = store.peek(|state| (grid(state), state.inside.token));
        let Some(to) = moved(&event.key(), chosen.filter(|chosen| *chosen < count(grid)), grid) else { return };
        event.prevent_default();
        event.stop_propagation();
        under_pointer.set(None);
        send(store, Event::Token(to));
    };
    let lines = |state: &Page| format!("--rows: {}; --columns: {}", grid(state)[0], grid(state)[1]);
    let frame = Live::new("div", "token-frame")
        .live("hidden", see_over(|state, over| token(state, over).is_none().to_string()))
        .live("style", see_over(frame_style));
    Live::new("div", "tokens")
        .with("role", "slider")
        .with("tabindex", "0")
        .with("aria-roledescription", &say("inside.token-grid"))
        .with("aria-label", &say("inside.token"))
        .with("title", &say("inside.hint-token"))
        .with("aria-valuemin", "0")
        .live("aria-valuemax", see(store, |state| count(grid(state)).to_string()))
        .live("aria-valuenow", see_over(|state, over| token(state, over).map_or(0, |token| token + 1).to_string()))
        .live("aria-valuetext", see_over(readout))
        .live("style", see(store, lines))
        .on("pointerdown", Box::new(on_press))
        .on("pointermove", Box::new(on_move))
        .on("pointerleave", Box::new(move |_| under_pointer.set(None)))
        .on("keydown", Box::new(on_key))
        .of(vec![map, frame])
}

/// Where the shown token is.
fn frame_style(state: &Page, over: Option<usize>) -> String {
    let ([rows, columns], token) = (grid(state), token(state, over).unwrap_or_default());
    let part = |at: usize, of: usize| 100.0 * at as f64 / of as f64;
    format!(
        "left: {:.3}%; top: {:.3}%; width: {:.3}%; height: {:.3}%",
        part(token % columns, columns),
        part(token / columns, rows),
        part(1, columns),
        part(1, rows)
    )
}

/// Every head small, as buttons that show it large; the first is the mean of all.
fn heads(store: Store, under_pointer: RwSignal<Option<usize>>) -> Live {
    let tiles = store.memo(|state| state.inside.trace(state).and_then(Result::ok).map_or(1, |trace| trace.heads + 1));
    let tile = move |i: usize| {
        let head = i.checked_sub(1);
        let shares = move || {
            let over = under_pointer.get();
            store.with(|state| {
                let trace = state.inside.trace(state)?.ok()?;
                Some((trace.attention(head, token(state, over)), trace.grid[1]))
            })
        };
        let map = on_ground(Box::new(move || {
            let (shares, width) = shares()?;
            Some(heat::map(&shares, width, heat::reach(&shares)))
        }));
        let most = move || shares().map_or_else(String::new, |(shares, _)| percent(largest(&shares)));
        let name =
            head.map_or_else(|| say("inside.mean").into(), |head| say_with("inside.head", &[("head", &(head + 1))]));
        let pressed = move || store.with(|state| (state.inside.head == head).to_string());
        Live::new("button", "head")
            .with("type", "button")
            .with("title", &say("inside.hint-head"))
            .live("aria-pressed", Box::new(pressed))
            .on("click", Box::new(move |_| send(store, Event::Head(head))))
            .of(vec![
                map,
                Live::new("span", "").saying(&name),
                Live::new("span", "dim numbers").with("aria-hidden", "true").live("text", Box::new(most)),
            ])
    };
    let all = Live::new("button", "")
        .with("type", "button")
        .saying(&say("inside.all-tokens"))
        .live("disabled", see(store, |state| state.inside.token.is_none().to_string()))
        .on("click", Box::new(move |_| send(store, Event::Token(None))));
    Live::new("div", "heads-side").of(vec![
        Live::new("p", "label").saying(&say("inside.heads")),
        Live::new("div", "heads")
            .with("role", "group")
            .with("aria-label", &say("inside.heads"))
            .listing(tiles, Box::new(tile)),
        Live::new("p", "hint").saying(&say("inside.about-attention")),
        all,
    ])
}
