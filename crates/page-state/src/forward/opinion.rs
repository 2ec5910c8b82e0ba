//! Which class the model sees in the picture: its error in the noise, class by class, over many noises; pure.

use super::facts::spread_t;
use super::state::Forward;
use crate::Shared;
use ditscope_protocol::Ask;

/// So many noises are tried. The means hardly change after half of them.
const ROUNDS: usize = 48;
/// The share of the way that is tried: at its ends every class explains the picture as well, or none.
const FROM: f64 = 0.1;
const TO: f64 = 0.9;
/// What is known so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Numbers of the classes.
    pub classes: Vec<usize>,
    /// By class: the sum of the mean squares of `ε̂ − ε`.
    sums: Vec<f64>,
    /// Noises that were tried.
    pub rounds: usize,
    /// Numbers of a latent.
    numbers: usize,
    /// Whether it goes on.
    pub goes_on: bool,
}

/// What the model says of one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    pub class: usize,
    /// Mean square of `ε̂ − ε`.
    pub error: f64,
    /// From 0 to 1, over these classes: `softmax(−E‖ε̂ − ε‖²)` (Li et al. 2023, arXiv:2303.16203, eq. 6).
    pub probability: f64,
}

impl Opinion {
    fn new(shared: &Shared, numbers: usize) -> Self {
        let classes = classes(shared);
        Self { sums: vec![0.0; classes.len()], classes, rounds: 0, numbers, goes_on: true }
    }

    /// Whether all noises were tried.
    pub fn is_done(&self) -> bool {
        self.rounds >= ROUNDS
    }

    /// From 0 to 1.
    pub fn progress(&self) -> f64 {
        self.rounds as f64 / ROUNDS as f64
    }

    /// The next noise.
    pub(super) fn next(&self, shared: &Shared, seed: u64) -> Option<Ask> {
        if !self.goes_on || self.is_done() {
            return None;
        }
        let t = spread_t(shared, self.rounds, FROM..TO);
        Some(Ask::ClassErrors { t, seed: seed.wrapping_add(self.rounds as u64), classes: self.classes.clone() })
    }

    /// Whether these can be errors of the classes.
    pub(super) fn fits(&self, errors: &[f32]) -> bool {
        errors.len() == self.classes.len() && errors.iter().all(|error| error.is_finite())
    }

    /// Takes the errors of one noise.
    pub(super) fn take(&mut self, errors: &[f32]) {
        self.sums.iter_mut().zip(errors).for_each(|(sum, error)| *sum += f64::from(*error));
        self.rounds += 1;
    }

    /// In the order of the classes; nothing before the first noise.
    pub fn verdicts(&self) -> Vec<Verdict> {
        if self.rounds == 0 {
            return vec![];
        }
        let means: Vec<f64> = self.sums.iter().map(|sum| sum / self.rounds as f64).collect();
        let shares = shares(&means, self.numbers);
        let verdict = |i: usize| Verdict { class: self.classes[i], error: means[i], probability: shares[i] };
        (0..means.len()).map(verdict).collect()
    }

    /// The class with the smallest error.
    pub fn best(&self) -> Option<Verdict> {
        self.verdicts().into_iter().min_by(|a, b| a.error.total_cmp(&b.error))
    }
}

/// How likely each class is: `softmax(−E‖ε̂ − ε‖²)` (Li et al. 2023, arXiv:2303.16203, eq. 6) of mean squares over so many
/// numbers of a latent.
pub fn shares(mean_squares: &[f64], numbers: usize) -> Vec<f64> {
    let least = mean_squares.iter().copied().fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = mean_squares.iter().map(|mean| (-(mean - least) * numbers as f64).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// All classes, or where they are many, the chosen one and the marked ones.
fn classes(shared: &Shared) -> Vec<usize> {
    let count = shared.models.config.as_ref().map_or(0, |config| config.labels.len());
    let (chosen, marked) = (shared.settings().class, &shared.models.favourites);
    let is_asked = |class: &usize| count <= Ask::MOST_CLASSES || *class == chosen || marked.contains(class);
    (0..count).filter(is_asked).take(Ask::MOST_CLASSES).collect()
}

impl Forward {
    /// Begins, goes on or stops asking which class the picture is of; whether it is asked now.
    pub(super) fn toggle_opinion(&mut self, shared: &Shared) -> bool {
        match &mut self.opinion {
            Some(opinion) if !opinion.is_done() && opinion.classes == classes(shared) => {
                opinion.goes_on = !opinion.goes_on;
            }
            _ => {
                self.forget_classes();
                let numbers = self.latent.as_ref().map_or(0, |latent| latent.len() / 4);
                self.opinion = self.can_be_asked(shared).then(|| Opinion::new(shared, numbers));
            }
        }
        self.opinion.as_ref().is_some_and(|opinion| opinion.goes_on)
    }

    /// The next question about the classes: a run, and a picture that dissolves, need the model more.
    pub(super) fn next_noise(&self, shared: &Shared) -> Option<Ask> {
        let opinion = self.opinion.as_ref().filter(|_| !shared.is_running() && !self.playing)?;
        opinion.next(shared, shared.settings().seed)
    }

    /// Whether there is something to ask about: a picture, and two classes at least.
    pub fn can_be_asked(&self, shared: &Shared) -> bool {
        self.is_encoded() && classes(shared).len() > 1
    }
}

#[cfg(test)]
#[path = "opinion_tests.rs"]
mod tests;
