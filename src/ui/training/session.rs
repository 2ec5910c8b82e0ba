//! The training of this page: its state as one signal, and what it asks for outside.

use super::trainer::Trainer;
use crate::ui::lasting::Lasting;
use crate::ui::store::Store;
use crate::ui::{storage, take};
use ditscope_page_state as app;
use ditscope_page_state::Mode;
use ditscope_page_state::training::{Effect, Event, State};
use ditscope_protocol::training::ToTrainer;
use js_sys::{Array, Uint8Array};
use std::cell::{Cell, RefCell};
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, File};

/// Key of the browser's local storage.
pub const KEPT: &str = "ditscope-training";

thread_local! {
    static STATE: Lasting<State> = Lasting::default();
    static TRAINER: RefCell<Option<Trainer>> = const { RefCell::new(None) };
    static STORE: Cell<Option<Store>> = const { Cell::new(None) };
}

/// The page that the training belongs to.
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
    let effects = STATE.with(|state| state.change(|state| state.update(event)));
    STATE.with(Lasting::notify);
    effects.into_iter().for_each(carry_out);
}

fn carry_out(effect: Effect) {
    match effect {
        Effect::StartTrainer => {
            // The old one ends first.
            TRAINER.take();
            let base = STORE.get().map(|store| store.peek(|state| state.base.clone())).unwrap_or_default();
            match Trainer::start(&base, peek(State::worker)) {
                Ok(trainer) => drop(TRAINER.replace(Some(trainer))),
                Err(why) => tell(Event::Lost(why)),
            }
        }
        Effect::StopTrainer => drop(TRAINER.take()),
        Effect::Send(message) => send(&message),
        Effect::Begin { model, setup, resume } => {
            let base = STORE.get().map(|store| store.peek(|state| state.base.clone())).unwrap_or_default();
            send(&ToTrainer::Begin { source: model.source(&base), setup, resume });
        }
        Effect::Remember(remembered) => storage::keep(KEPT, &*remembered),
        Effect::Download { name, bytes } => download(&name, &bytes),
        Effect::Use { name, files } => use_model(name, &files),
    }
}

fn send(message: &ToTrainer) {
    TRAINER.with_borrow(|trainer| trainer.iter().for_each(|trainer| trainer.send(message)));
}

fn download(name: &str, bytes: &[u8]) {
    let options = BlobPropertyBag::new();
    options.set_type("application/zip");
    let parts = Array::of1(&Uint8Array::from(bytes));
    if let Ok(blob) = Blob::new_with_blob_sequence_and_options(&parts, &options) {
        take::download(&blob, name);
    }
}

/// The model becomes one of the visitor's folders, and the page's.
fn use_model(name: String, files: &[(String, Vec<u8>)]) {
    let Some(store) = STORE.get() else { return };
    let file = |(name, bytes): &(String, Vec<u8>)| -> Option<JsValue> {
        let parts = Array::of1(&Uint8Array::from(bytes.as_slice()));
        Some(File::new_with_u8_array_sequence(&parts, name).ok()?.into())
    };
    let files: Array = files.iter().filter_map(file).collect();
    if let Some(name) = store.open_folder(name, files) {
        store.dispatch(app::Event::UseModel(app::ModelRef::Folder(name)));
        store.dispatch(app::Event::Show(Mode::Denoise));
    }
}
