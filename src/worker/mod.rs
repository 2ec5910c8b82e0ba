//! The Web Worker: model, device and run live here. Knows no layout.
//!
//! [`start`] listens for [`crate::protocol::ToWorker`]; `load` brings a model,
//! `device` chooses what computes, `run` streams a run's frames, `post`
//! sends messages back.

mod device;
mod fetch;
mod load;
mod post;
mod run;

use crate::config::ModelConfig;
use crate::generate::Model;
use crate::protocol::{Backend, FailureKind, FromWorker, ToWorker};
use post::post;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// What the worker holds between messages.
#[derive(Default)]
struct State {
    model: RefCell<Option<Rc<Model>>>,
    /// The device, kept over loads of several models.
    device: RefCell<Option<device::Chosen>>,
    /// Counts up with every Load and CancelLoad: a load that sees another number stops.
    load: Cell<u32>,
    /// Aborts the request that a load is waiting for.
    abort: RefCell<Option<web_sys::AbortController>>,
    /// Counts up with every Generate and Cancel: a run that sees another number stops.
    run: Cell<u32>,
}

/// Starts listening, and says so.
pub fn start() {
    post::report_panics();
    let _ = console_log::init_with_level(log::Level::Warn);
    let state = Rc::new(State::default());
    let on_message =
        Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            match post::read(&event.data()) {
                Ok(message) => handle(&state, message),
                Err(message) => post(&FromWorker::Failed { run: None, kind: FailureKind::BadRequest, message }),
            }
        });
    post::scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The worker listens for as long as it lives.
    on_message.forget();
    post(&FromWorker::Ready);
}

fn handle(state: &Rc<State>, message: ToWorker) {
    match message {
        ToWorker::Load { model_url, backend } => {
            let number = next(&state.load);
            abort(state);
            // A run on the old model ends; its memory is free before the new one comes.
            next(&state.run);
            state.model.take();
            spawn_local(load::load(state.clone(), number, model_url, backend));
        }
        ToWorker::CancelLoad => {
            // A load that is past its last request ends in Loaded; only one that still runs is cancelled.
            if abort(state) {
                next(&state.load);
                post(&FromWorker::LoadCancelled);
            }
        }
        ToWorker::Generate { run, settings } => {
            let number = next(&state.run);
            let Some(model) = state.model.borrow().clone() else {
                let message = "No model is loaded yet: wait until it is, or load it again.".into();
                return post(&FromWorker::Failed { run: Some(run), kind: FailureKind::BadRequest, message });
            };
            spawn_local(run::run(state.clone(), number, model, run, settings));
        }
        ToWorker::Cancel => {
            next(&state.run);
        }
    }
}

fn next(counter: &Cell<u32>) -> u32 {
    counter.set(counter.get().wrapping_add(1));
    counter.get()
}

/// Stops the load that is under way; says whether there was one.
fn abort(state: &State) -> bool {
    let controller = state.abort.take();
    if let Some(controller) = &controller {
        controller.abort();
    }
    controller.is_some()
}

/// Puts a loaded model in place and says so.
fn finish_load(state: &State, model: Model, backend: Backend, notices: Vec<String>) {
    let num_parameters = model.num_params() as u64;
    state.abort.take();
    state.model.replace(Some(Rc::new(model)));
    post(&FromWorker::Loaded { backend, notices, num_parameters });
}

fn announce_config(config: &ModelConfig) {
    post(&FromWorker::Config(Box::new(config.clone())));
}
