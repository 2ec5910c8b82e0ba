//! How a model comes into use: found out about, offered if it is large, loaded, stopped, tried again.

use crate::ModelRef;
use crate::models::{BIG, Listing};
use crate::shared::WorkerState;
use crate::{Effect, ModelState, Page, Progress, RunState};
use ditscope_protocol::{FailureKind, ToWorker};

impl Page {
    /// The worker takes messages: what waited for it is sent.
    pub(super) fn greet_worker(&mut self) -> Vec<Effect> {
        self.worker = WorkerState::Ready;
        let mut effects = match self.model {
            ModelState::Loading(_) => vec![self.load_message()],
            ModelState::Asking => self.approach(),
            _ => vec![],
        };
        effects.extend(self.ask_for_added());
        effects
    }

    /// Loads the model of the address if little has to be fetched for it; else finds that out, or offers it.
    pub(super) fn approach(&mut self) -> Vec<Effect> {
        if self.address.model.is_default() {
            return self.load();
        }
        let Some(download_bytes) = self.entry().map(|entry| entry.download_bytes) else {
            self.model = ModelState::Asking;
            let in_index = matches!(self.address.model, ModelRef::Shipped(_));
            // The index may still tell; the worker has to look only at what is not in it.
            let wait = in_index && self.models.shipped == Listing::Loading;
            return if wait { vec![] } else { self.inspect(self.address.model.clone()) };
        };
        if download_bytes > BIG && self.models.storage.is_none() {
            self.model = ModelState::Asking;
            vec![]
        } else if self.bytes_to_fetch().is_some_and(|bytes| bytes > BIG)
            || self.waits_for_word() && self.run != RunState::Queued
        {
            self.model = ModelState::Offered;
            // Asked for before the size was known.
            self.unqueue();
            vec![]
        } else {
            self.load()
        }
    }

    /// Loads at the visitor's word, which is one only if the cost could be seen.
    pub(super) fn load_knowingly(&mut self) -> Vec<Effect> {
        if self.entry().is_some() { self.load() } else { self.approach() }
    }

    /// Loads another model, or this one again. What the visitor has seen of it is the consent.
    pub(super) fn use_model(&mut self, model: ModelRef) -> Vec<Effect> {
        if model == self.address.model && self.config.is_some() {
            return self.load_knowingly();
        }
        if self.is_running() {
            // Its messages are ignored from now on; its frames stay.
            self.settle_comparison();
            self.run_number += 1;
            self.run = RunState::Cancelled;
        }
        (self.decoding, self.decoded) = (None, None);
        (self.config, self.recorded, self.reached_bytes) = (None, None, 0);
        self.favourites.clear();
        self.forward.forget();
        if self.address.model != model {
            // Another model's classes are others.
            self.address.chosen.class = None;
        }
        self.address.model = model.clone();
        self.address_waits = true;
        let mut effects = vec![
            Effect::ShowAddress(self.query()),
            Effect::FetchModel(model.clone()),
            Effect::RecallFavourites(model.clone()),
        ];
        effects.extend(if model.is_default() { self.load() } else { self.load_knowingly() });
        effects
    }

    pub(super) fn load(&mut self) -> Vec<Effect> {
        self.model = ModelState::Loading(Progress::starting());
        if matches!(self.run, RunState::Failed(_)) {
            self.run = RunState::Idle;
        }
        let mut effects = match self.worker {
            WorkerState::Ready => vec![self.load_message()],
            // It is loaded when the worker says that it is there.
            WorkerState::Starting => vec![],
            WorkerState::Lost => self.restart_worker(),
        };
        if self.bytes_to_fetch().is_some_and(|bytes| bytes > BIG) {
            effects.push(Effect::Persist);
        }
        effects
    }

    pub(super) fn cancel_load(&mut self) -> Vec<Effect> {
        let ModelState::Loading(progress) = &mut self.shared.model else { return vec![] };
        if self.shared.worker == WorkerState::Ready {
            progress.stopping = true;
            return vec![Effect::Send(ToWorker::CancelLoad)];
        }
        self.model = ModelState::Stopped;
        self.unqueue();
        vec![]
    }

    pub(super) fn retry(&mut self) -> Vec<Effect> {
        match (&self.model, &self.run) {
            (ModelState::Ready { .. }, RunState::Failed(failure)) if failure.kind != FailureKind::Device => {
                self.generate()
            }
            _ => self.retry_with_load(),
        }
    }

    /// Loads afresh; a run that had failed is started again after that.
    pub(super) fn retry_with_load(&mut self) -> Vec<Effect> {
        let had_run = matches!(self.run, RunState::Failed(_));
        let effects = self.load_knowingly();
        if had_run && self.model != ModelState::Offered {
            self.run = RunState::Queued;
        }
        effects
    }

    /// Has the worker describe a model; a worker that starts is asked when it is there.
    pub(super) fn inspect(&mut self, model: ModelRef) -> Vec<Effect> {
        match self.worker {
            WorkerState::Ready => vec![Effect::Send(ToWorker::Inspect { source: model.source(&self.base) })],
            WorkerState::Starting => vec![],
            WorkerState::Lost => self.restart_worker(),
        }
    }

    fn restart_worker(&mut self) -> Vec<Effect> {
        self.worker = WorkerState::Starting;
        vec![Effect::StartWorker]
    }

    fn load_message(&self) -> Effect {
        Effect::Send(ToWorker::Load { source: self.source(), backend: self.address.backend })
    }
}

#[cfg(test)]
#[path = "loading_tests.rs"]
mod tests;
