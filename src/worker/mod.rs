//! The Web Worker holds model, device and run. It knows no layout.
//!
//! [`start`] listens for [`ditscope_protocol::ToWorker`]; `load` loads a model (from `crate::files`), `partial` keeps what a
//! load that broke off has loaded, `device` chooses what computes, `run` streams a run's frames, `experiment` is how one departs from its settings,
//! `untrained` makes a model with random weights, `decode` decodes in pieces, `answer` and `measure` do what is asked for beside a run,
//! `pool` shares a run's steps among workers, `post` sends messages back. The graphics card is started in `crate::gpu`.

mod answer;
mod decode;
mod device;
mod experiment;
mod jobs;
mod latents;
mod limits;
mod load;
mod measure;
mod partial;
mod pool;
mod post;
mod run;
mod untrained;
mod warm;

use crate::files::refused;
use crate::global::scope;
use ditscope_config::ModelConfig;
use ditscope_core::generate::Model;
use ditscope_protocol::{Backend, FromWorker, LoadNotice, Reason, ToWorker, WeightsReport};
use experiment::Experiment;
use pool::Pool;
use post::{Envelope, fail, post};
use run::Asked;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// What the worker holds between messages.
#[derive(Default)]
struct State {
    model: RefCell<Option<Loaded>>,
    /// What a load that broke off has loaded.
    partial: partial::Slot,
    /// Kept over loads of several models.
    devices: device::Devices,
    /// Counts up with every Load and CancelLoad: a load that sees another number stops.
    load: Cell<u32>,
    /// Aborts the request that a load is waiting for.
    abort: RefCell<Option<web_sys::AbortController>>,
    jobs: Rc<jobs::Jobs>,
}

/// A model that is complete.
#[derive(Clone)]
struct Loaded {
    model: Rc<Model>,
    /// Who helps with its runs.
    pool: Rc<Pool>,
}

/// Starts listening, and says so.
pub fn start() {
    if scope().name() == pool::member::NAME {
        return pool::member::start();
    }
    post::report_panics();
    let _ = console_log::init_with_level(log::Level::Warn);
    refused::listen();
    let state = Rc::new(State::default());
    let on_message =
        Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            match post::read(&event.data()) {
                Ok(envelope) => handle(&state, envelope),
                Err(why) => fail(None, why),
            }
        });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The worker listens for as long as it lives.
    on_message.forget();
    post(&FromWorker::Ready);
}

fn handle(state: &Rc<State>, Envelope { message, buffers, files }: Envelope) {
    match message {
        ToWorker::Load { source, backend, load } => {
            let number = next(&state.load);
            post(&FromWorker::Loading(load));
            abort(state);
            // A run on the old model ends; its memory is free before the new one comes.
            state.jobs.stop_all(Reason::NoModel);
            state.model.take();
            partial::Partial::keep_only(&state.partial, &source);
            spawn_local(load::load(state.clone(), number, source, files, backend));
        }
        ToWorker::LoadRandom { transformer, backend } => {
            let number = next(&state.load);
            abort(state);
            state.jobs.stop_all(Reason::NoModel);
            state.model.take();
            state.partial.take();
            spawn_local(untrained::load(state.clone(), number, transformer, backend));
        }
        ToWorker::Inspect { source } => spawn_local(load::inspect(source, files)),
        ToWorker::CancelLoad => {
            // A load that is past its last request ends in Loaded; only one that still runs is cancelled.
            if abort(state) {
                next(&state.load);
                post(&FromWorker::LoadCancelled);
            }
        }
        ToWorker::Generate { .. } => generate(state, message, buffers),
        ToWorker::Cancel => state.jobs.stop(Reason::Stopped),
        ToWorker::Pause => state.jobs.pause(),
        ToWorker::StepOnce => state.jobs.step_once(),
        ToWorker::Resume => state.jobs.resume(),
        ToWorker::Ask { id, ask } => {
            let Some(Loaded { model, .. }) = state.model.borrow().clone() else {
                return answer::refuse(id, Reason::NoModel.into());
            };
            match state.jobs.start_answer(answer::kind(&ask)) {
                Some(job) => spawn_local(answer::answer(job, model, id, ask, first(buffers))),
                None => answer::refuse(id, Reason::RunFirst.into()),
            }
        }
    }
}

fn generate(state: &Rc<State>, message: ToWorker, buffers: Vec<Vec<u8>>) {
    let ToWorker::Generate { run, settings, guidance_scales, start, resume, experiment } = message else { return };
    let job = state.jobs.start_run();
    let Some(Loaded { model, pool }) = state.model.borrow().clone() else {
        return fail(Some(run), Reason::NoModel.into());
    };
    let mut buffers = buffers.into_iter();
    let experiment = match experiment.map(|text| Experiment::read(&text, &mut buffers)).transpose() {
        Ok(experiment) => experiment,
        Err(why) => return fail(Some(run), why),
    };
    let start = start.map(|start| (start, buffers.next().unwrap_or_default()));
    let resume = resume.map(|step| (step, buffers.collect()));
    spawn_local(run::run(job, model, pool, Asked { run, settings, guidance_scales, start, resume, experiment }));
}

/// The only buffer; an absent one is empty, and refused where it is read.
fn first(buffers: Vec<Vec<u8>>) -> Vec<u8> {
    buffers.into_iter().next().unwrap_or_default()
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
fn finish_load(state: &State, loaded: Loaded, backend: Backend, notices: Vec<LoadNotice>, weights: WeightsReport) {
    let num_parameters = loaded.model.num_params() as u64;
    state.abort.take();
    state.model.replace(Some(loaded));
    post(&FromWorker::Loaded { backend, notices, num_parameters, weights });
}

fn announce_config(config: &ModelConfig) {
    post(&FromWorker::Config(Box::new(config.clone())));
}
