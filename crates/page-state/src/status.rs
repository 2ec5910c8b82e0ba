//! What goes on, in one value: for the status line, which screen readers read out.

use crate::film::Film;
use crate::{ModelState, Pace, Page, RunState};

/// What goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Status {
    ModelFailed,
    /// With so many frames that stay.
    RunFailed {
        frames: usize,
    },
    /// What the model is and costs is being found out …
    Asking,
    /// … and it is too large to be fetched unasked.
    Offered,
    Loading,
    StoppingLoad,
    LoadStopped,
    /// A run waits for the model.
    Queued,
    /// A run waits for the model in a new worker, to go on.
    Mending,
    Ready,
    Generating,
    /// The run is held after this step.
    Holding,
    /// The run is held before this step.
    Held(usize),
    Stopping,
    DecodingStep,
    StoppingDecoder,
    Done {
        total_ms: f64,
    },
    Cancelled {
        frames: usize,
    },
}

impl Page {
    pub fn status(&self) -> Status {
        let frames = self.run.film.as_ref().map_or(0, Film::received);
        match (&self.models.state, &self.run.state) {
            (ModelState::Failed(_), _) => Status::ModelFailed,
            (_, RunState::Failed(_)) => Status::RunFailed { frames },
            (ModelState::Asking | ModelState::Loading(_), RunState::Queued) if !self.is_stopping_load() => {
                if self.run.waits_for_worker() { Status::Mending } else { Status::Queued }
            }
            (ModelState::Asking, _) => Status::Asking,
            (ModelState::Offered, _) => Status::Offered,
            (ModelState::Loading(progress), _) if progress.stopping => Status::StoppingLoad,
            (ModelState::Loading(_), _) => Status::Loading,
            (ModelState::Stopped, _) => Status::LoadStopped,
            (ModelState::Ready { .. }, run) => self.status_of_run(run, frames),
        }
    }

    fn is_stopping_load(&self) -> bool {
        matches!(&self.models.state, ModelState::Loading(progress) if progress.stopping)
    }

    fn status_of_run(&self, run: &RunState, frames: usize) -> Status {
        match run {
            RunState::Running { cancelling: true, .. } => Status::Stopping,
            _ if self.run.decoding.is_some_and(|decoding| decoding.cancelling) => Status::StoppingDecoder,
            _ if self.run.decoding.is_some() => Status::DecodingStep,
            RunState::Running { pace: Pace::Held(step), .. } => Status::Held(*step),
            RunState::Running { pace: Pace::Holding, .. } => Status::Holding,
            RunState::Running { pace: Pace::Free, .. } | RunState::Queued => Status::Generating,
            RunState::Done { total_ms } => Status::Done { total_ms: *total_ms },
            RunState::Cancelled => Status::Cancelled { frames },
            RunState::Failed(_) => Status::RunFailed { frames },
            RunState::Idle => Status::Ready,
        }
    }
}
