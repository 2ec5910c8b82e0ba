//! What follows from the state of this part of the page; pure.

use super::noise::Spot;
use super::state::{FIRST_T, Forward};
use super::steps::Beginning;
use crate::film::Film;
use crate::{ModelState, Shared};
use std::ops::Range;
use std::sync::Arc;

impl Forward {
    /// The noise level on the slider.
    pub fn t(&self, shared: &Shared) -> usize {
        let last = last_t(shared);
        self.t.or(shared.address.noise_t).unwrap_or((FIRST_T * (last + 1) as f64) as usize).min(last)
    }

    /// Where a run from this noise level begins; nothing, where no step is left.
    pub fn beginning(&self, shared: &Shared) -> Option<Beginning> {
        let process = &shared.models.config.as_ref()?.scheduler;
        Beginning::find(self.schedule.as_ref()?, process, &shared.settings(), self.t(shared))
    }

    /// Factors of the picture and of the noise on the slider, ᾱ and the signal-to-noise ratio.
    pub fn factors(&self, shared: &Shared) -> Option<[f64; 4]> {
        let t = self.t(shared);
        let schedule = self.schedule.as_ref().filter(|schedule| t < schedule.len())?;
        let (signal, noise) = schedule.q_sample_factors(t);
        Some([signal, noise, schedule.alphas_cumprod[t], schedule.snr(t)])
    }

    /// The film that began with this picture.
    pub fn result<'a>(&self, shared: &'a Shared) -> Option<&'a Film> {
        let (_, before) = self.run.as_ref().filter(|(run, _)| *run == shared.run.number)?;
        let is_new = |film: &&Film| before.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &film.info));
        shared.run.film.as_ref().filter(is_new)
    }

    /// Milliseconds between two ticks, while the slider plays from the clean picture to noise.
    pub fn beat(&self, shared: &Shared) -> Option<u32> {
        // Without motion it goes from mark to mark.
        self.playing.then_some(if shared.reduced_motion { 1000 } else { 90 })
    }

    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// When this changes, other questions may be due.
    pub fn depends_on(&self, shared: &Shared) -> String {
        let ready = is_ready_for_questions(shared) && shared.models.config.is_some();
        let (settings, running) = (shared.settings(), shared.is_running());
        format!("{ready} {running} {} {} {}", settings.seed, settings.class, shared.address.model.key())
    }

    /// The model's errors in the noise over t, so far as they are known of the present picture, seed and class: t, and the mean
    /// squares with the class and without it.
    pub fn errors(&self, shared: &Shared) -> Vec<(usize, [f64; 2])> {
        let settings = shared.settings();
        let is_of = |spot: &Spot| (spot.seed, spot.class) == (settings.seed, settings.class);
        self.errors.iter().flatten().filter(|(spot, _)| is_of(spot)).map(|(spot, errors)| (spot.t, *errors)).collect()
    }

    /// Whether something is read or encoded that the visitor waits for.
    pub fn is_busy(&self) -> bool {
        let encoding = self.latent.is_none() && self.question.is_some();
        self.reading.1 || encoding
    }

    /// Whether the picture's latent is there.
    pub fn is_encoded(&self) -> bool {
        self.latent.is_some()
    }

    /// The number that the file which is read now has.
    pub fn reading_number(&self) -> u32 {
        self.reading.0
    }
}

/// A timestep for one of many noises, between two shares of the process: they lie evenly however many there are.
pub fn spread_t(shared: &Shared, number: usize, shares: Range<f64>) -> usize {
    // The golden ratio's share: so its multiples lie, without their whole parts.
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let share = shares.start + (shares.end - shares.start) * (GOLDEN * (number + 1) as f64).fract();
    (share * last_t(shared) as f64) as usize
}

/// The noisiest timestep.
pub fn last_t(shared: &Shared) -> usize {
    shared.models.config.as_ref().map_or(999, |config| config.scheduler.num_train_timesteps - 1)
}

/// Whether the pictures can be asked for.
pub(super) fn is_ready_for_questions(shared: &Shared) -> bool {
    matches!(shared.models.state, ModelState::Ready { .. })
}
