//! `dit train dit`: the transformer, on latents that were encoded once.

use super::trainer::{Task, TrainOptions, Trainer};
use crate::autoencoder::{Autoencoder, AutoencoderTiny};
use crate::config::{
    AutoencoderConfig, BetaSchedule, DiffusionConfig, DitConfig, LatentStats, ModelConfig, PredictionType, RunSettings,
    SamplerKind, VarianceType,
};
use crate::diffusion::noise::{self, gaussian};
use crate::diffusion::prediction::training_target;
use crate::diffusion::sampler::{SamplerConfig, training_schedule};
use crate::diffusion::schedule::NoiseSchedule;
use crate::dit::Dit;
use crate::generate::{Model, Noise, Request, Run};
use crate::native::data::{Dataset, DatasetInfo, Split};
use crate::native::{image, model_dir, parallel};
use crate::weights::Dtype;
use anyhow::{Context, Result, bail, ensure};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use clap::ValueEnum;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use std::path::{Path, PathBuf};

/// Options of `dit train dit`.
#[derive(Debug, Clone, clap::Args)]
pub struct DitOptions {
    #[command(flatten)]
    pub train: TrainOptions,
    /// Output folder of 'dit train autoencoder', or a model whose autoencoder is taken
    #[arg(long, value_name = "DIR")]
    pub autoencoder: PathBuf,
    /// Start from the transformer of this model; its latent statistics stay
    #[arg(long, value_name = "MODEL")]
    pub init: Option<PathBuf>,
    /// Name of the model, for people; absent: the data set's
    #[arg(long)]
    pub name: Option<String>,
    /// Class that a run shows when nothing is chosen
    #[arg(long, default_value_t = 9)]
    pub default_class: usize,
    /// Size from the paper (S, B, L, XL) instead of --depth, --hidden-size and --num-heads
    #[arg(long, conflicts_with_all = ["depth", "hidden_size", "num_heads"])]
    pub preset: Option<String>,
    #[arg(long, default_value_t = 6)]
    pub depth: usize,
    #[arg(long, default_value_t = 192)]
    pub hidden_size: usize,
    #[arg(long, default_value_t = 6)]
    pub num_heads: usize,
    #[arg(long, default_value_t = 2)]
    pub patch_size: usize,
    #[arg(long, value_enum, default_value_t = Schedule::Cosine)]
    pub beta_schedule: Schedule,
    /// Share of labels replaced by "no class", for guidance
    #[arg(long, default_value_t = 0.1)]
    pub class_dropout: f64,
    /// Weigh each timestep by min(SNR, γ)/SNR (Hang et al. 2023)
    #[arg(long, value_name = "GAMMA")]
    pub min_snr_gamma: Option<f64>,
    /// Clamp of the predicted clean latent while sampling, in standard deviations
    #[arg(long, default_value_t = 4.0)]
    pub clip_sample_range: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Schedule {
    Linear,
    Cosine,
}

impl DitOptions {
    fn config(&self, data: &DatasetInfo, autoencoder: AutoencoderConfig, latents: LatentStats) -> Result<ModelConfig> {
        let sample_size = data.side / autoencoder.factor();
        let mut transformer = DitConfig {
            sample_size,
            patch_size: self.patch_size,
            in_channels: autoencoder.latent_channels(),
            hidden_size: self.hidden_size,
            depth: self.depth,
            num_heads: self.num_heads,
            mlp_ratio: 4,
            num_classes: data.labels.len(),
            learn_sigma: false,
            downscale_freq_shift: 0,
            mlp_norm_eps: DitConfig::NORM_EPS,
        };
        if let Some(preset) = &self.preset {
            transformer = transformer.with_preset(preset)?;
        }
        let beta_schedule = match self.beta_schedule {
            Schedule::Linear => BetaSchedule::Linear,
            Schedule::Cosine => BetaSchedule::Cosine,
        };
        let config = ModelConfig {
            name: self.name.clone().unwrap_or_else(|| data.name.clone()),
            transformer,
            scheduler: DiffusionConfig {
                num_train_timesteps: 1000,
                beta_schedule,
                prediction_type: PredictionType::Epsilon,
                variance_type: VarianceType::FixedSmall,
                clip_sample_range: Some(self.clip_sample_range),
                guidance_channels: None,
            },
            autoencoder: Some(autoencoder),
            latents,
            labels: data.labels.clone(),
            defaults: RunSettings {
                class: self.default_class.min(data.labels.len() - 1),
                guidance_scale: 2.0,
                seed: 9,
                ..RunSettings::default()
            },
            license: format!("MIT OR Apache-2.0 (weights); data: {}", data.license),
        };
        config.validate()?;
        Ok(config)
    }
}

/// Trains a transformer and writes the model folder `OUT/model`.
///
/// # Errors
/// Bad options, data or an autoencoder that cannot be read, files that cannot be written.
pub fn run(options: &DitOptions) -> Result<()> {
    if !(0.0..1.0).contains(&options.class_dropout) {
        bail!("--class-dropout {}: use 0 up to 1", options.class_dropout);
    }
    if let Some(gamma) = options.min_snr_gamma.filter(|gamma| !(gamma.is_finite() && *gamma > 0.0)) {
        bail!("--min-snr-gamma {gamma}: use a positive number");
    }
    let plain = options.train.device.device();
    let device = plain.clone().autodiff();
    device.seed(options.train.seed);
    let (autoencoder_config, autoencoder) = model_dir::load_trainable_autoencoder(&options.autoencoder, &plain)?;
    let autoencoder_config = AutoencoderConfig::Tiny(autoencoder_config);
    let data = Dataset::load(&options.train.data, Split::Train)?;
    ensure!(
        autoencoder_config.image_channels() == data.info.channels,
        "--autoencoder {}: it is for pictures of {} channels, {} has {}",
        options.autoencoder.display(),
        autoencoder_config.image_channels(),
        data.info.name,
        data.info.channels
    );
    // Before the long encoding, so that a mistake is told at once.
    let start = options
        .init
        .as_ref()
        .map(|dir| start_from(dir, options, &data.info, &autoencoder_config, &device))
        .transpose()?;
    println!("encoding {} pictures{}", data.len(), if data.info.mirror { " and their mirror images" } else { "" });
    let mut latents = Latents::encode(&data, &autoencoder, &plain, options.train.threads());
    let (config, model) = match start {
        Some(start) => start,
        None => {
            let config = options.config(&data.info, autoencoder_config, latents.stats())?;
            let model = Dit::new(&config.transformer, &device);
            (config, model)
        }
    };
    latents.standardize(&config.latents);
    println!("transformer: {} parameters, {} tokens", model.num_params(), config.transformer.num_tokens());
    let task = DitTask {
        schedule: training_schedule(&config.scheduler),
        config,
        autoencoder,
        latents,
        labels: data.labels,
        device: device.clone(),
        plain,
        class_dropout: options.class_dropout,
        min_snr_gamma: options.min_snr_gamma,
        out: options.train.out.clone(),
    };
    let Some((ema, _)) = Trainer::new(&task, &options.train, &device, model)?.run()? else { return Ok(()) };
    let dir = options.train.out.join("model");
    model_dir::save(&dir, &task.model(&ema), Dtype::F16)?;
    println!("wrote {}", dir.display());
    Ok(())
}

/// The transformer of a model and the configuration to train it on with.
fn start_from(
    dir: &Path,
    options: &DitOptions,
    data: &DatasetInfo,
    autoencoder: &AutoencoderConfig,
    device: &Device,
) -> Result<(ModelConfig, Dit)> {
    let found = model_dir::read_config(dir).context("--init wants a model")?;
    let config = options.config(data, autoencoder.clone(), found.latents.clone())?;
    ensure!(
        found.transformer == config.transformer && found.scheduler.beta_schedule == config.scheduler.beta_schedule,
        "--init {}: that model is\n{:?} with {:?} noise, the options ask for\n{:?} with {:?} noise: give the options that it was trained with",
        dir.display(),
        found.transformer,
        found.scheduler.beta_schedule,
        config.transformer,
        config.scheduler.beta_schedule
    );
    Ok((config, model_dir::load_transformer(dir, device)?))
}

/// All latents of the training set: first of the pictures, then of their mirror images, where those are as good.
struct Latents {
    values: Vec<f32>,
    /// `[C, h, w]`
    shape: [usize; 3],
}

impl Latents {
    fn encode(data: &Dataset, autoencoder: &AutoencoderTiny, device: &Device, threads: usize) -> Self {
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
    fn stats(&self) -> LatentStats {
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

    fn standardize(&mut self, stats: &LatentStats) {
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

struct DitTask {
    config: ModelConfig,
    schedule: NoiseSchedule,
    autoencoder: AutoencoderTiny,
    latents: Latents,
    labels: Vec<u8>,
    device: Device,
    plain: Device,
    class_dropout: f64,
    min_snr_gamma: Option<f64>,
    out: PathBuf,
}

/// One micro-batch: what goes in, what should come out, and how much each picture counts.
struct Batch {
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
        let weight = per_picture(&|t| {
            self.min_snr_gamma.map_or(1.0, |gamma| self.schedule.snr(t).min(gamma) / self.schedule.snr(t))
        });
        let (x0, eps) = (tensor(x0), tensor(eps));
        let x_t = x0.clone() * signal.clone() + eps.clone() * noise.clone();
        let target = training_target(self.config.scheduler.prediction_type, x0, eps, signal, noise);
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
        let squares = (output - batch.target.clone()).square() * batch.weight.clone();
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
    fn model(&self, ema: &Dit) -> Model {
        Model {
            config: self.config.clone(),
            dit: ema.clone(),
            autoencoder: Some(Autoencoder::Tiny(self.autoencoder.clone())),
            device: self.plain.clone(),
        }
    }
}
