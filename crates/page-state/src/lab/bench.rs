//! All experiments together: which picture they are about, what was asked, and what came of it. Pure; it lives in the
//! part of the page that shows them.

use super::edit::{Edit, Way};
use super::ideal::{IdealRun, Known};
use super::one_step::OneStep;
use super::paint::Paint;
use super::without::Without;
use super::{self as lab, Base, Kind, Prepared};
use crate::asks::Answered;
use crate::film::Pixels;
use crate::floats;
use crate::{Event, ModelState, Page};
use ditscope_config::{Experiment, Measurement, SamplerKind};
use ditscope_protocol::{Ask, RunInfo};
use ditscope_tensor_file::LatentSet;
use std::sync::Arc;

/// What a question is about.
#[derive(Debug, Clone, PartialEq)]
enum About {
    OneStep { t: usize },
    Invert { base: Base, steps: usize },
    Ranking,
    Ideal { step: usize },
}

/// The latents of the model's training pictures.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Training {
    /// Not looked for.
    #[default]
    Unknown,
    Coming,
    /// Why not.
    Missing(String),
    Here(Arc<LatentSet>),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bench {
    /// The picture that experiments are about.
    pub base: Option<Base>,
    pub one_step: OneStep,
    pub paint: Paint,
    pub edit: Edit,
    pub without: Without,
    pub training: Training,
    pub ideal: Option<IdealRun>,
    /// The question that is not answered yet.
    waiting: Option<(u32, About)>,
    newest: u32,
    /// The run whose picture was taken last.
    seen: Option<Arc<RunInfo>>,
    /// What the page was told last.
    told: Option<Arc<Prepared>>,
    /// What the address said last that was set here.
    set: Option<String>,
    /// What the address sets is to be run.
    is_due: bool,
    /// Wishes of the tour that were heard.
    wishes: u32,
}

impl Bench {
    /// The model is another one: what was known is not of it. What the page was told is still to be taken back.
    pub fn forget(&mut self) {
        let (paint, newest) = (Paint { cells: Default::default(), ..self.paint.clone() }, self.newest);
        *self = Self { paint, newest, told: self.told.take(), ..Self::default() };
    }

    /// Looks at the page: takes a picture where there is none, and the answer that it waits for. What follows: the next
    /// question, and how the next run departs.
    pub fn look(&mut self, page: &Page, kind: Kind) -> Vec<Event> {
        if self.base.as_ref().is_some_and(|base| !fits(page, base)) {
            self.forget();
        }
        let mut events = self.hear_address(page, kind);
        self.take_picture(page);
        if let Some(base) = &self.base {
            self.paint.fit(base.cells());
        }
        let was_inverting = matches!(self.waiting, Some((_, About::Invert { .. })));
        let has_answer = self.take_answer(page);
        events.extend(self.next_rank(page, kind));
        if kind == Kind::Ideal {
            self.run_ideally(page);
            events.extend(self.next_ideal(page));
        }
        events.extend(self.tell(page, kind));
        // Whoever asked for a picture's noise wants to see what it becomes.
        if kind == Kind::Edit && has_answer && was_inverting && matches!(self.edit.inverted, Some(Ok(_))) {
            events.push(Event::Lab(lab::Event::Run));
        }
        events.extend(self.do_what_is_due(page, kind));
        events.extend(self.tell_address(page, kind));
        events
    }

    /// Sets what the address says, if that is new.
    fn hear_address(&mut self, page: &Page, kind: Kind) -> Vec<Event> {
        let is_wished = page.lab.wishes != self.wishes;
        let is_new = |text: &String| is_wished || Some(text) != self.set.as_ref();
        let Some(text) = page.address.lab.clone().filter(is_new) else { return vec![] };
        // What the model has is known first.
        let Some(config) = &page.models.config else { return vec![] };
        self.wishes = page.lab.wishes;
        let foreign = self.set_as_told(kind, &config.transformer, &text);
        (self.set, self.is_due) = (Some(text), true);
        foreign.into_iter().map(|piece| Event::Lab(lab::Event::Unknown(piece))).collect()
    }

    /// Has the address say what is set, if it says anything else.
    pub fn tell_address(&mut self, page: &Page, kind: Kind) -> Option<Event> {
        let told = self.to_tell(kind);
        // What it said first has not been heard before the model is known.
        if page.address.lab == told || page.models.config.is_none() {
            return None;
        }
        self.set.clone_from(&told);
        Some(Event::Lab(lab::Event::Set(told)))
    }

    /// Does what the address sets, once the plain run is there.
    fn do_what_is_due(&mut self, page: &Page, kind: Kind) -> Option<Event> {
        let is_complete = page.shown().is_some_and(|film| film.is_complete() && page.film_is_of_model());
        if !self.is_due || page.is_running() || !is_complete || !is_ready(page) {
            return None;
        }
        self.is_due = false;
        match (kind, self.edit.way) {
            (Kind::OneStep, _) => return Some(self.guess(page)),
            (Kind::Edit, Way::Invert) => return self.invert(page),
            _ => {}
        }
        let prepared = self.told.as_ref().filter(|prepared| page.experiment() != Some(&prepared.experiment));
        prepared.map(|_| Event::Lab(lab::Event::Run))
    }

    /// Tells the page how its next run departs, if that is not what it knows.
    pub fn tell(&mut self, page: &Page, kind: Kind) -> Option<Event> {
        let base = self.base.as_ref();
        let prepared = match kind {
            Kind::OneStep | Kind::Ideal => None,
            Kind::Paint => self.paint.prepared(page, base),
            Kind::Edit => self.edit.prepared(page),
            Kind::Break => Some(self.without.prepared()),
        };
        if prepared.as_ref() == self.told.as_deref() {
            return None;
        }
        self.told = prepared.map(Arc::new);
        Some(Event::Lab(lab::Event::Prepare(self.told.clone())))
    }

    /// Guesses in one go.
    pub fn guess(&mut self, page: &Page) -> Event {
        let question = self.one_step.question(page, self.base.as_ref());
        self.ask(About::OneStep { t: self.one_step.t(page) }, question)
    }

    /// Looks for the picture's noise.
    pub fn invert(&mut self, page: &Page) -> Option<Event> {
        let base = self.base.clone()?;
        let steps = page.settings().num_inference_steps;
        let question = Edit::question(page, &base);
        Some(self.ask(About::Invert { base, steps }, question))
    }

    /// Whether something is asked that is not answered yet.
    pub fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether the noise of a picture is looked for.
    pub fn is_inverting(&self) -> bool {
        matches!(self.waiting, Some((_, About::Invert { .. })))
    }

    fn ask(&mut self, about: About, (what, buffers): (Measurement, Vec<Vec<u8>>)) -> Event {
        self.newest = self.newest.wrapping_add(1);
        self.waiting = Some((self.newest, about));
        let what = serde_json::to_string(&what).unwrap_or_default();
        Event::Lab(lab::Event::Ask(self.newest, Ask::Measure { what }, buffers))
    }

    /// The picture of a new run is the one that experiments are about, unless it is an experiment's own. Beside the run that
    /// lacks parts there is the whole model's, which is a plain one.
    fn take_picture(&mut self, page: &Page) {
        let has_whole = shown(page, Kind::Break).is_some();
        let is_plain = page.experiment().is_none() || has_whole;
        let Some(film) = page.shown().filter(|film| film.is_complete() && is_plain) else { return };
        if self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &film.info)) {
            return;
        }
        let picture = if has_whole { 0 } else { page.timeline.selected };
        let base = Base::of(film, picture).filter(|base| page.film_is_of_model() && fits(page, base));
        if let Some(base) = base {
            (self.base, self.seen) = (Some(base), Some(film.info.clone()));
        }
    }

    /// Whether the answer came. A worker that is gone will not answer.
    fn take_answer(&mut self, page: &Page) -> bool {
        // Looked at even if nothing is waited for: so whoever follows the page hears of the next one.
        let answer = page.lab.answer.as_ref();
        let Some((number, _)) = &self.waiting else { return false };
        let number = *number;
        let answer = answer.filter(|(answered, _)| *answered == number);
        let Some((_, answered)) = answer else {
            if !page.awaits_lab(number) {
                self.waiting = None;
                self.without.rest();
            }
            return false;
        };
        let Some((_, about)) = self.waiting.take() else { return false };
        let answered: &Answered = answered;
        match about {
            About::OneStep { t } => self.one_step.take(t, answered, image_shape(page)),
            About::Invert { base, steps } => self.edit.take(base, steps, answered),
            About::Ideal { step } => {
                if let (Some(ideal), Ok((_, buffers))) = (&mut self.ideal, answered) {
                    let rgba = buffers.first().map(Vec::as_slice).unwrap_or_default();
                    ideal.pictures.insert(step, Pixels::cut(rgba, image_shape(page)));
                }
            }
            About::Ranking => {
                if let Some(ranking) = &mut self.without.ranking {
                    ranking.take(answered);
                }
            }
        }
        true
    }

    /// Computes the ideal run beside the one that is shown.
    fn run_ideally(&mut self, page: &Page) {
        let Training::Here(set) = &self.training else { return };
        let Some(film) = page.shown().filter(|film| film.is_complete() && page.film_is_of_model()) else { return };
        if self.ideal.as_ref().is_some_and(|ideal| Arc::ptr_eq(&ideal.beside, &film.info)) {
            return;
        }
        let class = film.info.settings.class;
        let before = self.ideal.take().map(|ideal| ideal.known).filter(|known| known.class == class);
        let known = before.or_else(|| Known::of(set, class).map(Arc::new));
        let is_flow = SamplerKind::FLOW.contains(&film.info.settings.sampler);
        self.ideal = known.and_then(|known| IdealRun::beside(film, page.timeline.selected, known, is_flow));
    }

    /// The question for the pictures of the step on the timeline.
    fn next_ideal(&mut self, page: &Page) -> Option<Event> {
        if self.waits() || page.is_running() || !is_ready(page) {
            return None;
        }
        let (step, ideal) = (page.timeline.position, self.ideal.as_ref()?);
        if ideal.pictures.contains_key(&step) {
            return None;
        }
        let latents = ideal.latents(step);
        let bytes = floats::bytes(&latents.concat());
        let what = Measurement::Decode { count: latents.len() };
        Some(self.ask(About::Ideal { step }, (what, vec![bytes])))
    }

    /// The next question of the ranking: a run needs the model more.
    fn next_rank(&mut self, page: &Page, kind: Kind) -> Option<Event> {
        if kind != Kind::Break || self.waits() || page.is_running() || !is_ready(page) {
            return None;
        }
        let question = self.without.ranking.as_ref()?.question(page)?;
        Some(self.ask(About::Ranking, question))
    }
}

/// The finished picture on the stage that is selected, if it is the model's.
pub fn newest(page: &Page) -> Option<Base> {
    let film = page.shown().filter(|_| page.film_is_of_model())?;
    Base::of(film, page.timeline.selected)
}

/// Whether the model can be asked.
pub fn is_ready(page: &Page) -> bool {
    matches!(page.models.state, ModelState::Ready { .. })
}

/// How the run on the stage departs, where it is one of this kind.
pub fn shown(page: &Page, kind: Kind) -> Option<Experiment> {
    let experiment: Experiment = serde_json::from_str(page.experiment()?).ok()?;
    let is_of_kind = match kind {
        Kind::OneStep | Kind::Ideal => false,
        Kind::Paint => experiment.paint.is_some(),
        Kind::Break => experiment.pictures.len() == 2,
        Kind::Edit => experiment.pictures.len() > 2,
    };
    is_of_kind.then_some(experiment)
}

/// Of which way a run of [`Kind::Edit`] is.
pub fn way_of(experiment: &Experiment) -> Way {
    let last = experiment.pictures.last();
    match (experiment.given_noise, last.is_some_and(|picture| picture.towards_seed.is_some())) {
        (true, _) => Way::Invert,
        (false, true) => Way::Seeds,
        (false, false) => Way::Classes,
    }
}

fn fits(page: &Page, base: &Base) -> bool {
    page.models
        .config
        .as_ref()
        .is_none_or(|config| base.shape == config.transformer.latent_shape() && base.class < config.labels.len())
}

fn image_shape(page: &Page) -> [usize; 2] {
    page.models.config.as_ref().map_or([0, 0], |config| {
        let is_heavy = config.autoencoder.as_ref().is_some_and(ditscope_config::AutoencoderConfig::is_heavy);
        let [_, height, width] = config.transformer.latent_shape();
        if is_heavy { [height, width] } else { config.image_shape() }
    })
}

#[cfg(test)]
#[path = "bench_tests.rs"]
mod tests;
