//! The transformer: a batch of noised latents, and how far the prediction is off.

use crate::gradients::scalar;
use crate::{Latents, Task};
use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_config::ModelConfig;
use ditscope_core::diffusion::prediction::{min_snr_weight, training_target};
use ditscope_core::dit::Dit;
use ditscope_noise::{self as noise, gaussian};
use ditscope_schedule::{NoiseSchedule, training_schedule};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Predicting the noise in latents (or x̂0, or v: what the configuration says).
pub struct DitTask {
    pub config: ModelConfig,
    pub schedule: NoiseSchedule,
    /// Standardised.
    pub latents: Latents,
    pub labels: Vec<u8>,
    /// With autodiff, where it is trained.
    pub device: Device,
    /// Share of labels replaced by the null label, for guidance.
    pub class_dropout: f64,
    /// Weigh the error of x̂0 at each timestep by min(SNR, γ) (Hang et al. 2023).
    pub min_snr_gamma: Option<f64>,
    /// Distil from this one: it lies on the device without autodiff.
    pub teacher: Option<Dit>,
}

/// One micro-batch: what goes in, what should come out, and how much each picture counts.
pub struct Batch {
    x_t: Tensor<4>,
    t: Tensor<1>,
    y: Tensor<1, Int>,
    target: Tensor<4>,
    /// `[B, 1, 1, 1]`
    weight: Tensor<4>,
}

impl Task for DitTask {
    type Model = Dit;
    type Batch = Batch;

    fn num_pictures(&self) -> usize {
        self.labels.len()
    }

    fn batch(&self, indices: &[usize], rng: &mut ChaCha8Rng) -> Batch {
        let n = indices.len();
        let [c, h, w] = self.latents.shape();
        let mut x0 = Vec::with_capacity(n * c * h * w);
        let (mut t, mut y) = (Vec::new(), Vec::new());
        for &index in indices {
            let mirrored = noise::uniform(rng) < 0.5;
            x0.extend_from_slice(self.latents.get(index, mirrored, self.num_pictures()));
            t.push((noise::uniform(rng) * self.schedule.len() as f64) as usize);
            let dropped = noise::uniform(rng) < self.class_dropout;
            y.push(if dropped { self.config.transformer.null_label() as i64 } else { i64::from(self.labels[index]) });
        }
        let eps = gaussian(rng.next_u64(), 0, x0.len());
        let tensor = |values| Tensor::<4>::from_data(TensorData::new(values, [n, c, h, w]), &self.device);
        let per_picture = |f: &dyn Fn(usize) -> f64| {
            let values: Vec<f32> = t.iter().map(|t| f(*t) as f32).collect();
            Tensor::<4>::from_data(TensorData::new(values, [n, 1, 1, 1]), &self.device)
        };
        let signal = per_picture(&|t| self.schedule.q_sample_factors(t).0);
        let noise = per_picture(&|t| self.schedule.q_sample_factors(t).1);
        let kind = self.config.scheduler.prediction_type;
        let weight =
            per_picture(&|t| self.min_snr_gamma.map_or(1.0, |gamma| min_snr_weight(kind, self.schedule.snr(t), gamma)));
        let (x0, eps) = (tensor(x0), tensor(eps));
        let x_t = x0.clone() * signal.clone() + eps.clone() * noise.clone();
        let target = training_target(kind, x0, eps, signal, noise);
        let timesteps: Vec<f32> = t.iter().map(|t| *t as f32).collect();
        Batch {
            x_t,
            t: Tensor::from_data(TensorData::new(timesteps, [n]), &self.device),
            y: Tensor::from_data(TensorData::new(y, [n]), &self.device),
            target,
            weight,
        }
    }

    fn loss(&self, model: &Dit, batch: &Batch) -> Tensor<1> {
        let output = model.forward(batch.x_t.clone(), batch.t.clone(), batch.y.clone());
        let target = match &self.teacher {
            // The squared distances from two points have the same gradient as that from the middle between them.
            Some(teacher) => (batch.target.clone() + self.taught(teacher, batch)) * 0.5,
            None => batch.target.clone(),
        };
        let squares = (output - target).square() * batch.weight.clone();
        squares.sum() / self.latents.shape().iter().product::<usize>() as f64
    }
}

impl DitTask {
    /// The task of training a model of this configuration on these latents, without options.
    pub fn new(config: &ModelConfig, latents: Latents, labels: Vec<u8>, device: &Device) -> Self {
        Self {
            schedule: training_schedule(&config.scheduler),
            config: config.clone(),
            latents,
            labels,
            device: device.clone(),
            class_dropout: 0.1,
            min_snr_gamma: None,
            teacher: None,
        }
    }

    /// Mean loss over all pictures, always with the same timesteps and noise.
    pub async fn mean_loss(&self, dit: &Dit) -> f64 {
        const BATCH: usize = 64;
        let indices: Vec<usize> = (0..self.num_pictures()).collect();
        let (mut rng, mut sum) = (noise::rng(0, 0), 0.0);
        for chunk in indices.chunks(BATCH) {
            sum += f64::from(scalar(self.loss(dit, &self.batch(chunk, &mut rng))).await);
        }
        sum / indices.len() as f64
    }

    /// What the teacher says of the batch; no gradient flows into it.
    fn taught(&self, teacher: &Dit, batch: &Batch) -> Tensor<4> {
        let output = teacher.forward(batch.x_t.clone().inner(), batch.t.clone().inner(), batch.y.clone().inner());
        Tensor::from_inner(output)
    }
}
