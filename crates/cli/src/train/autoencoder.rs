//! `dit train autoencoder`: pictures ↔ latents.

use super::trainer::{TrainOptions, Trainer};
use crate::image;
use anyhow::{Result, ensure};
use burn::module::Module;
use burn::tensor::Device;
use ditscope_config::{AutoencoderConfig, TinyConfig};
use ditscope_core::autoencoder::{Autoencoder, AutoencoderTiny};
use ditscope_data::{Split, load};
use ditscope_model_dir as model_dir;
use ditscope_train::{AutoencoderTask, Dataset, DatasetInfo};
use std::path::PathBuf;

/// Options of `dit train autoencoder`.
#[derive(Debug, Clone, clap::Args)]
pub struct AutoencoderOptions {
    #[command(flatten)]
    pub train: TrainOptions,
    /// Width of each encoder stage; every stage after the first halves the side
    #[arg(long, value_delimiter = ',', default_value = "16,48,64")]
    pub encoder_widths: Vec<usize>,
    /// Residual blocks of each encoder stage
    #[arg(long, value_delimiter = ',', default_value = "0,1,1")]
    pub encoder_blocks: Vec<usize>,
    /// Width of each decoder stage; every stage but the last doubles the side
    #[arg(long, value_delimiter = ',', default_value = "64,48,16")]
    pub decoder_widths: Vec<usize>,
    /// Residual blocks of each decoder stage
    #[arg(long, value_delimiter = ',', default_value = "2,1,1")]
    pub decoder_blocks: Vec<usize>,
    /// Side of the squares of pixels that stand as channels outside of the first and the last stage: 2 spares the
    /// convolutions over all pixels
    #[arg(long, default_value_t = 1)]
    pub patch_size: usize,
    /// Latent channels
    #[arg(long, default_value_t = 4)]
    pub latent_channels: usize,
    /// Noise added to the latents while training, in units of their standard deviation
    #[arg(long, default_value_t = 0.05)]
    pub latent_noise: f64,
    /// Go on from this trained autoencoder, or that of a model, with a frozen encoder: latents, and transformers
    /// trained on them, stay valid
    #[arg(long, value_name = "DIR")]
    pub decoder_of: Option<PathBuf>,
}

impl AutoencoderOptions {
    fn config(&self, channels: usize) -> TinyConfig {
        TinyConfig {
            in_channels: channels,
            latent_channels: self.latent_channels,
            patch_size: self.patch_size,
            encoder_block_out_channels: self.encoder_widths.clone(),
            num_encoder_blocks: self.encoder_blocks.clone(),
            decoder_block_out_channels: self.decoder_widths.clone(),
            num_decoder_blocks: self.decoder_blocks.clone(),
            latent_magnitude: 3.0,
        }
    }
}

/// Trains an autoencoder and writes it to the output folder.
///
/// # Errors
/// Bad options, data that cannot be read, files that cannot be written.
pub fn run(options: &AutoencoderOptions) -> Result<()> {
    let data = load(&options.train.data, Split::Train)?;
    let test = load(&options.train.data, Split::Test)?;
    let plain = options.train.device.device();
    let device = plain.clone().autodiff();
    device.seed(options.train.seed);
    let DatasetInfo { channels, side, .. } = data.info;
    let (config, model) = match &options.decoder_of {
        None => {
            let config = options.config(channels);
            let factor = checked(&config)?.factor();
            ensure!(
                side.is_multiple_of(factor),
                "{} stages and patches of {} divide the side by {}, which does not fit pictures of {side}x{side}: use less",
                config.decoder_block_out_channels.len(),
                config.patch_size,
                factor
            );
            let model = AutoencoderTiny::new(&config, &device);
            (config, model)
        }
        Some(dir) => {
            let (config, mut model) = model_dir::load_trainable_autoencoder(dir, &device)?;
            ensure!(
                config.in_channels == channels,
                "{}: it is for pictures of {} channels, {} has {channels}",
                dir.display(),
                config.in_channels,
                data.info.name
            );
            model.encoder = model.encoder.no_grad();
            (config, model)
        }
    };
    println!("autoencoder: {} parameters, {} training pictures", model.num_params(), data.len());
    let task = AutoencoderTask { data, device: device.clone(), latent_noise: options.latent_noise };
    let report = |ema: &AutoencoderTiny, step: usize| {
        let count = test.len().min(16);
        let originals = test.batch(&(0..count).collect::<Vec<_>>(), |_| false, &plain);
        let decoded = ema.decode(ema.encode(originals.clone())).clamp(-1.0, 1.0);
        let mut pictures = image::pictures(originals);
        pictures.extend(image::pictures(decoded));
        eprintln!("\nstep {step}: test PSNR {:.2} dB over 1000 pictures", psnr(ema, &test, 1000, &plain));
        let file = options.train.out.join(format!("reconstructions-{step:06}.png"));
        image::grid(&pictures, count, 2).enlarged(2).save_png(&file)
    };
    let Some(model) = Trainer::new(&task, &options.train, &device, model)?.run(report)? else { return Ok(()) };
    println!("test PSNR {:.2} dB", psnr(&model, &test, test.len(), &plain));
    model_dir::save_autoencoder(&options.train.out, &AutoencoderConfig::Tiny(config), &Autoencoder::Tiny(model))
}

fn checked(config: &TinyConfig) -> Result<AutoencoderConfig> {
    let config = AutoencoderConfig::Tiny(config.clone());
    config.validate()?;
    Ok(config)
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
