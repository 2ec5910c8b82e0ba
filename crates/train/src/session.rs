//! A whole training of a transformer in one thread, step by step: what a browser tab does, and the same numbers as
//! `dit train dit --threads 1`.

use crate::copy::copied;
use crate::{DitTask, Gradients, Progress, Task, Training, learning_rate};
use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use ditscope_core::dit::Dit;

/// How it is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Pictures per optimizer step.
    pub batch_size: usize,
    /// Pictures per forward and backward pass.
    pub micro_batch_size: usize,
    /// Peak learning rate.
    pub lr: f64,
    /// Steps of linear warm-up, see [`learning_rate`].
    pub warmup_steps: usize,
    /// Of the averaged weights.
    pub ema_decay: f64,
    /// Largest L2 norm of the gradients.
    pub clip_norm: f64,
    /// Steps to the end, towards which the learning rate falls.
    pub total_steps: usize,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stepped {
    pub loss: f64,
    pub lr: f64,
}

/// The loss was no number: no step was taken along its gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NotFinite {
    pub loss: f64,
    pub step: usize,
}

/// A training between two steps, with all that a step needs.
pub struct Session {
    pub task: DitTask,
    pub recipe: Recipe,
    pub training: Training<Dit>,
}

/// The weights, their average and the optimizer's moments as bytes.
pub type Checkpoint = [Vec<u8>; 3];

impl Session {
    /// From these weights, at step 0. `dit` lies on the task's device, with autodiff.
    pub fn new(task: DitTask, recipe: Recipe, dit: Dit, seed: u64) -> Self {
        Self { task, recipe, training: Training::new(dit, seed) }
    }

    /// Takes a step.
    ///
    /// # Errors
    /// [`NotFinite`]; the training is then as it was before.
    pub async fn step(&mut self) -> Result<Stepped, NotFinite> {
        let Recipe { batch_size, micro_batch_size, warmup_steps, ema_decay, clip_norm, total_steps, .. } = self.recipe;
        let step = self.training.progress.step;
        let share = step as f64 / total_steps.max(1) as f64;
        let lr = learning_rate(self.recipe.lr, step, warmup_steps, share);
        let mut gradients = Gradients::default();
        for batch in self.training.batches(&self.task, batch_size, micro_batch_size) {
            let loss = self.task.loss(&self.training.model, &batch) / batch_size as f64;
            gradients.add(&self.training.model, loss).await.expect("the device answers");
        }
        let (loss, gradients) = gradients.finish();
        if !loss.is_finite() {
            return Err(NotFinite { loss, step });
        }
        self.training.step(gradients, lr, clip_norm, ema_decay).await;
        Ok(Stepped { loss, lr })
    }

    /// Whether the steps that were planned are taken.
    pub fn is_done(&self) -> bool {
        self.training.progress.step >= self.recipe.total_steps
    }

    /// What going on needs, beside [`Progress`]; `cpu` is where records are written. Another device's optimizer keeps its
    /// moments to itself, which burn reads only by blocking: it is left out.
    ///
    /// # Errors
    /// What burn could not write.
    pub async fn checkpoint(&self, cpu: &Device) -> Result<Checkpoint, String> {
        let record = |dit: Dit| dit.into_record().into_bytes().map(|bytes| bytes.to_vec());
        let words = |error: burn::store::RecordError| error.to_string();
        let optimizer = match self.is_on(cpu) {
            true => self.training.optimizer.into_bytes().map_err(words)?.to_vec(),
            false => vec![],
        };
        let model = self.brought(&self.training.model, cpu).await;
        let ema = self.brought(&self.training.ema, cpu).await;
        Ok([record(model).map_err(words)?, record(ema).map_err(words)?, optimizer])
    }

    /// The averaged weights, to be used on this device.
    pub async fn average(&self, device: &Device) -> Dit {
        self.brought(&self.training.ema, device).await
    }

    fn is_on(&self, device: &Device) -> bool {
        self.task.device.clone().inner() == *device
    }

    async fn brought(&self, dit: &Dit, device: &Device) -> Dit {
        if self.is_on(device) {
            return dit.clone();
        }
        copied(&dit.valid(), Dit::new(&self.task.config.transformer, device), device).await
    }

    /// Goes on from a checkpoint of this very training; without the optimizer's moments they gather anew.
    ///
    /// # Errors
    /// What in it does not fit; the session is then lost.
    pub fn resumed(self, progress: Progress, checkpoint: Checkpoint) -> Result<Self, String> {
        let [model, ema, optimizer] = checkpoint.map(Bytes::from_bytes_vec);
        let load = |dit: Dit, bytes| {
            let record = ModuleRecord::from_bytes(bytes).map_err(|error| error.to_string())?;
            dit.try_load_record(record).map_err(|error| error.to_string())
        };
        let Training { model: fresh, ema: fresh_ema, optimizer: fresh_optimizer, .. } = self.training;
        let model = load(fresh, model)?.fork(&self.task.device);
        let ema = load(fresh_ema, ema)?.fork(&self.task.device.clone().inner());
        let optimizer = match optimizer.is_empty() {
            true => Training::<Dit>::optimizer(),
            false => fresh_optimizer.from_bytes(optimizer).map_err(|error| error.to_string())?,
        };
        Ok(Self { training: Training { progress, model, ema, optimizer }, ..self })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::Latents;
    use burn::tensor::Device;
    use ditscope_config::ModelConfig;
    use ditscope_noise::gaussian;
    use pollster::block_on;

    const RECIPE: Recipe = Recipe {
        batch_size: 8,
        micro_batch_size: 4,
        lr: 1e-2,
        warmup_steps: 2,
        ema_decay: 0.9,
        clip_norm: 1.0,
        total_steps: 12,
    };

    /// A transformer that takes no time.
    pub fn tiny() -> ModelConfig {
        serde_json::from_value(serde_json::json!({
            "name": "Tiny",
            "transformer": {
                "sample_size": 4, "patch_size": 2, "in_channels": 1, "hidden_size": 16, "depth": 1, "num_heads": 1,
                "num_classes": 2, "learn_sigma": false,
            },
            "scheduler": { "beta_schedule": "cosine", "prediction_type": "v_prediction", "variance_type": "fixed_small" },
            "latents": { "mean": [0.0], "std": [1.0] },
            "labels": ["one", "two"],
        }))
        .expect("a configuration")
    }

    fn session(lr: f64) -> Session {
        let device = Device::flex().autodiff();
        session_of(Dit::new(&tiny().transformer, &device), lr, &device)
    }

    fn session_of(dit: Dit, lr: f64, device: &Device) -> Session {
        let config = tiny();
        let latents = Latents::new(gaussian(2, 0, 16 * 16), [1, 4, 4]);
        let task = DitTask::new(&config, latents, (0..16).map(|i| i % 2).collect(), device);
        Session::new(task, Recipe { lr, ..RECIPE }, dit, 3)
    }

    fn losses(session: &mut Session, steps: usize) -> Vec<f64> {
        (0..steps).map(|_| block_on(session.step()).expect("a finite loss").loss).collect()
    }

    #[test]
    fn it_goes_on_from_a_checkpoint_as_if_it_had_never_stopped() {
        // One set of weights for all three: tests beside this one draw from the process's one generator, too.
        let device = Device::flex().autodiff();
        let dit = Dit::new(&tiny().transformer, &device);
        let session = || session_of(dit.clone(), 1e-2, &device);
        let mut whole = session();
        let all = losses(&mut whole, 12);
        assert!(whole.is_done() && all.iter().all(|loss| *loss > 0.0));
        let mut first = session();
        let before = losses(&mut first, 5);
        let kept = block_on(first.checkpoint(&Device::flex())).expect("bytes");
        // Steps that are taken back.
        losses(&mut first, 3);
        let fresh = session();
        let progress = Progress { step: 5, ..fresh.training.progress };
        let mut second = fresh.resumed(progress, kept).expect("its own checkpoint");
        assert!(!second.is_done());
        assert_eq!([before, losses(&mut second, 7)].concat(), all);
    }

    #[test]
    fn a_loss_that_is_no_number_takes_no_step() {
        let mut session = session(1e30);
        let failed = (0..12).find_map(|_| block_on(session.step()).err()).expect("it goes wrong");
        assert!(!failed.loss.is_finite() && failed.step == session.training.progress.step);
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let kept = block_on(session(1e-2).checkpoint(&Device::flex())).expect("bytes");
        let resumed = |parts: Checkpoint| session(1e-2).resumed(Progress::default(), parts);
        for part in 0..3 {
            let mut damaged = kept.clone();
            damaged[part].truncate(7);
            assert!(resumed(damaged).is_err(), "{part}");
        }
    }
}
