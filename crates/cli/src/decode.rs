//! `dit decode`: latents → pictures, so that anyone can compare an autoencoder with another code's.

use super::device::DeviceChoice;
use super::targets;
use super::tensors::{self, TensorFile};
use anyhow::{Result, ensure};
use burn::tensor::Tensor;
use ditscope_model_dir as model_dir;
use std::path::PathBuf;

/// Options of `dit decode`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  dit decode --autoencoder models/sd-vae --input z.safetensors --output image.safetensors")]
pub struct DecodeOptions {
    /// Folder of an autoencoder, or of a model that has one
    #[arg(long, value_name = "DIR")]
    pub autoencoder: PathBuf,
    /// Safetensors file with `z` [N,C,H,W], the autoencoder's own latents (not scaled, not standardised)
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Safetensors file that gets `image` [N,3,H,W], about -1 to 1 (not clamped)
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
}

/// Decodes one picture after the other.
///
/// # Errors
/// Names the file or tensor that is wrong.
pub fn run(options: &DecodeOptions) -> Result<()> {
    targets::check("--output", &options.output, "safetensors")?;
    let config = model_dir::read_autoencoder_config(&options.autoencoder)?;
    let device = options.device.device();
    let z = TensorFile::read(&options.input)?.on_device::<4>("z", "[N, C, H, W]", &device)?;
    let ([n, channels, _, _], expected) = (z.dims(), config.latent_channels());
    ensure!(
        channels == expected,
        "{}: 'z' has {channels} channels, this autoencoder wants {expected}",
        options.input.display()
    );
    let (_, autoencoder) = model_dir::load_autoencoder(&options.autoencoder, &device)?;
    let images = (0..n).map(|i| autoencoder.decode(z.clone().narrow(0, i, 1))).collect();
    tensors::write(&options.output, "image", Tensor::cat(images, 0))
}
