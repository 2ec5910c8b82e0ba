//! How a model comes into use: found out about, offered if it is large, loaded, stopped, tried again.

use super::known::{Adding, BIG, Listing};
use super::progress::Progress;
use super::state::{Around, ModelState, Models, WorkerState};
use crate::follow::{Effects, Follow};
use crate::{Effect, Failure, ModelRef, Notice};
use ditscope_config::ModelConfig;
use ditscope_protocol::{Backend, FailureKind, LoadNotice, LoadStage, ToWorker, WeightsReport};

/// A load that came to its end: what the worker says of it.
pub(crate) struct Loaded {
    pub backend: Backend,
    pub notices: Vec<LoadNotice>,
    pub num_parameters: u64,
    pub weights: WeightsReport,
}

impl Models {
    /// The worker takes messages: what waited for it is sent.
    pub(crate) fn greet_worker(&mut self, around: Around) -> Effects {
        self.worker = WorkerState::Ready;
        let mut effects = match self.state {
            ModelState::Loading(_) => vec![self.send_load(around)],
            ModelState::Asking => self.approach(around),
            _ => vec![],
        };
        effects.extend(self.ask_for_added(around));
        effects
    }

    /// Loads the model of the address if little has to be fetched for it; else finds that out, or offers it.
    pub(super) fn approach(&mut self, around: Around) -> Effects {
        let model = &around.address.model;
        if model.is_default() {
            return self.load(around);
        }
        let Some(download_bytes) = self.entry(model).map(|entry| entry.download_bytes) else {
            self.state = ModelState::Asking;
            let in_index = matches!(model, ModelRef::Shipped(_));
            // The index may still tell; the worker has to look only at what is not in it.
            let wait = in_index && self.shipped == Listing::Loading;
            return if wait { vec![] } else { self.inspect(around, model) };
        };
        let waits_for_word = around.is_frugal && !around.starts;
        if download_bytes > BIG && self.storage.is_none() {
            self.state = ModelState::Asking;
            vec![]
        } else if self.is_big(around) || waits_for_word {
            self.state = ModelState::Offered;
            // Asked for before the size was known.
            vec![Follow::Unqueue]
        } else {
            self.load(around)
        }
    }

    /// Loads at the visitor's word, which is one only if the cost could be seen.
    pub(crate) fn load_knowingly(&mut self, around: Around) -> Effects {
        let is_known = self.entry(&around.address.model).is_some();
        if is_known { self.load(around) } else { self.approach(around) }
    }

    /// The model of the address is another one now: nothing is known of it. The one that is being loaded is not wanted any
    /// more, and what is still said of it is not of this one.
    pub(crate) fn begin(&mut self) -> Effects {
        (self.config, self.reached_bytes, self.address_waits) = (None, 0, true);
        self.favourites.clear();
        self.load = self.load.wrapping_add(1);
        let is_loading = matches!(self.state, ModelState::Loading(_)) && self.worker == WorkerState::Ready;
        is_loading.then_some(Follow::Do(Effect::Send(ToWorker::CancelLoad))).into_iter().collect()
    }

    fn send_load(&mut self, around: Around) -> Follow {
        self.load = self.load.wrapping_add(1);
        let (source, backend) = (around.source(), around.address.backend);
        Follow::Do(Effect::Send(ToWorker::Load { source, backend, load: self.load }))
    }

    /// The worker has begun a load.
    pub(crate) fn take_beginning(&mut self, load: u32) {
        self.heard = load;
        // The one before it may have failed in the meantime.
        if self.is_heard() && matches!(self.state, ModelState::Failed(_)) {
            self.state = ModelState::Loading(Progress::default());
        }
    }

    #[cfg(test)]
    pub(crate) fn number(&self) -> u32 {
        self.load
    }

    /// Whether what the worker says of loading is of the load that was asked for last.
    pub(crate) fn is_heard(&self) -> bool {
        self.heard == self.load
    }

    pub(crate) fn load(&mut self, around: Around) -> Effects {
        self.state = ModelState::Loading(Progress::default());
        let mut effects = vec![Follow::ForgetRunFailure];
        match self.worker {
            WorkerState::Ready => effects.push(self.send_load(around)),
            // It is loaded when the worker says that it is there.
            WorkerState::Starting => {}
            WorkerState::Lost => effects.push(self.restart_worker()),
        }
        if self.is_big(around) {
            effects.push(Follow::Do(Effect::Persist));
        }
        effects
    }

    fn is_big(&self, around: Around) -> bool {
        self.bytes_to_fetch(&around.address.model, &around.source()).is_some_and(|bytes| bytes > BIG)
    }

    pub(super) fn cancel_load(&mut self) -> Effects {
        let ModelState::Loading(progress) = &mut self.state else { return vec![] };
        if self.worker == WorkerState::Ready {
            progress.stopping = true;
            return vec![Follow::Do(Effect::Send(ToWorker::CancelLoad))];
        }
        self.stopped()
    }

    fn stopped(&mut self) -> Effects {
        self.state = ModelState::Stopped;
        vec![Follow::Unqueue]
    }

    /// The worker has stopped loading as asked.
    pub(crate) fn take_stop(&mut self) -> Effects {
        let mut effects = self.stopped();
        effects.push(Follow::Do(Effect::LookAtStorage));
        effects
    }

    pub(crate) fn take_progress(&mut self, stage: LoadStage, loaded_bytes: u64, total_bytes: u64, now_ms: f64) {
        if let ModelState::Loading(progress) = &mut self.state {
            progress.report(stage, loaded_bytes, total_bytes, now_ms);
            self.reached_bytes = self.reached_bytes.max(loaded_bytes);
        }
    }

    /// The model is ready. One that was loaded from an address is remembered, and its weights may be in storage now.
    pub(crate) fn take_loaded(&mut self, around: Around, loaded: Loaded) -> Effects {
        let Loaded { backend, notices, num_parameters, weights } = loaded;
        self.state = ModelState::Ready { backend, num_parameters, weights };
        let mut effects: Effects = notices.into_iter().map(|notice| Follow::TellOnce(Notice::Load(notice))).collect();
        effects.push(Follow::Do(Effect::LookAtStorage));
        let current = &around.address.model;
        if let Some(added) = self.added.iter_mut().find(|added| added.model == *current && !added.kept) {
            added.kept = true;
            effects.push(Follow::Do(Effect::KeepModels(self.to_keep())));
        }
        if around.starts {
            effects.push(Follow::Generate);
        }
        effects
    }

    /// A damaged description is the worker's to report, with the cure; the page only does without it. Whether this is
    /// a new one.
    pub(crate) fn take_config(&mut self, config: ModelConfig) -> bool {
        let is_new = config.validate().is_ok() && self.config.as_ref() != Some(&config);
        if is_new {
            self.config = Some(config);
        }
        is_new
    }

    /// The model cannot be used.
    pub(crate) fn fail(&mut self, kind: FailureKind, message: Notice) {
        self.distrust_worker(kind);
        self.state = ModelState::Failed(Failure { kind, message });
    }

    /// A lost device cannot be asked for again from within the same worker for certain: Retry takes a new one.
    pub(crate) fn distrust_worker(&mut self, kind: FailureKind) {
        if kind == FailureKind::Device {
            self.worker = WorkerState::Lost;
        }
    }

    /// The worker is gone, and with it the model and what it was to describe.
    pub(crate) fn lose_worker(&mut self, message: Notice) {
        self.worker = WorkerState::Lost;
        self.state = ModelState::Failed(Failure { kind: message.kind(), message: message.clone() });
        if matches!(self.adding, Some(Adding::Asking(_))) {
            self.adding = Some(Adding::Failed(message));
        }
    }

    /// Has the worker describe a model; a worker that starts is asked when it is there.
    pub(super) fn inspect(&mut self, around: Around, model: &ModelRef) -> Effects {
        match self.worker {
            WorkerState::Ready => {
                vec![Follow::Do(Effect::Send(ToWorker::Inspect { source: model.source(around.base) }))]
            }
            WorkerState::Starting => vec![],
            WorkerState::Lost => vec![self.restart_worker()],
        }
    }

    fn restart_worker(&mut self) -> Follow {
        self.worker = WorkerState::Starting;
        Follow::Do(Effect::StartWorker)
    }
}

#[cfg(test)]
#[path = "loading_tests.rs"]
mod tests;
