//! A run whose worker or device is lost goes on in a new worker, once: with what it was begun with, and with the state that
//! came beside its last frame.

use super::state::{Loss, Pace, Run, RunState};
use crate::follow::Effects;
use ditscope_protocol::{RunInfo, ToWorker};

impl Run {
    /// The worker of the run under way is lost: the frame with which a new one goes on, if it may.
    pub(crate) fn lose_worker(&mut self) -> Option<usize> {
        let RunState::Running { cancelling: false, pace } = self.state else { return None };
        let film = self.film.as_ref().filter(|_| self.film_number == self.number);
        let step = film.map_or(0, |film| film.received());
        let can = step == 0 || film.is_some_and(|film| !film.state.is_empty());
        if self.loss != Loss::None || !can {
            return None;
        }
        self.queue();
        self.loss = Loss::Waits { step, is_held: pace != Pace::Free };
        Some(step)
    }

    /// Whether the run goes on as soon as the model is there again.
    pub fn waits_for_worker(&self) -> bool {
        self.state == RunState::Queued && matches!(self.loss, Loss::Waits { .. })
    }

    /// The model is there again: the run goes on, if it is one that waits for that.
    pub(crate) fn go_on(&mut self) -> Option<Effects> {
        let Loss::Waits { step, is_held } = self.loss else { return None };
        if !self.waits_for_worker() {
            return None;
        }
        self.loss = Loss::Mended { step };
        self.state = RunState::Running { cancelling: false, pace: if is_held { Pace::Holding } else { Pace::Free } };
        Some(self.send((step > 0).then_some(step), is_held.then_some(ToWorker::Pause)))
    }

    /// Whether what has begun is the rest of the own film.
    pub(crate) fn is_rest(&self, info: &RunInfo) -> bool {
        let film = self.film.as_ref().filter(|film| self.film_number == self.number && *film.info == *info);
        film.is_some_and(|film| self.loss == Loss::Mended { step: film.received() })
    }
}

#[cfg(test)]
#[path = "loss_tests.rs"]
mod tests;
