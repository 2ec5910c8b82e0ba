//! `dit train dit`: the transformer, on latents that were encoded once.

use super::encode_latents;
use super::trainer::{TrainOptions, Trainer};
use crate::image;
use anyhow::{Context, Result, bail, ensure};
use burn::module::Module;
use burn::tensor::Device;
use clap::ValueEnum;
use ditscope_config::{
    AutoencoderConfig, BetaSchedule, Conditioning, DiffusionConfig, DitConfig, LatentStats, ModelConfig,
    PredictionType, RunSettings, SamplerKind, VarianceType,
};
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::dit::Dit;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_core::weights::Dtype;
use ditscope_data::{Split, load};
use ditscope_model_dir as model_dir;
use ditscope_train::{DatasetInfo, DitTask};
use std::path::{Path, PathBuf};

/// Options of `dit train dit`.
#[derive(Debug, Clone, clap::Args)]
pub struct DitOptions {
    #[command(flatten)]
    pub train: TrainOptions,
    /// Output folder of 'dit train autoencoder', or a model whose autoencoder is taken
    #[arg(long, value_name = "DIR")]
    pub autoencoder: PathBuf,
    /// Start from the transformer of this model; its latent statistics stay. It may have put out another thing than
    /// --prediction-type asks for: the first hundreds of steps turn it
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
    /// How timestep and class reach the blocks: in_context, cross_attention, adaln, adaln_zero
    #[arg(long, default_value = "adaln_zero")]
    pub conditioning: Conditioning,
    /// Normalise queries and keys of the attention, head by head
    #[arg(long)]
    pub qk_norm: bool,
    #[arg(long, value_enum, default_value_t = Schedule::Cosine)]
    pub beta_schedule: Schedule,
    /// What the network puts out
    #[arg(long, value_enum, default_value_t = Prediction::Epsilon)]
    pub prediction_type: Prediction,
    /// Distil: aim half-way between the noise that was added and what this model says of it
    #[arg(long, value_name = "MODEL")]
    pub teacher: Option<PathBuf>,
    /// Share of labels replaced by "no class", for guidance
    #[arg(long, default_value_t = 0.1)]
    pub class_dropout: f64,
    /// Weigh the error of the clean latent at each timestep by min(SNR, γ) (Hang et al. 2023)
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Prediction {
    /// The noise
    Epsilon,
    /// The clean latent
    Sample,
    /// v = √ᾱ·ε − √(1−ᾱ)·x0
    V,
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
            conditioning: self.conditioning,
            learn_sigma: false,
            downscale_freq_shift: 0,
            mlp_norm_eps: DitConfig::NORM_EPS,
            qk_norm: self.qk_norm,
            block_embedders: false,
        };
        if let Some(preset) = &self.preset {
            transformer = transformer.with_preset(preset)?;
        }
        let beta_schedule = match self.beta_schedule {
            Schedule::Linear => BetaSchedule::Linear,
            Schedule::Cosine => BetaSchedule::Cosine,
        };
        let prediction_type = match self.prediction_type {
            Prediction::Epsilon => PredictionType::Epsilon,
            Prediction::Sample => PredictionType::Sample,
            Prediction::V => PredictionType::VPrediction,
        };
        let config = ModelConfig {
            name: self.name.clone().unwrap_or_else(|| data.name.clone()),
            transformer,
            scheduler: DiffusionConfig {
                clip_sample_range: Some(self.clip_sample_range),
                ..DiffusionConfig::new(beta_schedule, prediction_type, VarianceType::FixedSmall)
            },
            autoencoder: Some(autoencoder),
            latents,
            audio: data.audio.clone(),
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
    let data = load(&options.train.data, Split::Train)?;
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
    let mut latents = encode_latents(&data, &autoencoder, &plain, options.train.threads());
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
    let teacher = options.teacher.as_ref().map(|dir| load_teacher(dir, &config, &plain)).transpose()?;
    let task = DitTask {
        class_dropout: options.class_dropout,
        min_snr_gamma: options.min_snr_gamma,
        teacher,
        ..DitTask::new(&config, latents, data.labels, &device)
    };
    let whole = |dit: &Dit| {
        let autoencoder = Some(Autoencoder::Tiny(autoencoder.clone()));
        Model::of(config.clone(), dit.clone(), autoencoder, plain.clone())
    };
    let report =
        |ema: &Dit, step: usize| save_samples(&whole(ema), &options.train.out.join(format!("samples-{step:06}.png")));
    let Some(ema) = Trainer::new(&task, &options.train, &device, model)?.run(report)? else { return Ok(()) };
    let dir = options.train.out.join("model");
    model_dir::save(&dir, &whole(&ema), Dtype::F16)?;
    println!("wrote {}", dir.display());
    Ok(())
}

/// Eight pictures of each class, one class a row.
fn save_samples(model: &Model, path: &Path) -> Result<()> {
    const COLUMNS: usize = 8;
    let classes: Vec<usize> = (0..model.config.labels.len() * COLUMNS).map(|i| i / COLUMNS).collect();
    let request = Request {
        noise: Noise::Seeded((0..classes.len() as u64).collect()),
        classes,
        guidance_scales: vec![model.config.defaults.guidance_scale],
        guidance_channels: None,
        sampler: SamplerConfig::new(SamplerKind::Ddim, 20),
        start: None,
    };
    let mut run = Run::new(model, request)?;
    while !run.is_done() {
        run.step()?;
    }
    let pictures = image::pictures(model.decode(run.x_t().clone()));
    image::grid(&pictures, COLUMNS, 2).enlarged(2).save_png(path)
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
    let process = DiffusionConfig { prediction_type: config.scheduler.prediction_type, ..found.scheduler.clone() };
    ensure!(
        found.transformer == config.transformer && process == config.scheduler,
        "--init {}: that model is\n{:?}, {:?}; the options ask for\n{:?}, {:?}: give the options that it was trained with",
        dir.display(),
        found.transformer,
        found.scheduler,
        config.transformer,
        config.scheduler
    );
    Ok((config, model_dir::load_transformer(dir, device)?))
}

/// The model to learn from: it must have the same noise schedule, latents and prediction type.
fn load_teacher(dir: &Path, config: &ModelConfig, device: &Device) -> Result<Dit> {
    let found = model_dir::read_config(dir).context("--teacher wants a model")?;
    let shape = |c: &ModelConfig| (c.transformer.in_channels, c.transformer.sample_size, c.transformer.num_classes);
    ensure!(
        shape(&found) == shape(config) && found.scheduler == config.scheduler && found.latents == config.latents,
        "--teacher {}: latents, classes or noise of that model are others than this one's: give --autoencoder and --init of one family",
        dir.display()
    );
    model_dir::load_transformer(dir, device)
}
