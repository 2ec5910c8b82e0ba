//! The measuring: its state as one signal, the worker that it has of its own, and the one timer.

use crate::envelope;
use crate::ui::bridge::read;
use crate::ui::dom;
use crate::ui::lasting::Lasting;
use crate::ui::running::Running;
use crate::ui::storage;
use crate::ui::store::Store;
use ditscope_page_state as app;
use ditscope_page_state::pace::{Effect, Event, State};
use ditscope_page_state::{Notice, models};
use ditscope_protocol::{FromWorker, Reason, ToWorker};
use gloo::timers::callback::Timeout;
use std::cell::{Cell, RefCell};
use wasm_bindgen::JsValue;

/// Views hear of frames no more often than this: what they draw would be measured, too.
const BETWEEN_MS: f64 = 250.0;

thread_local! {
    static STATE: Lasting<State> = Lasting::default();
    static TOLD_AT: Cell<f64> = const { Cell::new(0.0) };
    static WORKER: RefCell<Option<Running>> = const { RefCell::new(None) };
    static TIMER: RefCell<Option<Timeout>> = const { RefCell::new(None) };
    static STORE: Cell<Option<Store>> = const { Cell::new(None) };
}

/// The page that is measured in.
pub fn enter(store: Store) {
    STORE.set(Some(store));
}

/// A part of the state, tracked.
pub fn see<T>(part: impl FnOnce(&State) -> T) -> T {
    STATE.with(|state| state.see(part))
}

/// A part of the state, for handlers: not tracked.
pub fn peek<T>(part: impl FnOnce(&State) -> T) -> T {
    STATE.with(|state| state.peek(part))
}

/// Gives an event to the state and does what it asks for.
pub fn tell(event: Event) {
    let now = dom::now_ms();
    let is_frame = matches!(&event, Event::Heard { message: FromWorker::Frame(_), .. });
    let effects = STATE.with(|state| state.change(|state| state.update(event)));
    if !is_frame || !effects.is_empty() || now - TOLD_AT.get() > BETWEEN_MS {
        TOLD_AT.set(now);
        STATE.with(Lasting::notify);
    }
    effects.into_iter().for_each(carry_out);
}

fn carry_out(effect: Effect) {
    match effect {
        Effect::StartWorker => start(),
        Effect::StopWorker => {
            drop(WORKER.take());
            drop(TIMER.take());
            // What was fetched is kept, and is here from now on.
            wasm_bindgen_futures::spawn_local(async {
                let report = storage::report().await;
                if let Some(store) = STORE.get() {
                    store.dispatch(app::Event::Models(models::Event::StorageSeen(report)));
                }
            });
        }
        Effect::Send(message) => send(&message),
        Effect::Wait(ms) => {
            let over = || tell(Event::Waited { now_ms: dom::now_ms() });
            // The old one no longer counts.
            drop(TIMER.replace(Some(Timeout::new(ms, over))));
        }
    }
}

fn start() {
    // The old one ends first.
    drop(WORKER.take());
    let base = STORE.get().and_then(|store| store.try_peek(|state| state.base.clone())).unwrap_or_default();
    let lose = |message: Option<String>| {
        tell(Event::Lost(match message {
            None => Notice::WorkerScript,
            Some(message) => Reason::Crashed.found(message).into(),
        }));
    };
    match Running::start(&base, "worker", Box::new(|data| hear(&data)), Box::new(lose)) {
        Ok(worker) => drop(WORKER.replace(Some(worker))),
        Err(why) => tell(Event::Lost(Notice::NoWorker(why))),
    }
}

fn send(message: &ToWorker) {
    let (object, transfer) = envelope::seal(message, &[]);
    WORKER.with_borrow(|worker| worker.iter().for_each(|worker| worker.post(&object, &transfer)));
}

fn hear(data: &JsValue) {
    let now_ms = dom::now_ms();
    match read(data) {
        Ok(Some((message, _pictures))) => tell(Event::Heard { message, now_ms }),
        // Not one of ours, such as an extension's.
        Ok(None) => {}
        Err(why) => tell(Event::Lost(why.into())),
    }
}
