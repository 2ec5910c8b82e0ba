//! A training between two steps, and what a step does to it.

use crate::Task;
use crate::optimizer::{clip_global_norm, ema_decay, update_ema};
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use ditscope_noise as noise;
use serde::{Deserialize, Serialize};

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Optimizer steps taken.
    pub step: usize,
    /// Seconds of training so far, over all sittings.
    pub seconds: f64,
    /// Seed of the batches and the noise.
    pub seed: u64,
}

/// Everything that going on needs: weights, their average, the optimizer's moments, and where it stands.
pub struct Training<M> {
    pub progress: Progress,
    /// With autodiff.
    pub model: M,
    /// Exponential moving average of the weights, without autodiff.
    pub ema: M,
    pub optimizer: ModuleOptimizer,
}

impl<M: Module> Training<M> {
    /// From these weights, at step 0.
    pub fn new(model: M, seed: u64) -> Self {
        let ema = model.valid();
        Self { progress: Progress { seed, ..Progress::default() }, model, ema, optimizer: Self::optimizer() }
    }

    /// AdamW without weight decay, which small models do not need.
    pub fn optimizer() -> ModuleOptimizer {
        AdamWConfig::new().with_beta_2(0.99).with_epsilon(1e-8).with_weight_decay(0.0).init()
    }

    /// The next step's batch, in micro-batches: a function of the seed and the step alone, so a training that was broken
    /// off takes the same batches when it goes on.
    pub fn batches<T: Task<Model = M>>(&self, task: &T, batch_size: usize, micro_batch_size: usize) -> Vec<T::Batch> {
        let mut rng = noise::rng(self.progress.seed, self.progress.step as u64);
        let pictures = task.num_pictures() as f64;
        let indices: Vec<usize> = (0..batch_size).map(|_| (noise::uniform(&mut rng) * pictures) as usize).collect();
        indices.chunks(micro_batch_size).map(|chunk| task.batch(chunk, &mut rng)).collect()
    }

    /// Takes a step along the gradients of a batch, and the average follows. The gradients' L2 norm before clipping.
    pub async fn step(&mut self, gradients: GradientsParams, lr: f64, clip_norm: f64, decay: f64) -> f64 {
        let (norm, gradients) = clip_global_norm(&self.model, gradients, clip_norm).await;
        self.model = self.optimizer.step(lr, self.model.clone(), gradients);
        self.ema = update_ema(self.ema.clone(), &self.model, ema_decay(self.progress.step, decay));
        self.progress.step += 1;
        norm
    }
}
