//! The state of this part of the page, and what changes it; pure.
//!
//! Nothing is asked while the stage shows something else. Of each kind at most one question is under way: when its
//! answer comes and the place has changed meanwhile, the next one asks for where the stage is then.

use super::trace::{Modulation, Trace};
use crate::Mode;
use crate::asks::{Answered, Asker, Question};
use crate::film::{self, Film, Frame};
use crate::floats;
use crate::follow::{Effects, Follow};
use crate::{ModelState, Notice, Shared};
use ditscope_protocol::{Ask, RunInfo};
use std::ops::Deref;
use std::sync::Arc;

/// Why there is nothing to look into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    NoFilm,
    FirstStep,
    Loading,
    NoModel,
    /// The film was made by this one.
    OtherModel(String),
}

/// What is shown, and what is known of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inside {
    pub panel: Panel,
    /// The middle one until one is chosen.
    block: Option<usize>,
    /// `None`: the mean of all.
    pub head: Option<usize>,
    /// Row by row; `None`: what all look at on the average.
    pub token: Option<usize>,
    /// As the model sees the picture without a class.
    pub without_class: bool,
    trace: Inquiry<Place, Trace>,
    modulation: Inquiry<Course, Modulation>,
    /// Number of the newest question.
    newest: u32,
}

/// Ways to look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Panel {
    #[default]
    Attention,
    /// Norms of the tokens after each block.
    Norms,
    /// adaLN-Zero over the run.
    Modulation,
}

impl Panel {
    pub const ALL: [Self; 3] = [Self::Attention, Self::Norms, Self::Modulation];
}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Panel(Panel),
    /// Counted from 0.
    Block(usize),
    Head(Option<usize>),
    /// Row by row.
    Token(Option<usize>),
    WithoutClass(bool),
    /// Ask again after a failure.
    Again,
}

/// A value that many share; equal only to itself, because comparing its numbers would take too long.
#[derive(Debug)]
pub struct Known<T>(Arc<T>);

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> PartialEq for Known<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Known<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What a trace is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    run: Known<RunInfo>,
    step: usize,
    picture: usize,
    class: Option<usize>,
    block: usize,
}

/// What the modulation is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    run: Known<RunInfo>,
    class: Option<usize>,
}

/// One kind of question: what is under way, and what came of the one before.
#[derive(Debug, Clone, PartialEq)]
struct Inquiry<K, T> {
    waiting: Option<(u32, K)>,
    answer: Option<(K, Result<Known<T>, Notice>)>,
}

impl<K, T> Default for Inquiry<K, T> {
    fn default() -> Self {
        Self { waiting: None, answer: None }
    }
}

impl<K: PartialEq, T> Inquiry<K, T> {
    fn is_due(&self, about: &K) -> bool {
        self.waiting.is_none() && self.answer.as_ref().is_none_or(|(answered, _)| answered != about)
    }

    /// Takes the answer, if it is to what is under way.
    fn take(&mut self, id: u32, read: impl FnOnce(&K) -> Result<T, Notice>) {
        let Some((_, about)) = self.waiting.take_if(|(waiting, _)| *waiting == id) else { return };
        let result = read(&about).map(|answer| Known(Arc::new(answer)));
        self.answer = Some((about, result));
    }

    /// What was found, if it is of this run: of another place in it until the newest comes.
    fn found(&self, of_run: impl Fn(&K) -> bool) -> Option<&(K, Result<Known<T>, Notice>)> {
        self.answer.as_ref().filter(|(about, _)| of_run(about))
    }
}

impl Inside {
    /// Forgets what is known, which can be large, and what is under way.
    fn forget(&mut self) {
        (self.trace, self.modulation) = (Inquiry::default(), Inquiry::default());
    }

    pub(crate) fn update(&mut self, event: Event) {
        match event {
            Event::Panel(panel) => self.panel = panel,
            Event::Block(block) => self.block = Some(block),
            Event::Head(head) => self.head = head,
            Event::Token(token) => self.token = token,
            Event::WithoutClass(without) => self.without_class = without,
            Event::Again => (self.trace.answer, self.modulation.answer) = (None, None),
        }
    }

    /// Whether it is shown, or still knows what it showed before.
    pub(crate) fn has_something_to_ask(&self, shared: &Shared) -> bool {
        let knows = self.trace != Inquiry::default() || self.modulation != Inquiry::default();
        shared.mode() == Mode::Inside || knows
    }

    /// Asks for what is to be shown and not known yet.
    pub(crate) fn ask_for_what_is_shown(&mut self, shared: &Shared) -> Effects {
        if shared.mode() != Mode::Inside || self.obstacle(shared).is_some() {
            self.forget();
            return vec![];
        }
        let Some((film, frame)) = seen_frame(shared) else { return vec![] };
        let (info, frame, run) = (film.info.clone(), frame.clone(), Known(film.info.clone()));
        let class = (!self.without_class).then_some(info.settings.class);
        if self.panel == Panel::Modulation {
            let course = Course { run, class };
            if !self.modulation.is_due(&course) {
                return vec![];
            }
            let ask = Ask::Modulation { class, timesteps: info.timesteps.clone() };
            let question = self.question(ask, vec![]);
            self.modulation.waiting = Some((question.number, course));
            return vec![Follow::Ask(question)];
        }
        let (picture, block) = (shared.timeline.selected, self.block(shared));
        let place = Place { run, step: frame.step, picture, class, block };
        if !self.trace.is_due(&place) {
            return vec![];
        }
        let Some(x_t) = film::of_picture(&info, &frame.x_t, picture) else { return vec![] };
        let x_t = floats::bytes(x_t);
        let ask = Ask::Trace { t: film::place(&info, frame.step).0, class, block };
        let question = self.question(ask, vec![x_t]);
        self.trace.waiting = Some((question.number, place));
        vec![Follow::Ask(question)]
    }

    fn question(&mut self, ask: Ask, buffers: Vec<Vec<u8>>) -> Question {
        self.newest = self.newest.wrapping_add(1);
        Question { asker: Asker::Inside, number: self.newest, ask, buffers }
    }

    pub(crate) fn answered(&mut self, id: u32, answered: Answered) {
        let Self { trace, modulation, .. } = self;
        if trace.waiting.as_ref().is_some_and(|(waiting, _)| *waiting == id) {
            trace.take(id, |_| answered.and_then(|(answer, buffers)| Trace::new(&answer, buffers)));
        } else {
            modulation.take(id, |course| {
                let (answer, buffers) = answered?;
                Modulation::new(&answer, &buffers, course.run.timesteps.len())
            });
        }
    }

    /// Why there is nothing to look into.
    pub fn obstacle(&self, shared: &Shared) -> Option<Obstacle> {
        let film = shared.shown().filter(|film| !film.is_empty());
        let Some(film) = film else {
            return Some(if shared.is_running() { Obstacle::FirstStep } else { Obstacle::NoFilm });
        };
        match shared.models.state {
            ModelState::Ready { .. } => {}
            ModelState::Loading(_) | ModelState::Asking => return Some(Obstacle::Loading),
            ModelState::Offered | ModelState::Stopped | ModelState::Failed(_) => return Some(Obstacle::NoModel),
        }
        let fits = shared.models.config.as_ref().is_none_or(|config| {
            let dit = &config.transformer;
            film.info.latent_shape == dit.latent_shape() && film.info.settings.class < dit.num_classes
        });
        let is_of_model = fits && shared.film_is_of_model();
        (!is_of_model).then(|| Obstacle::OtherModel(film.model.clone()))
    }

    /// The block that is looked into.
    pub fn block(&self, shared: &Shared) -> usize {
        let depth = shared.num_blocks();
        self.block.unwrap_or(depth / 2).min(depth - 1)
    }

    /// What is known of a forward pass of the run on the stage.
    pub fn trace(&self, shared: &Shared) -> Option<Result<Known<Trace>, Notice>> {
        let run = &shared.shown()?.info;
        Some(self.trace.found(|place| Arc::ptr_eq(&place.run.0, run))?.1.clone())
    }

    /// What is known of the condition over the run on the stage.
    pub fn modulation(&self, shared: &Shared) -> Option<Result<Known<Modulation>, Notice>> {
        let run = &shared.shown()?.info;
        Some(self.modulation.found(|course| Arc::ptr_eq(&course.run.0, run))?.1.clone())
    }
}

/// The frame that is traced: the finished picture is no step, so there it is the last one before it.
fn seen_frame(shared: &Shared) -> Option<(&Film, &Arc<Frame>)> {
    let film = shared.shown()?;
    let position = shared.timeline.position.min(film.steps() - 1);
    Some((film, film.at(position)?))
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
