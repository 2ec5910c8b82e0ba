//! `dit train autoencoder`: pictures ↔ latents.

use super::begun::Begun;
use super::data::{fingerprint, hash};
use super::trainer::{Changeable, TrainOptions, Trainer};
use crate::classifier;
use crate::image;
use crate::output::say;
use anyhow::{Result, ensure};
use burn::module::Module;
use burn::tensor::Device;
use ditscope_config::{AutoencoderConfig, TinyConfig};
use ditscope_core::autoencoder::{Autoencoder, AutoencoderTiny};
use ditscope_data::{Split, load_pictures};
use ditscope_model_dir as model_dir;
use ditscope_train::{AutoencoderTask, Classifier, Dataset, DatasetInfo, Perceptual};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Options of `dit train autoencoder`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  dit train autoencoder --data data/fashion-mnist --out runs/autoencoder
  dit train autoencoder --data data/emoji --out runs/emoji-autoencoder --encoder-widths 16,48,64,64 \\
    --encoder-blocks 0,1,1,1 --decoder-widths 64,64,48,16 --decoder-blocks 2,1,1,1
  dit train autoencoder --data data/fashion-mnist --decoder-of runs/autoencoder --out runs/better-decoder

How long: with the defaults 20 epochs of 60,000 pictures take one to two hours on two cores; --max-minutes sets a limit. How \
sharp its reconstructions are bounds every picture that a transformer makes later: look at them before going on.

Where the result lies: the autoencoder in OUT itself, which is what 'dit train dit --autoencoder' wants; \
OUT/reconstructions-STEP.png has originals above what became of them, OUT/log.csv a line a step, OUT/checkpoint what the \
same command goes on from. Ctrl-C and SIGTERM write the checkpoint and end with the codes 130 and 143.")]
pub struct AutoencoderOptions {
    #[command(flatten)]
    pub train: TrainOptions,
    #[command(flatten)]
    pub stages: Stages,
    /// Noise added to the latents while training, in units of their standard deviation
    #[arg(long, default_value_t = 0.05)]
    pub latent_noise: f64,
    /// Go on from this trained autoencoder, or that of a model, with a frozen encoder: latents, and transformers
    /// trained on them, stay valid
    #[arg(long, value_name = "DIR")]
    pub decoder_of: Option<PathBuf>,
    /// Count how different pictures look, too (LPIPS), in the features of this classifier, which 'dit train classifier'
    /// wrote; take another than the one that judges
    #[arg(long, value_name = "DIR")]
    pub perceptual: Option<PathBuf>,
    /// What that counts for beside the squared error per number
    #[arg(long, default_value_t = 0.02, requires = "perceptual")]
    pub perceptual_weight: f64,
}

/// Options that make the autoencoder. What is left out is the default, or what a training that goes on began with.
#[derive(Debug, Clone, Default, clap::Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stages {
    /// Width of each encoder stage; every stage after the first halves the side [default: 16,48,64]
    #[arg(long, value_delimiter = ',', value_name = "WIDTHS")]
    pub encoder_widths: Option<Vec<usize>>,
    /// Residual blocks of each encoder stage [default: 0,1,1]
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    pub encoder_blocks: Option<Vec<usize>>,
    /// Width of each decoder stage; every stage but the last doubles the side [default: 64,48,16]
    #[arg(long, value_delimiter = ',', value_name = "WIDTHS")]
    pub decoder_widths: Option<Vec<usize>>,
    /// Residual blocks of each decoder stage [default: 2,1,1]
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    pub decoder_blocks: Option<Vec<usize>>,
    /// Side of the squares of pixels that stand as channels outside of the first and the last stage: 2 spares the
    /// convolutions over all pixels [default: 1]
    #[arg(long, value_name = "P")]
    pub patch_size: Option<usize>,
    /// Latent channels [default: 4]
    #[arg(long, value_name = "N")]
    pub latent_channels: Option<usize>,
}

/// What makes the autoencoder, as it is kept with the checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Making {
    #[serde(flatten)]
    stages: Stages,
    seed: Option<u64>,
    data: String,
    /// Hash of the frozen encoder.
    decoder_of: Option<String>,
}

/// What may be another when the training goes on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Rest {
    #[serde(flatten)]
    train: Changeable,
    latent_noise: f64,
    /// Hash of the network.
    perceptual: Option<String>,
    perceptual_weight: Option<f64>,
}

impl Stages {
    fn config(&self, in_channels: usize) -> TinyConfig {
        let or = |given: &Option<Vec<usize>>, default: [usize; 3]| given.clone().unwrap_or(default.to_vec());
        TinyConfig {
            in_channels,
            latent_channels: self.latent_channels.unwrap_or(4),
            patch_size: self.patch_size.unwrap_or(1),
            encoder_block_out_channels: or(&self.encoder_widths, [16, 48, 64]),
            num_encoder_blocks: or(&self.encoder_blocks, [0, 1, 1]),
            decoder_block_out_channels: or(&self.decoder_widths, [64, 48, 16]),
            num_decoder_blocks: or(&self.decoder_blocks, [2, 1, 1]),
            latent_magnitude: 3.0,
        }
    }

    /// The options that ask for this one.
    fn of(config: &TinyConfig) -> Self {
        Self {
            encoder_widths: Some(config.encoder_block_out_channels.clone()),
            encoder_blocks: Some(config.num_encoder_blocks.clone()),
            decoder_widths: Some(config.decoder_block_out_channels.clone()),
            decoder_blocks: Some(config.num_decoder_blocks.clone()),
            patch_size: Some(config.patch_size),
            latent_channels: Some(config.latent_channels),
        }
    }
}

impl AutoencoderOptions {
    /// What tells how pictures look.
    fn network(&self, data: &DatasetInfo, device: &Device) -> Result<Option<Classifier>> {
        let (Some(dir), weight) = (&self.perceptual, self.perceptual_weight) else { return Ok(None) };
        ensure!(weight.is_finite() && weight > 0.0, "--perceptual-weight {weight}: it must be positive");
        classifier::load("--perceptual", dir, data, device).map(Some)
    }
}

/// Trains an autoencoder and writes it to the output folder.
///
/// # Errors
/// Bad options, data that cannot be read, files that cannot be written, an interruption.
pub fn run(options: &AutoencoderOptions) -> Result<()> {
    options.train.begin()?;
    let data = load_pictures(options.train.data(), Split::Train)?;
    let test = load_pictures(options.train.data(), Split::Test)?;
    let plain = options.train.device.device();
    let device = plain.clone().autodiff();
    let other = options.decoder_of.as_ref().map(|dir| decoder_of(dir, &data.info, &device)).transpose()?;
    let making = Making {
        // Those of another are what they are.
        stages: if other.is_some() { Stages::default() } else { options.stages.clone() },
        seed: options.train.seed,
        data: fingerprint(&data),
        decoder_of: other.as_ref().map(|(_, model)| hash(&model.encoder)),
    };
    let before = Begun::read(&options.train.out)?;
    let making = before.map_or(Ok(making.clone()), |it| it.settle(&options.train.out, "autoencoder", &making))?;
    let train = TrainOptions { seed: making.seed.or(Some(0)), ..options.train.clone() };
    device.seed(train.seed.unwrap_or(0));
    let (config, mut model) = match other {
        Some(other) => other,
        None => {
            let config = making.stages.config(data.info.channels);
            let model = AutoencoderTiny::new(fitting(&config, data.info.side)?, &device);
            (config, model)
        }
    };
    if making.decoder_of.is_some() {
        model.encoder = model.encoder.no_grad();
    }
    say!("autoencoder: {} parameters, {} training pictures", model.num_params(), data.len())?;
    let making = Making { stages: Stages::of(&config), seed: train.seed, ..making };
    let network = options.network(&data.info, &device)?;
    let rest = Rest {
        train: train.changeable(),
        latent_noise: options.latent_noise,
        perceptual: network.as_ref().map(hash),
        perceptual_weight: network.as_ref().map(|_| options.perceptual_weight),
    };
    let begun = Begun::new("autoencoder", &making, &rest, &config);
    let perceptual = network.map(|network| Perceptual::new(network, options.perceptual_weight));
    let task = AutoencoderTask { data, device: device.clone(), latent_noise: options.latent_noise, perceptual };
    let report = |ema: &AutoencoderTiny, step: usize| {
        let count = test.len().min(16);
        let originals = test.batch(&(0..count).collect::<Vec<_>>(), |_| false, &plain);
        let decoded = ema.decode(ema.encode(originals.clone())).clamp(-1.0, 1.0);
        let mut pictures = image::pictures(originals);
        pictures.extend(image::pictures(decoded));
        let file = train.out.join(format!("reconstructions-{step:06}.png"));
        image::grid(&pictures, count, 2).enlarged(2).save_png(&file)?;
        Ok(Some(format!("step {step}: test PSNR {:.2} dB over 1000 pictures", psnr(ema, &test, 1000, &plain))))
    };
    let model = Trainer::new(task, &train, &device, model, begun)?.run(report)?;
    model_dir::save_autoencoder(&train.out, &AutoencoderConfig::Tiny(config), &Autoencoder::Tiny(model.clone()))?;
    say!("wrote {}; test PSNR {:.2} dB", train.out.display(), psnr(&model, &test, test.len(), &plain))
}

/// The configuration, which is valid and divides pictures of this side.
fn fitting(config: &TinyConfig, side: usize) -> Result<&TinyConfig> {
    let checked = AutoencoderConfig::Tiny(config.clone());
    checked.validate()?;
    let factor = checked.factor();
    ensure!(
        side.is_multiple_of(factor),
        "{} stages and patches of {} divide the side by {factor}, which does not fit pictures of {side}x{side}: use less",
        config.decoder_block_out_channels.len(),
        config.patch_size
    );
    Ok(config)
}

/// A trained autoencoder, whose decoder is to be trained on.
fn decoder_of(dir: &Path, data: &DatasetInfo, device: &Device) -> Result<(TinyConfig, AutoencoderTiny)> {
    let (config, model) = model_dir::load_trainable_autoencoder(dir, device)?;
    ensure!(
        config.in_channels == data.channels,
        "{}: it is for pictures of {} channels, {} has {}",
        dir.display(),
        config.in_channels,
        data.name,
        data.channels
    );
    Ok((config, model))
}

/// Peak signal-to-noise ratio of test reconstructions, in dB (peak to peak 2).
fn psnr(model: &AutoencoderTiny, test: &Dataset, count: usize, device: &Device) -> f64 {
    let indices: Vec<usize> = (0..count.min(test.len())).collect();
    let squares: f64 = indices
        .chunks(100)
        .map(|chunk| {
            let images = test.batch(chunk, |_| false, device);
            let decoded = model.decode(model.encode(images.clone())).clamp(-1.0, 1.0);
            f64::from((decoded - images).square().sum().into_scalar::<f32>())
        })
        .sum();
    let mse = squares / (indices.len() * test.info.picture_len()) as f64;
    10.0 * (4.0 / mse).log10()
}
