//! The transformer: a batch of noised latents, and how far the prediction is off.

use crate::gradients::scalar;
use crate::{Latents, Task};
use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_config::{ModelConfig, PredictionType};
use ditscope_core::diffusion::prediction::{min_snr_weight, training_target};
use ditscope_core::dit::Dit;
use ditscope_noise::{self as noise, gaussian};
use ditscope_schedule::{NoiseSchedule, training_schedule};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Predicting the noise in latents (or x̂0, v or a velocity: what the configuration says).
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
    /// Where on the straight path a flow model is trained.
    pub timestep_sampling: TimestepSampling,
    /// Distil from this one: it lies on the device without autodiff.
    pub teacher: Option<Dit>,
}

/// How σ is drawn for flow matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimestepSampling {
    /// Each as often.
    #[default]
    Uniform,
    /// The sigmoid of a standard normal number, so that the middle is seen more often (Esser et al. 2024, arXiv:2403.03206, eq.
    /// 19).
    LogitNormal,
}

/// How noisy one picture is made.
#[derive(Debug, Clone, Copy)]
struct Level {
    signal: f64,
    noise: f64,
    snr: f64,
    /// What the network is told.
    time: f64,
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
        let (mut levels, mut y) = (Vec::new(), Vec::new());
        for &index in indices {
            let mirrored = noise::uniform(rng) < 0.5;
            x0.extend_from_slice(self.latents.get(index, mirrored, self.num_pictures()));
            levels.push(self.level(rng));
            let dropped = noise::uniform(rng) < self.class_dropout;
            y.push(if dropped && self.config.transformer.has_null_label {
                self.config.transformer.null_label() as i64
            } else {
                i64::from(self.labels[index])
            });
        }
        let eps = gaussian(rng.next_u64(), 0, x0.len());
        let tensor = |values| Tensor::<4>::from_data(TensorData::new(values, [n, c, h, w]), &self.device);
        let per_picture = |f: &dyn Fn(&Level) -> f64| {
            let values: Vec<f32> = levels.iter().map(|level| f(level) as f32).collect();
            Tensor::<4>::from_data(TensorData::new(values, [n, 1, 1, 1]), &self.device)
        };
        let (signal, noise) = (per_picture(&|level| level.signal), per_picture(&|level| level.noise));
        let kind = self.config.scheduler.prediction_type;
        let weight =
            per_picture(&|level| self.min_snr_gamma.map_or(1.0, |gamma| min_snr_weight(kind, level.snr, gamma)));
        let (x0, eps) = (tensor(x0), tensor(eps));
        let x_t = x0.clone() * signal.clone() + eps.clone() * noise.clone();
        let target = training_target(kind, x0, eps, signal, noise);
        Batch {
            x_t,
            t: per_picture(&|level| level.time).reshape([n]),
            y: Tensor::from_data(TensorData::new(y, [n]), &self.device),
            target,
            weight,
        }
    }

    fn batch_on(&self, batch: &Batch, device: &Device) -> Batch {
        Batch {
            x_t: batch.x_t.clone().to_device(device),
            t: batch.t.clone().to_device(device),
            y: batch.y.clone().to_device(device),
            target: batch.target.clone().to_device(device),
            weight: batch.weight.clone().to_device(device),
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
            timestep_sampling: TimestepSampling::default(),
            teacher: None,
        }
    }

    /// A timestep, each as likely; on the straight path any σ.
    fn level(&self, rng: &mut ChaCha8Rng) -> Level {
        let scheduler = &self.config.scheduler;
        match scheduler.prediction_type {
            PredictionType::Epsilon | PredictionType::Sample | PredictionType::VPrediction => {
                let t = (noise::uniform(rng) * self.schedule.len() as f64) as usize;
                let (signal, noise) = self.schedule.q_sample_factors(t);
                Level { signal, noise, snr: self.schedule.snr(t), time: t as f64 }
            }
            PredictionType::FlowPrediction | PredictionType::SitFlowPrediction => {
                let sigma = match self.timestep_sampling {
                    // In (0, 1].
                    TimestepSampling::Uniform => 1.0 - noise::uniform(rng),
                    TimestepSampling::LogitNormal => {
                        1.0 / (1.0 + (-f64::from(gaussian(rng.next_u64(), 0, 1)[0])).exp())
                    }
                };
                let snr = ((1.0 - sigma) / sigma).powi(2);
                Level { signal: 1.0 - sigma, noise: sigma, snr, time: scheduler.told(0, sigma) }
            }
        }
    }

    /// Mean loss over all pictures, always with the same timesteps and noise.
    pub async fn mean_loss(&self, dit: &Dit) -> f64 {
        const BATCH: usize = 64;
        let indices: Vec<usize> = (0..self.num_pictures()).collect();
        let (mut rng, mut sum) = (noise::rng(0, 0), 0.0);
        for chunk in indices.chunks(BATCH) {
            sum += f64::from(scalar(self.loss(dit, &self.batch(chunk, &mut rng))).await.expect("the device answers"));
        }
        sum / indices.len() as f64
    }

    /// What the teacher says of the batch; no gradient flows into it.
    fn taught(&self, teacher: &Dit, batch: &Batch) -> Tensor<4> {
        let output = teacher.forward(batch.x_t.clone().inner(), batch.t.clone().inner(), batch.y.clone().inner());
        Tensor::from_inner(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_config::DiffusionConfig;

    const PICTURES: usize = 400;

    fn task(timestep_sampling: TimestepSampling) -> DitTask {
        let mut config: ModelConfig = serde_json::from_value(serde_json::json!({
            "name": "Flow",
            "transformer": {
                "sample_size": 2, "patch_size": 2, "in_channels": 1, "hidden_size": 8, "depth": 1, "num_heads": 1,
                "num_classes": 1, "learn_sigma": false,
            },
            "scheduler": { "beta_schedule": "linear", "prediction_type": "epsilon", "variance_type": "fixed_small" },
            "latents": { "mean": [0.0], "std": [1.0] },
            "labels": ["one"],
        }))
        .expect("a configuration");
        config.scheduler = DiffusionConfig::flow();
        let latents = Latents::new(gaussian(1, 0, PICTURES * 4), [1, 2, 2]);
        DitTask { timestep_sampling, ..DitTask::new(&config, latents, vec![0; PICTURES], &Device::flex()) }
    }

    fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_into_vec().expect("f32")
    }

    /// The velocity that is to be learned leads from x_t to the picture, by as much as the network is told of noise.
    #[test]
    fn a_flow_model_learns_the_velocity_along_the_straight_path() {
        let task = task(TimestepSampling::Uniform);
        let indices: Vec<usize> = (0..PICTURES).collect();
        let batch = task.batch(&indices, &mut noise::rng(0, 0));
        let sigma = (batch.t / 1000.0).reshape([PICTURES as i32, 1, 1, 1]); // [B, 1, 1, 1]
        let x0 = numbers(batch.x_t - batch.target * sigma);
        assert!(x0.iter().zip(task.latents.values()).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    /// Picture 0 is all −1, its mirror image all 1; on the straight path the target is noise less picture.
    #[test]
    fn mirror_images_are_learned_unless_they_are_left_out() {
        let seen = |without: bool| {
            let mut task = task(TimestepSampling::Uniform);
            task.latents = Latents::new([[-1.0; 4], [1.0; 4]].concat(), [1, 2, 2]);
            if without {
                task.latents.truncate(1);
            }
            task.labels.truncate(1);
            let batch = task.batch(&[0; 50], &mut noise::rng(0, 0));
            let sigma = (batch.t / 1000.0).reshape([50, 1, 1, 1]); // [B, 1, 1, 1]
            let x0 = numbers(batch.x_t - batch.target * sigma);
            x0.iter().filter(|value| **value > 0.0).count() / 4
        };
        assert!((10..40).contains(&seen(false)), "{}", seen(false));
        assert_eq!(seen(true), 0);
    }

    #[test]
    fn noise_is_drawn_evenly_or_from_the_middle() {
        let share = |sampling| {
            let (task, mut rng) = (task(sampling), noise::rng(0, 0));
            let levels: Vec<Level> = (0..4000).map(|_| task.level(&mut rng)).collect();
            assert!(levels.iter().all(|level| level.noise > 0.0 && level.noise <= 1.0 && level.snr.is_finite()));
            assert!(levels.iter().any(|level| (level.time * 7.0).fract() != 0.0), "any σ, not some of them");
            let middle = levels.iter().filter(|level| (0.25..0.75).contains(&level.noise)).count();
            middle as f64 / levels.len() as f64
        };
        let (uniform, logit_normal) = (share(TimestepSampling::Uniform), share(TimestepSampling::LogitNormal));
        assert!((uniform - 0.5).abs() < 0.03, "{uniform}");
        // P(|normal| < ln 3)
        assert!((logit_normal - 0.728).abs() < 0.03, "{logit_normal}");
    }
}
