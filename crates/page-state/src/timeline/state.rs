//! The player, which looks back over the kept frames, and the pace of the run under way; pure.
//!
//! The two are apart: a film plays while its run is held, and a run goes on while its film is stopped.

use crate::film::Film;
use crate::{Effect, Pace, Page, RunState};
use ditscope_protocol::ToWorker;

/// Ticks of rest at the end of a looping film.
const REST_TICKS: u8 = 12;

/// How the film is played.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Player {
    /// As the visitor chose it. Unchosen, a recorded run loops and an own one does not.
    looping: Option<bool>,
    pub speed: Speed,
}

/// How fast: a whole run plays in about four seconds at [`Speed::Whole`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Speed {
    Quarter,
    Half,
    #[default]
    Whole,
    Double,
    Fourfold,
}

/// What can happen here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    ToggleLoop,
    Speed(Speed),
    /// So many speeds faster, or slower.
    Faster(isize),
    /// Hold the run before its next step, or let it go on.
    ToggleHold,
    /// One step of the run, which is held then.
    StepOnce,
}

impl Speed {
    pub const ALL: [Self; 5] = [Self::Quarter, Self::Half, Self::Whole, Self::Double, Self::Fourfold];

    pub fn factor(self) -> f64 {
        match self {
            Self::Quarter => 0.25,
            Self::Half => 0.5,
            Self::Whole => 1.0,
            Self::Double => 2.0,
            Self::Fourfold => 4.0,
        }
    }

    fn step(self, by: isize) -> Self {
        let at = (self as usize).saturating_add_signed(by).min(Self::ALL.len() - 1);
        Self::ALL[at]
    }

    /// Milliseconds that a step is shown for.
    fn ms_per_step(self, steps: usize) -> f64 {
        let plain = 4000.0 / (steps as f64 + 1.0);
        plain.min(400.0) / self.factor()
    }

    /// Time between two ticks …
    pub fn tick_ms(self, steps: usize) -> u32 {
        self.ms_per_step(steps).max(50.0) as u32
    }

    /// … and how many steps a tick advances.
    fn stride(self, steps: usize) -> usize {
        (50.0 / self.ms_per_step(steps)).ceil().max(1.0) as usize
    }
}

impl Page {
    pub(crate) fn update_timeline(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::ToggleLoop => self.player.looping = Some(!self.loops()),
            Event::Speed(speed) => self.player.speed = speed,
            Event::Faster(by) => self.player.speed = self.player.speed.step(by),
            Event::ToggleHold => return self.toggle_hold(),
            Event::StepOnce => return self.set_pace(Pace::Holding, ToWorker::StepOnce),
        }
        vec![]
    }

    /// Whether the player begins again at the end.
    pub fn loops(&self) -> bool {
        self.player.looping.unwrap_or(self.shown().is_some_and(|film| film.recorded))
    }

    /// How the run under way goes on; nothing without one that can be held.
    pub fn pace(&self) -> Option<Pace> {
        match self.run {
            RunState::Running { cancelling: false, pace } => Some(pace),
            _ => None,
        }
    }

    fn toggle_hold(&mut self) -> Vec<Effect> {
        match self.pace() {
            Some(Pace::Free) => self.set_pace(Pace::Holding, ToWorker::Pause),
            Some(_) => self.set_pace(Pace::Free, ToWorker::Resume),
            None => vec![],
        }
    }

    fn set_pace(&mut self, new: Pace, message: ToWorker) -> Vec<Effect> {
        let RunState::Running { cancelling: false, pace } = &mut self.run else { return vec![] };
        *pace = new;
        // A run that goes on takes the model from a decoding.
        if message != ToWorker::Pause {
            self.give_up_decoding();
        }
        vec![Effect::Send(message)]
    }

    /// The worker holds the run. If it was asked to go on meanwhile, its next frame says so.
    pub(crate) fn take_pause(&mut self, step: usize) {
        if let RunState::Running { pace, .. } = &mut self.run
            && *pace == Pace::Holding
        {
            *pace = Pace::Held(step);
        }
    }

    pub(crate) fn seek(&mut self, position: usize) {
        let Some(film) = self.shown() else { return };
        // Asked for the beginning, the view stays there, also while it is the newest frame.
        let (kept, at_end) = (film.kept(position), position > 0 && position >= film.last());
        self.view.position = kept;
        self.view.playing = false;
        self.view.follow = self.is_running() && self.film.is_some() && at_end;
    }

    /// Goes so many kept frames on.
    pub(crate) fn step(&mut self, by: isize) {
        let here = self.view.position;
        if let Some(there) = self.shown().map(|film| film.neighbour(here, by)) {
            // On from the newest frame is along with those to come.
            self.seek(if by > 0 && there == here { usize::MAX } else { there });
        }
    }

    pub(crate) fn toggle_play(&mut self) {
        let Some(last) = self.shown().map(Film::last) else { return };
        self.view.playing = !self.view.playing && last > 0;
        self.view.rest = 0;
        if self.view.playing {
            self.view.follow = false;
            if self.view.position >= last {
                self.view.position = 0;
            }
        }
    }

    /// One tick of the player.
    pub(crate) fn tick(&mut self) {
        let Some(film) = self.shown().filter(|_| self.view.playing) else { return };
        let (here, last) = (self.view.position, film.last());
        let there = film.kept(here + self.player.speed.stride(film.steps()));
        let next = if there > here { there } else { film.neighbour(here, 1) };
        let (looping, running) = (self.loops(), self.is_running());
        let view = &mut self.view;
        match (here >= last, looping) {
            (false, _) => (view.position, view.rest) = (next, REST_TICKS),
            (true, true) if view.rest > 0 => view.rest -= 1,
            (true, true) => view.position = 0,
            (true, false) => (view.playing, view.follow) = (false, running),
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
