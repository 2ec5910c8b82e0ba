//! What a run asks of the network, step by step.

use super::{Batch, Run};
use burn::tensor::Tensor;
use std::ops::Range;

impl Run<'_> {
    /// What the next step asks of the network, for those who compute a part of it elsewhere; none where it takes over
    /// what an earlier step computed, and where pictures depart.
    pub fn batch(&self) -> Option<Batch> {
        if self.is_done() || self.is_apart() {
            return None;
        }
        Some(Batch { time: self.sampler.told(self.at()), labels: self.passes.labels(self.is_guided()) })
    }

    /// The network's output for some rows of [`Self::batch`].
    ///
    /// # Shapes
    /// - result: `[M, C_out, h, w]` for M rows
    ///
    /// # Panics
    /// When the run is done.
    pub fn rows(&mut self, rows: Range<usize>) -> Tensor<4> {
        self.check_not_done();
        let (labels, time) = (self.passes.labels(self.is_guided()), self.sampler.told(self.at()));
        if rows.len() < labels.len() {
            let x = self.latents(labels.len()).slice([rows.clone()]); // [M, C, h, w]
            return self.passes.rows(x, &labels[rows], time);
        }
        let known = self.loaded.take().and_then(|loaded| self.passes.loaded(loaded));
        known.unwrap_or_else(|| self.passes.rows(self.latents(labels.len()), &labels, time))
    }

    /// The latents as they are now for so many rows, `[N or 2N, C, h, w]`.
    fn latents(&self, rows: usize) -> Tensor<4> {
        match rows / self.num_images() {
            1 => self.x_t.clone(),
            times => Tensor::cat(vec![self.x_t.clone(); times], 0),
        }
    }

    /// Tells the device what the next step asks already now, where it answers from a recording: what waits to be told when a
    /// recording begins is handed over by itself.
    pub(super) fn load(&mut self) {
        self.loaded = None;
        if self.model.has_recording() && !self.is_done() && !self.is_apart() {
            let labels = self.passes.labels(self.is_guided());
            self.loaded = self.passes.load(self.latents(labels.len()), &labels, self.sampler.told(self.at()));
        }
    }

    /// Whether the step needs the unconditional output.
    pub(super) fn is_guided(&self) -> bool {
        let total = self.model.config.scheduler.num_train_timesteps;
        self.guidance.is_on() && self.savings.guides(self.sampler.timestep(self.at()), total)
    }

    /// Whether its outputs are none that others could compute.
    pub(super) fn is_apart(&self) -> bool {
        self.reuses() || self.departures.is_some()
    }

    /// Whether steps take over the middle blocks' change of others.
    pub(super) fn reuses(&self) -> bool {
        self.savings.cache_interval > 1
    }
}
