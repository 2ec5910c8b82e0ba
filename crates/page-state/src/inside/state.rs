//! The state of this part of the page, and what changes it; pure.
//!
//! Nothing is asked while the stage shows something else. Of each kind at most one question is under way: when its
//! answer comes and the place has changed meanwhile, the next one asks for where the stage is then.

use super::trace::{Modulation, Trace};
use crate::Mode;
use crate::asks::{Answered, Asker};
use crate::film::{self, Film, Frame};
use crate::{Effect, ModelState, Notice, Page};
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
    trace: Question<Place, Trace>,
    modulation: Question<Course, Modulation>,
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
pub struct Shared<T>(Arc<T>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What a trace is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    run: Shared<RunInfo>,
    step: usize,
    picture: usize,
    class: Option<usize>,
    block: usize,
}

/// What the modulation is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    run: Shared<RunInfo>,
    class: Option<usize>,
}

/// One kind of question: what is under way, and what came of the one before.
#[derive(Debug, Clone, PartialEq)]
struct Question<K, T> {
    waiting: Option<(u32, K)>,
    answer: Option<(K, Result<Shared<T>, Notice>)>,
}

impl<K, T> Default for Question<K, T> {
    fn default() -> Self {
        Self { waiting: None, answer: None }
    }
}

impl<K: PartialEq, T> Question<K, T> {
    fn is_due(&self, about: &K) -> bool {
        self.waiting.is_none() && self.answer.as_ref().is_none_or(|(answered, _)| answered != about)
    }

    /// Takes the answer, if it is to what is under way.
    fn take(&mut self, id: u32, read: impl FnOnce(&K) -> Result<T, Notice>) {
        let Some((_, about)) = self.waiting.take_if(|(waiting, _)| *waiting == id) else { return };
        let result = read(&about).map(|answer| Shared(Arc::new(answer)));
        self.answer = Some((about, result));
    }

    /// What was found, if it is of this run: of another place in it until the newest comes.
    fn found(&self, of_run: impl Fn(&K) -> bool) -> Option<&(K, Result<Shared<T>, Notice>)> {
        self.answer.as_ref().filter(|(about, _)| of_run(about))
    }
}

impl Inside {
    /// Forgets what is known, which can be large, and what is under way.
    fn forget(&mut self) {
        (self.trace, self.modulation) = (Question::default(), Question::default());
    }
}

impl Page {
    pub(crate) fn update_inside(&mut self, event: Event) -> Vec<Effect> {
        let inside = &mut self.inside;
        match event {
            Event::Panel(panel) => inside.panel = panel,
            Event::Block(block) => inside.block = Some(block),
            Event::Head(head) => inside.head = head,
            Event::Token(token) => inside.token = token,
            Event::WithoutClass(without) => inside.without_class = without,
            Event::Again => (inside.trace.answer, inside.modulation.answer) = (None, None),
        }
        vec![]
    }

    /// Asks for what is to be shown and not known yet; after every event, as each may change the place.
    pub(crate) fn look_inside(&mut self) -> Vec<Effect> {
        if self.mode() != Mode::Inside || self.cannot_look_inside().is_some() {
            self.inside.forget();
            return vec![];
        }
        let Some((film, frame)) = self.inside_frame() else { return vec![] };
        let (info, frame, run) = (film.info.clone(), frame.clone(), Shared(film.info.clone()));
        let class = (!self.inside.without_class).then_some(info.settings.class);
        if self.inside.panel == Panel::Modulation {
            let course = Course { run, class };
            if !self.inside.modulation.is_due(&course) {
                return vec![];
            }
            let ask = Ask::Modulation { class, timesteps: info.timesteps.clone() };
            let (id, effect) = self.ask(Asker::Inside, ask, vec![]);
            self.inside.modulation.waiting = Some((id, course));
            return vec![effect];
        }
        let (picture, block) = (self.view.selected, self.inside_block());
        let place = Place { run, step: frame.step, picture, class, block };
        if !self.inside.trace.is_due(&place) {
            return vec![];
        }
        let Some(x_t) = film::of_picture(&info, &frame.x_t, picture) else { return vec![] };
        let x_t = x_t.iter().flat_map(|value| value.to_le_bytes()).collect();
        let ask = Ask::Trace { t: film::place(&info, frame.step).0, class, block };
        let (id, effect) = self.ask(Asker::Inside, ask, vec![x_t]);
        self.inside.trace.waiting = Some((id, place));
        vec![effect]
    }

    pub(crate) fn inside_answered(&mut self, id: u32, answered: Answered) -> Vec<Effect> {
        let Inside { trace, modulation, .. } = &mut self.inside;
        if trace.waiting.as_ref().is_some_and(|(waiting, _)| *waiting == id) {
            trace.take(id, |_| answered.and_then(|(answer, buffers)| Trace::new(&answer, buffers)));
        } else {
            modulation.take(id, |course| {
                let (answer, buffers) = answered?;
                Modulation::new(&answer, &buffers, course.run.timesteps.len())
            });
        }
        vec![]
    }

    /// Why there is nothing to look into.
    pub fn cannot_look_inside(&self) -> Option<Obstacle> {
        let film = self.shown().filter(|film| !film.is_empty());
        let Some(film) = film else {
            return Some(if self.is_running() { Obstacle::FirstStep } else { Obstacle::NoFilm });
        };
        match self.model {
            ModelState::Ready { .. } => {}
            ModelState::Loading(_) | ModelState::Asking => return Some(Obstacle::Loading),
            ModelState::Offered | ModelState::Stopped | ModelState::Failed(_) => return Some(Obstacle::NoModel),
        }
        let fits = self.config.as_ref().is_none_or(|config| {
            let dit = &config.transformer;
            film.info.latent_shape == [dit.in_channels, dit.sample_size, dit.sample_size]
                && film.info.settings.class < dit.num_classes
        });
        let is_of_model = fits && self.film_is_of_model();
        (!is_of_model).then(|| Obstacle::OtherModel(film.model.clone()))
    }

    /// The frame that is looked into: after the last step the model looks no more, so the last that it saw.
    fn inside_frame(&self) -> Option<(&Film, &Arc<Frame>)> {
        let film = self.shown()?;
        let position = self.view.position.min(film.steps() - 1);
        Some((film, film.at(position)?))
    }

    /// Number of blocks.
    pub fn inside_depth(&self) -> usize {
        self.config.as_ref().map_or(1, |config| config.transformer.depth)
    }

    /// The block that is looked into.
    pub fn inside_block(&self) -> usize {
        let depth = self.inside_depth();
        self.inside.block.unwrap_or(depth / 2).min(depth - 1)
    }

    /// What is known of a forward pass of the run on the stage.
    pub fn inside_trace(&self) -> Option<Result<Shared<Trace>, Notice>> {
        let run = &self.shown()?.info;
        Some(self.inside.trace.found(|place| Arc::ptr_eq(&place.run.0, run))?.1.clone())
    }

    /// What is known of the condition over the run on the stage.
    pub fn inside_modulation(&self) -> Option<Result<Shared<Modulation>, Notice>> {
        let run = &self.shown()?.info;
        Some(self.inside.modulation.found(|course| Arc::ptr_eq(&course.run.0, run))?.1.clone())
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
