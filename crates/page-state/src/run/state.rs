//! The state of this part of the page, and what changes it.

use super::decoding::{Decoding, Place};
use crate::film::Film;
use crate::follow::{Effects, Follow};
use crate::{Effect, ModelRef, Notice};
use ditscope_config::RunSettings;
use ditscope_protocol::{FailureKind, FrameInfo, StartFrom, ToWorker};
use std::sync::Arc;

/// The run under way or the last one, with its film.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub state: RunState,
    /// The visitor's own run, or what there is of it.
    pub film: Option<Film>,
    /// Shown until there is an own run …
    pub recorded: Option<Film>,
    /// … if it shows nothing else than the address says.
    pub(crate) stands_in: bool,
    /// Whether the address says what is to be seen.
    pub(crate) named: bool,
    pub link: Link,
    /// The next run is held after its first step.
    pub(crate) begins_held: bool,
    /// A picture of the own film that is being decoded on demand.
    pub decoding: Option<Decoding>,
    /// How far the decoder is: of the last frame of a run, or of `decoding`.
    pub decoded: Option<(usize, usize)>,
    /// Number of the newest run; messages of older ones are dropped.
    pub(crate) number: u32,
    /// The run that made the own film.
    pub(crate) film_number: u32,
    /// Number of the newest question.
    pub(super) asked: u32,
    /// How the run that made the own film departs from its settings.
    pub(super) film_departs: Option<Arc<Prepared>>,
    /// The model that made the own film: no other can decode its latents.
    pub(crate) film_model: Option<ModelRef>,
    /// What the newest run was begun with.
    pub(super) plan: Option<Plan>,
    pub(super) loss: Loss,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RunState {
    Idle,
    /// Waits for the model.
    Queued,
    /// `cancelling` after the visitor asked to stop, until the worker answers.
    Running {
        cancelling: bool,
        pace: Pace,
    },
    Done {
        total_ms: f64,
    },
    Cancelled,
    Failed(Failure),
}

/// What becomes of the run that the address names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Link {
    /// It names none, or it has begun.
    #[default]
    Nothing,
    /// It begins as soon as the model is there.
    Begins,
    /// It begins at the visitor's word.
    Waits,
}

/// How a run goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    #[default]
    Free,
    /// Asked to be held, or to be held after one more step; the worker has not yet answered.
    Holding,
    /// Held before this step: the model is idle.
    Held(usize),
}

/// Whether the newest run has lost its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    None,
    /// It goes on with this frame as soon as the model is there again, held if it was.
    Waits {
        step: usize,
        is_held: bool,
    },
    /// It went on: another loss is its end.
    Mended {
        step: usize,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: Notice,
}

/// What can happen here. What Generate starts depends on other parts: see [`crate::Event::Generate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Stop the run, or the decoding of a picture; or do not begin the run that waits.
    Cancel,
    /// Hold the run before its next step, or let it go on.
    ToggleHold,
    /// One step of the run, which is held then.
    StepOnce,
    /// Decode the selected picture of the step on the stage.
    DecodeStep,
}

/// How a run departs from what its settings say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prepared {
    /// [`ditscope_config::Experiment`] as JSON.
    pub experiment: String,
    /// The noise to begin with, where it is given: `[C, h, w]` as bytes.
    pub noise: Option<Vec<u8>>,
    /// Where to begin, and the latent `[C, h, w]` as bytes.
    pub start: Option<(StartFrom, Vec<u8>)>,
}

/// A run to be started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub settings: RunSettings,
    /// As in [`ToWorker::Generate`].
    pub guidance_scales: Vec<f64>,
    /// Where to begin, and the latent `[C, h, w]` as bytes.
    pub start: Option<(StartFrom, Vec<u8>)>,
    /// How it departs from its settings. Its start is the run's.
    pub experiment: Option<Arc<Prepared>>,
}

impl Plan {
    pub fn new(settings: RunSettings) -> Self {
        Self { settings, guidance_scales: vec![], start: None, experiment: None }
    }
}

impl Default for Run {
    fn default() -> Self {
        Self {
            state: RunState::Idle,
            film: None,
            recorded: None,
            stands_in: false,
            named: false,
            link: Link::Nothing,
            begins_held: false,
            decoding: None,
            decoded: None,
            number: 0,
            film_number: 0,
            asked: 0,
            film_departs: None,
            film_model: None,
            plan: None,
            loss: Loss::None,
        }
    }
}

impl Run {
    /// `place` is the picture on the stage that could be decoded now.
    pub(crate) fn update(&mut self, place: Option<Place>, event: Event) -> Effects {
        match event {
            Event::Cancel => self.cancel(),
            Event::ToggleHold => match self.pace() {
                Some(Pace::Free) => self.set_pace(Pace::Holding, ToWorker::Pause),
                Some(_) => self.set_pace(Pace::Free, ToWorker::Resume),
                None => vec![],
            },
            Event::StepOnce => self.set_pace(Pace::Holding, ToWorker::StepOnce),
            Event::DecodeStep => place.map_or(vec![], |place| self.decode(place)),
        }
    }

    pub fn is_running(&self) -> bool {
        matches!(self.state, RunState::Running { .. })
    }

    /// Whether the run is held between two steps, so that the model is free for other things.
    pub fn is_held(&self) -> bool {
        matches!(self.state, RunState::Running { pace: Pace::Held(_), cancelling: false })
    }

    /// How the run under way goes on; nothing without one that can be held.
    pub fn pace(&self) -> Option<Pace> {
        match self.state {
            RunState::Running { cancelling: false, pace } => Some(pace),
            _ => None,
        }
    }

    /// How the own film departs from its settings, as JSON; nothing where it does not.
    pub(crate) fn experiment(&self) -> Option<&str> {
        self.film.as_ref().and(self.film_departs.as_ref()).map(|departs| departs.experiment.as_str())
    }

    /// The recorded run, where it may be shown.
    pub fn stand_in(&self) -> Option<&Film> {
        self.recorded.as_ref().filter(|_| self.stands_in)
    }

    /// Has the worker begin a run, in place of the one under way.
    pub(crate) fn start(&mut self, plan: Plan) -> Effects {
        self.number += 1;
        let is_held = std::mem::take(&mut self.begins_held);
        let pace = if is_held { Pace::Holding } else { Pace::Free };
        self.state = RunState::Running { cancelling: false, pace };
        self.link = Link::Nothing;
        // The worker drops a decoding for a run.
        (self.decoding, self.decoded) = (None, None);
        (self.plan, self.loss) = (Some(plan), Loss::None);
        self.send(None, is_held.then_some(ToWorker::StepOnce))
    }

    /// Sends the newest run to the worker, from its beginning or from a later frame on; and what holds it.
    pub(super) fn send(&self, resume: Option<usize>, hold: Option<ToWorker>) -> Effects {
        let Some(Plan { settings, guidance_scales, start, experiment }) = self.plan.clone() else { return vec![] };
        let experiment = experiment.as_deref().cloned();
        let (text, noise, own) = experiment.map_or((None, None, None), |it| (Some(it.experiment), it.noise, it.start));
        let (start, latent) = start.or(own).unzip();
        let mut buffers: Vec<Vec<u8>> = noise.into_iter().chain(latent).collect();
        if let (Some(_), Some(film)) = (resume, &self.film) {
            buffers.extend_from_slice(&film.state);
        }
        let message =
            ToWorker::Generate { run: self.number, settings, guidance_scales, start, resume, experiment: text };
        let begun = if buffers.is_empty() { Effect::Send(message) } else { Effect::SendWith(message, buffers) };
        let mut effects = vec![Follow::Do(begun)];
        effects.extend(hold.map(|hold| Follow::Do(Effect::Send(hold))));
        effects
    }

    /// The newest run has begun, and makes this film.
    pub(crate) fn take_film(&mut self, film: Film, model: &ModelRef) {
        self.film = Some(film);
        self.film_number = self.number;
        self.film_departs = self.plan.as_ref().and_then(|plan| plan.experiment.clone());
        self.film_model = Some(model.clone());
    }

    /// Whether there is one frame more.
    pub(crate) fn take_frame(&mut self, frame: &FrameInfo, buffers: Vec<Vec<u8>>) -> Result<bool, Notice> {
        let is_running = self.is_running();
        let (Some(film), true) = (&mut self.film, is_running) else { return Ok(false) };
        film.push(frame, buffers)?;
        Ok(true)
    }

    /// The worker holds the run. If it was asked to go on meanwhile, its next frame says so.
    pub(crate) fn take_pause(&mut self, step: usize) {
        if let RunState::Running { pace, .. } = &mut self.state
            && *pace == Pace::Holding
        {
            *pace = Pace::Held(step);
        }
    }

    /// The run is over, and how.
    pub(crate) fn end(&mut self, state: RunState) {
        self.state = state;
        self.decoded = None;
    }

    /// Of a model that goes with it.
    pub(crate) fn forget_film(&mut self) {
        (self.film, self.film_model) = (None, None);
    }

    /// Another model is chosen: the messages of the run are ignored from now on; its frames stay.
    pub(crate) fn abandon(&mut self) {
        if self.is_running() || self.waits_for_worker() {
            self.number += 1;
            self.state = RunState::Cancelled;
        }
        (self.decoding, self.decoded, self.recorded) = (None, None, None);
        (self.named, self.link) = (false, Link::Nothing);
    }

    /// It begins when the model is there.
    pub(crate) fn queue(&mut self) {
        (self.state, self.loss) = (RunState::Queued, Loss::None);
    }

    pub(crate) fn unqueue(&mut self) {
        if self.state == RunState::Queued {
            self.state = RunState::Idle;
        }
    }

    /// What made it fail is being mended.
    pub(crate) fn forget_failure(&mut self) {
        if matches!(self.state, RunState::Failed(_)) {
            self.state = RunState::Idle;
        }
    }

    fn cancel(&mut self) -> Effects {
        match &mut self.state {
            RunState::Running { cancelling, .. } if !*cancelling => {
                *cancelling = true;
                // While the run is held a picture may be in the decoder: the worker stops both.
                self.give_up_decoding();
                vec![Follow::Do(Effect::Send(ToWorker::Cancel))]
            }
            RunState::Queued => {
                (self.state, self.link) = (RunState::Idle, Link::Nothing);
                vec![]
            }
            _ => self.cancel_decoding(),
        }
    }

    fn set_pace(&mut self, new: Pace, message: ToWorker) -> Effects {
        let RunState::Running { cancelling: false, pace } = &mut self.state else { return vec![] };
        *pace = new;
        // A run that goes on takes the model from a decoding.
        if message != ToWorker::Pause {
            self.give_up_decoding();
        }
        vec![Follow::Do(Effect::Send(message))]
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
