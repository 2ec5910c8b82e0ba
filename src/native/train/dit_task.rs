//! What a training step of the transformer is: a batch of noised latents, and how far the prediction is off.

use super::trainer::Task;
use crate::autoencoder::{Autoencoder, AutoencoderTiny};
use crate::config::{LatentStats, ModelConfig, SamplerKind};
use crate::diffusion::noise::{self, gaussian};
use crate::diffusion::prediction::{min_snr_weight, training_target};
use crate::diffusion::sampler::{SamplerConfig, training_schedule};
use crate::diffusion::schedule::NoiseSchedule;
use crate::dit::Dit;
use crate::generate::{Model, Noise, Request, Run};
use crate::native::data::Dataset;
use crate::native::{image, parallel};
use anyhow::Result;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use std::path::PathBuf;

/// All latents of the training set: first of the pictures, then of their mirror images, where those are as good.
pub(in crate::native) struct Latents {
    values: Vec<f32>,
    /// `[C, h, w]`
    shape: [usize; 3],
}

impl Latents {
    pub(in crate::native) fn encode(
        data: &Dataset,
        autoencoder: &AutoencoderTiny,
        device: &Device,
        threads: usize,
    ) -> Self {
        const CHUNK: usize = 100;
        let indices: Vec<usize> = (0..data.len()).collect();
        let flips = if data.info.mirror { &[false, true][..] } else { &[false] };
        let chunks: Vec<(bool, &[usize])> =
            flips.iter().flat_map(|flip| indices.chunks(CHUNK).map(move |chunk| (*flip, chunk))).collect();
        let encoded = parallel::map(threads, chunks.len(), |i| {
            let (flip, chunk) = chunks[i];
            let z = autoencoder.encode(data.batch(chunk, |_| flip, device));
            let [_, c, h, w] = z.dims();
            ([c, h, w], z.into_data().convert::<f32>().try_into_vec::<f32>().expect("converted to f32"))
        });
        let shape = encoded[0].0;
        Self { values: encoded.into_iter().flat_map(|(_, values)| values).collect(), shape }
    }

    /// Mean and standard deviation of every channel.
    pub(in crate::native) fn stats(&self) -> LatentStats {
        let [c, h, w] = self.shape;
        let (mut mean, mut std) = (Vec::new(), Vec::new());
        for channel in 0..c {
            let of_channel =
                || self.values.chunks_exact(h * w).skip(channel).step_by(c).flatten().map(|v| f64::from(*v));
            let count = (self.values.len() / c) as f64;
            let m = of_channel().sum::<f64>() / count;
            let s = (of_channel().map(|v| (v - m).powi(2)).sum::<f64>() / count).sqrt();
            mean.push(m as f32);
            std.push(s as f32);
        }
        LatentStats { mean, std, rgb: None }
    }

    pub(in crate::native) fn standardize(&mut self, stats: &LatentStats) {
        let [c, h, w] = self.shape;
        for (i, chunk) in self.values.chunks_exact_mut(h * w).enumerate() {
            chunk.iter_mut().for_each(|v| *v = (*v - stats.mean[i % c]) / stats.std[i % c]);
        }
    }

    /// The latent of a picture, or of its mirror image where there are such.
    fn get(&self, index: usize, mirrored: bool, num_pictures: usize) -> &[f32] {
        let len: usize = self.shape.iter().product();
        let has_mirrored = self.values.len() > num_pictures * len;
        let index = if mirrored && has_mirrored { num_pictures + index } else { index };
        &self.values[index * len..][..len]
    }
}

pub(in crate::native) struct DitTask {
    pub config: ModelConfig,
    pub schedule: NoiseSchedule,
    pub autoencoder: AutoencoderTiny,
    pub latents: Latents,
    pub labels: Vec<u8>,
    pub device: Device,
    pub plain: Device,
    pub class_dropout: f64,
    pub min_snr_gamma: Option<f64>,
    /// On the plain device: it is not trained.
    pub teacher: Option<Dit>,
    pub out: PathBuf,
}

/// One micro-batch: what goes in, what should come out, and how much each picture counts.
pub(in crate::native) struct Batch {
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
        let [c, h, w] = self.latents.shape;
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
        squares.sum() / self.latents.shape.iter().product::<usize>() as f64
    }

    /// Eight pictures of each class, one class a row.
    fn sample(&self, ema: &Dit, step: usize) -> Result<()> {
        const COLUMNS: usize = 8;
        let model = self.model(ema);
        let classes: Vec<usize> = (0..self.config.labels.len() * COLUMNS).map(|i| i / COLUMNS).collect();
        let request = Request {
            noise: Noise::Seeded((0..classes.len() as u64).collect()),
            classes,
            guidance_scales: vec![self.config.defaults.guidance_scale],
            guidance_channels: None,
            sampler: SamplerConfig::new(SamplerKind::Ddim, 20),
            start: None,
        };
        let mut run = Run::new(&model, request)?;
        while !run.is_done() {
            run.step()?;
        }
        let pictures = image::pictures(model.decode(run.x_t().clone()));
        image::grid(&pictures, COLUMNS, 2).enlarged(2).save_png(&self.out.join(format!("samples-{step:06}.png")))
    }
}

impl DitTask {
    /// The task as it was for a model that is trained already, on any pictures.
    pub(in crate::native) fn for_model(
        config: &ModelConfig,
        autoencoder: &AutoencoderTiny,
        data: Dataset,
        device: &Device,
        threads: usize,
    ) -> Self {
        let mut latents = Latents::encode(&data, autoencoder, device, threads);
        latents.standardize(&config.latents);
        Self {
            schedule: training_schedule(&config.scheduler),
            config: config.clone(),
            autoencoder: autoencoder.clone(),
            latents,
            labels: data.labels,
            device: device.clone(),
            plain: device.clone(),
            class_dropout: 0.1,
            min_snr_gamma: None,
            teacher: None,
            out: PathBuf::new(),
        }
    }

    /// Mean loss over all pictures, always with the same timesteps and noise.
    pub(in crate::native) fn mean_loss(&self, dit: &Dit) -> f64 {
        const BATCH: usize = 64;
        let indices: Vec<usize> = (0..self.num_pictures()).collect();
        let mut rng = noise::rng(0, 0);
        let sum: f64 = indices
            .chunks(BATCH)
            .map(|chunk| f64::from(self.loss(dit, &self.batch(chunk, &mut rng)).into_scalar::<f32>()))
            .sum();
        sum / indices.len() as f64
    }

    /// What the teacher says of the batch; no gradient flows into it.
    fn taught(&self, teacher: &Dit, batch: &Batch) -> Tensor<4> {
        let output = teacher.forward(batch.x_t.clone().inner(), batch.t.clone().inner(), batch.y.clone().inner());
        Tensor::from_inner(output)
    }

    pub(in crate::native) fn model(&self, ema: &Dit) -> Model {
        Model {
            config: self.config.clone(),
            dit: ema.clone(),
            autoencoder: Some(Autoencoder::Tiny(self.autoencoder.clone())),
            device: self.plain.clone(),
        }
    }
}
