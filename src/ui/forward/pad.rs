//! A pad to draw a picture on: light on dark, as Fashion's pictures are, with the pointer or the arrow keys.

use crate::ui::dom;
use crate::ui::live::{Live, Mount};
use crate::ui::store::Store;
use ditscope_page_state::cells::{Cells, stride};
use ditscope_page_state::forward::picture;
use ditscope_page_state::forward::{Event, can_encode};
use ditscope_words::say;
use leptos::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{KeyboardEvent, PointerEvent};

/// Cells across: each of the picture's pixels is the mean of some.
const SIDE: usize = 64;
/// Cells that the pen is wide.
const PEN: usize = 5;
/// Cells that a press of an arrow key goes.
const STRIDE: isize = 3;

/// The drawing, and a signal that it has changed.
type Pad = (Rc<RefCell<Cells>>, RwSignal<()>);

#[component]
pub fn DrawingPad() -> impl IntoView {
    let store = Store::get();
    let pad: Pad = (Rc::new(RefCell::new(Cells::new([SIDE, SIDE]))), RwSignal::new(()));
    let cannot = move || {
        let can = |state: &ditscope_page_state::Page| state.models.config.as_ref().is_some_and(can_encode);
        (!store.with(can)).to_string()
    };
    let live = Live::new("details", "drawing-pad").live("hidden", Box::new(cannot)).of(vec![
        Live::new("summary", "").saying(&say("forward.pad")),
        Live::new("div", "pad-body").of(vec![easel(store, &pad), buttons(store, &pad)]),
    ]);
    view! { <Mount live /> }
}

fn easel(store: Store, (cells, changed): &Pad) -> Live {
    let (shown, changed) = (cells.clone(), *changed);
    let canvas = Live::new("canvas", "pixels").with("aria-hidden", "true").drawing(Box::new(move || {
        changed.track();
        Some(shown.borrow().pixels())
    }));
    let pen = cells.clone();
    let cursor = Live::svg("pad-cursor", (SIDE as f64, SIDE as f64)).live(
        "html",
        Box::new(move || {
            changed.track();
            let (column, row) = pen.borrow().cursor;
            format!("<circle cx=\"{column}\" cy=\"{row}\" r=\"{PEN}\"/>")
        }),
    );
    let place = Live::new("div", "pad-easel")
        .with("tabindex", "0")
        .with("role", "application")
        .with("aria-label", &say("forward.pad-name"))
        .with("aria-describedby", "forward-pad-keys")
        .of(vec![canvas, cursor]);
    let place = ["pointerdown", "pointermove", "pointerup"].iter().fold(place, |place, kind| {
        let cells = cells.clone();
        place.on(kind, Box::new(move |event| stroke(store, &(cells.clone(), changed), &event)))
    });
    let cells = cells.clone();
    place.on("keydown", Box::new(move |event| key(store, &(cells.clone(), changed), &event)))
}

fn stroke(store: Store, (cells, changed): &Pad, event: &web_sys::Event) {
    let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
    if event.type_() == "pointerup" {
        return take(store, cells);
    }
    if let (true, Some(place)) = (dom::drags(event), dom::within(event)) {
        if event.type_() == "pointerdown" {
            cells.borrow_mut().begin();
        }
        cells.borrow_mut().brush(place, PEN, true);
        changed.set(());
    }
}

fn key(store: Store, (cells, changed): &Pad, event: &web_sys::Event) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
    let Some((right, down)) = stride(&event.key()) else { return };
    // The page's own keys are not meant.
    event.prevent_default();
    event.stop_propagation();
    if (right, down) == (0, 0) {
        cells.borrow_mut().toggle(PEN);
        take(store, cells);
    } else {
        cells.borrow_mut().step(STRIDE * right, STRIDE * down);
    }
    changed.set(());
}

fn send(store: Store, event: Event) {
    store.dispatch(ditscope_page_state::Event::Forward(event));
}

/// Makes the drawing the picture of the forward process.
fn take(store: Store, cells: &RefCell<Cells>) {
    send(store, Event::Reading);
    let (number, side) = store.peek(|state| {
        (state.forward.reading_number(), state.models.config.as_ref().map_or(1, |config| config.image_size()))
    });
    let drawing = picture::squared(&cells.borrow().pixels(), side);
    send(store, Event::Read(number, say("forward.pad-drawing").into(), Ok((drawing, false))));
}

fn buttons(store: Store, (cells, changed): &Pad) -> Live {
    let button = |key: &'static str, act: fn(&mut Cells)| {
        let (cells, changed) = (cells.clone(), *changed);
        let press = move |_| {
            act(&mut cells.borrow_mut());
            changed.set(());
            take(store, &cells);
        };
        Live::new("button", "").with("type", "button").saying(&say(key)).on("click", Box::new(press))
    };
    let undo = |cells: &mut Cells| {
        cells.undo();
    };
    Live::new("div", "pad-buttons").of(vec![
        Live::new("p", "hint").with("id", "forward-pad-keys").saying(&say("forward.pad-keys")),
        button("forward.pad-undo", undo),
        button("forward.pad-clear", |cells| cells.fill(false)),
    ])
}
