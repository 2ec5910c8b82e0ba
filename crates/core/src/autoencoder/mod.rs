//! Between pictures and latents.

mod kl;
mod strips;
mod tiny;

pub use kl::AutoencoderKl;
pub use tiny::{AutoencoderTiny, Layer, TinyBlock};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ditscope_config::AutoencoderConfig;
use ditscope_ops::Ops;

/// Any of the autoencoders that a model may bring.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "one per model; boxing would lengthen every parameter path")]
pub enum Autoencoder {
    Tiny(AutoencoderTiny),
    Kl(AutoencoderKl),
}

impl Autoencoder {
    pub fn new(config: &AutoencoderConfig, device: &Device) -> Self {
        match config {
            AutoencoderConfig::Tiny(config) => Self::Tiny(AutoencoderTiny::new(config, device)),
            AutoencoderConfig::Kl(config) => Self::Kl(AutoencoderKl::new(config, device)),
        }
    }

    /// The same network, computed with a device's kernels where there are any for it.
    #[must_use]
    pub fn fused(self, ops: Ops) -> Self {
        match self {
            Self::Tiny(autoencoder) => Self::Tiny(autoencoder.fused(ops)),
            Self::Kl(autoencoder) => Self::Kl(autoencoder),
        }
    }

    /// The same, if it can also encode.
    pub fn with_encoder(&self) -> Option<&AutoencoderTiny> {
        match self {
            Self::Tiny(autoencoder) if !autoencoder.encoder.layers.is_empty() => Some(autoencoder),
            _ => None,
        }
    }

    /// # Shapes
    /// - `z`: `[N, C_latent, h, w]`, the autoencoder's own latents
    /// - result: `[N, C_image, h·f, w·f]`, about [−1, 1] (not clamped)
    pub fn decode(&self, z: Tensor<4>) -> Tensor<4> {
        (0..self.num_stages()).fold(z, |x, stage| self.stage(stage, x))
    }

    /// Pieces of work that decoding consists of: between two of them a caller can breathe.
    pub fn num_stages(&self) -> usize {
        match self {
            Self::Tiny(_) => 1,
            Self::Kl(autoencoder) => autoencoder.num_stages(),
        }
    }

    /// One of them; the first takes z, the last gives the picture.
    pub fn stage(&self, stage: usize, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Tiny(autoencoder) => autoencoder.decode(x),
            Self::Kl(autoencoder) => autoencoder.stage(stage, x),
        }
    }
}
