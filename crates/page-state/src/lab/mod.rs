//! Experiments on the model. The page knows how its next run departs, and the newest answer; what they mean is known to
//! the part that shows them, which comes later: [`mod@bench`], of [`one_step`], [`paint`], [`edit`] and
//! [`without`]; [`told`] reads and writes what the address says of them.

pub mod bench;
pub mod edit;
pub mod ideal;
pub mod one_step;
pub mod paint;
pub mod told;
pub mod without;

use crate::asks::{Answered, Asker, Question};
use crate::film::{self, Film, Pixels};
use crate::floats;
use crate::follow::{Effects, Follow};
use crate::run::Plan;
pub use crate::run::Prepared;
use crate::{Allowed, Mode, Notice, Shared};
use ditscope_protocol::Ask;
use std::sync::Arc;

/// Which experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// x̂0 in one go beside many steps.
    OneStep,
    /// A part of a picture made anew.
    Paint,
    /// A picture's own noise, and what it becomes; rows between two pictures.
    Edit,
    /// Parts of the network switched off.
    Break,
    /// The denoiser that knows the training pictures.
    Ideal,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lab {
    prepared: Option<Arc<Prepared>>,
    /// The newest answer, with the number of its question.
    pub answer: Option<(u32, Arc<Answered>)>,
    /// How often the tour wished for an experiment: the same one is done again.
    wishes: u32,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Event {
    /// The next run departs in this way; nothing: in none.
    Prepare(Option<Arc<Prepared>>),
    /// A question, with a number that its asker has chosen.
    Ask(u32, Ask, Vec<Vec<u8>>),
    /// This is set, and the address says so.
    Set(Option<String>),
    /// The tour wants this set and done.
    Wish(Option<String>),
    /// Not known among what an address sets.
    Unknown(String),
    /// The run that an address sets begins.
    Run,
}

/// What an address sets in an experiment, as long as it can be that; [`told`] knows what it means.
pub fn as_told(text: &str) -> Option<String> {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ',' | ':' | '.' | '-'));
    (is_plain && (1..=MOST_TOLD).contains(&text.len())).then(|| text.to_ascii_lowercase())
}

/// So long is what a square of 64 cells takes, with all parts of a small model beside it.
const MOST_TOLD: usize = 1200;

impl Lab {
    pub(crate) fn update(&mut self, event: Event) -> Effects {
        match event {
            Event::Prepare(prepared) => {
                self.prepared = prepared;
                vec![]
            }
            Event::Ask(number, ask, buffers) => {
                vec![Follow::Ask(Question { asker: Asker::Lab, number, ask, buffers })]
            }
            Event::Set(set) => vec![Follow::LabSettings(set)],
            Event::Wish(set) => {
                self.wishes = self.wishes.wrapping_add(1);
                vec![Follow::LabSettings(set)]
            }
            Event::Unknown(value) => {
                vec![Follow::TellOnce(Notice::Ignored { key: "lab".into(), value, allowed: Allowed::Lab })]
            }
            Event::Run => vec![Follow::Generate],
        }
    }

    pub(crate) fn answered(&mut self, number: u32, answered: Answered) {
        self.answer = Some((number, Arc::new(answered)));
    }

    /// The run that Generate starts.
    pub(crate) fn plan(&self, shared: &Shared) -> Plan {
        Plan { experiment: self.prepared.clone(), ..Plan::new(shared.settings()) }
    }
}

impl Shared {
    /// How the run on the stage departs from its settings, as JSON; nothing where it does not.
    pub fn experiment(&self) -> Option<&str> {
        self.run.experiment().filter(|_| matches!(self.mode(), Mode::Lab(_)))
    }

    /// Whether a question of the lab is not answered yet.
    pub fn awaits_lab(&self, number: u32) -> bool {
        self.asks.awaits(Asker::Lab, number)
    }
}

/// A finished picture that something is done with.
#[derive(Debug, Clone, PartialEq)]
pub struct Base {
    /// `[C, h, w]`
    pub latent: Vec<f32>,
    pub shape: [usize; 3],
    pub picture: Pixels,
    /// Of what it is said to be.
    pub class: usize,
}

impl Base {
    /// A picture of a film that is complete.
    pub fn of(film: &Film, picture: usize) -> Option<Self> {
        let frame = film.at(film.steps())?;
        let latent = film::of_picture(&film.info, &frame.x_t, picture)?.to_vec();
        let (shape, class) = (film.info.latent_shape, film.info.settings.class);
        Some(Self { latent, shape, picture: film::picture(&film.info, frame, picture), class })
    }

    /// The visitor's own picture, or another one of the forward process, which was encoded there.
    pub fn of_forward(shared: &Shared, forward: &crate::forward::Forward) -> Option<Self> {
        let latent = floats::numbers(forward.latent.as_deref()?);
        let shape = shared.models.config.as_ref()?.transformer.latent_shape();
        let picture = forward.picture.as_deref()?.clone();
        let fits = latent.len() == shape.iter().product::<usize>();
        fits.then(|| Self { latent, shape, picture, class: shared.settings().class })
    }

    /// Rows and columns of its latent.
    pub fn cells(&self) -> [usize; 2] {
        [self.shape[1], self.shape[2]]
    }

    /// As the worker wants it.
    pub fn bytes(&self) -> Vec<u8> {
        floats::bytes(&self.latent)
    }
}

/// Root mean square of a difference of latents.
pub fn rms(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    (squares / a.len().max(1) as f64).sqrt()
}

fn json(experiment: &ditscope_config::Experiment) -> String {
    serde_json::to_string(experiment).unwrap_or_default()
}
