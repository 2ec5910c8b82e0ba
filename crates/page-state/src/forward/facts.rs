//! What follows from the state of this part of the page; pure.

use super::state::FIRST_T;
use super::steps::Beginning;
use crate::film::Film;
use crate::page::Page;
use std::sync::Arc;

impl Page {
    /// The noise level on the slider.
    pub fn forward_t(&self) -> usize {
        let last = self.forward_last_t();
        self.forward.t.unwrap_or((FIRST_T * (last + 1) as f64) as usize).min(last)
    }

    /// The noisiest timestep.
    pub fn forward_last_t(&self) -> usize {
        self.config.as_ref().map_or(999, |config| config.scheduler.num_train_timesteps - 1)
    }

    /// Where a run from this noise level begins; nothing, where no step is left.
    pub fn forward_beginning(&self) -> Option<Beginning> {
        Beginning::find(self.forward.schedule.as_ref()?, &self.settings(), self.forward_t())
    }

    /// Factors of the picture and of the noise on the slider, ᾱ and the signal-to-noise ratio.
    pub fn forward_factors(&self) -> Option<[f64; 4]> {
        let t = self.forward_t();
        let schedule = self.forward.schedule.as_ref().filter(|schedule| t < schedule.len())?;
        let (signal, noise) = schedule.q_sample_factors(t);
        Some([signal, noise, schedule.alphas_cumprod[t], schedule.snr(t)])
    }

    /// The film that began with this picture.
    pub fn forward_result(&self) -> Option<&Film> {
        let (_, before) = self.forward.run.as_ref().filter(|(run, _)| *run == self.run_number)?;
        let is_new = |film: &&Film| before.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &film.info));
        self.film.as_ref().filter(is_new)
    }

    /// Milliseconds between two beats, while the picture dissolves.
    pub fn forward_beat(&self) -> Option<u32> {
        // Without motion it goes from mark to mark.
        self.forward.playing.then_some(if self.reduced_motion { 1000 } else { 90 })
    }

    pub fn forward_is_playing(&self) -> bool {
        self.forward.playing
    }

    /// When this changes, other questions may be due.
    pub fn forward_depends_on(&self) -> String {
        let ready = self.is_ready_for_questions() && self.config.is_some();
        format!("{ready} {} {}", self.settings().seed, self.address.model.key())
    }

    /// Whether something is read or encoded that the visitor waits for.
    pub fn forward_is_busy(&self) -> bool {
        let encoding = self.forward.latent.is_none() && self.forward.question.is_some();
        self.forward.reading.1 || encoding
    }

    /// The number that the file which is read now has.
    pub fn forward_reading(&self) -> u32 {
        self.forward.reading.0
    }
}
