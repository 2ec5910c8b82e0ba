//! The autoencoders' shapes: latents ↔ pictures.

use super::ConfigError;
use serde::{Deserialize, Serialize};

/// Which autoencoder, and how large. The tag and the fields are those of diffusers' `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "_class_name")]
pub enum AutoencoderConfig {
    /// The TAESD family: small, with an encoder of its own where one was trained.
    #[serde(rename = "AutoencoderTiny")]
    Tiny(TinyConfig),
    /// Stable Diffusion's decoder (Rombach et al. 2022, arXiv:2112.10752).
    #[serde(rename = "AutoencoderKL")]
    Kl(KlConfig),
}

impl AutoencoderConfig {
    /// diffusers' name of the kind.
    pub fn class_name(&self) -> &'static str {
        match self {
            Self::Tiny(_) => "AutoencoderTiny",
            Self::Kl(_) => "AutoencoderKL",
        }
    }

    /// Colour channels of the pictures.
    pub fn image_channels(&self) -> usize {
        match self {
            Self::Tiny(config) => config.in_channels,
            Self::Kl(config) => config.out_channels,
        }
    }

    pub fn latent_channels(&self) -> usize {
        match self {
            Self::Tiny(config) => config.latent_channels,
            Self::Kl(config) => config.latent_channels,
        }
    }

    /// Picture side over latent side.
    pub fn factor(&self) -> usize {
        let (stages, patch) = match self {
            Self::Tiny(config) => (config.decoder_block_out_channels.len(), config.patch_size),
            Self::Kl(config) => (config.block_out_channels.len(), 1),
        };
        patch << stages.saturating_sub(1).min(16)
    }

    /// Numbers of the decoder's largest tensor for a picture of `side` pixels; at least the picture's own.
    pub fn largest_activation(&self, side: usize) -> u64 {
        let (side, numbers) = (side as u64, self.image_channels() as u64);
        let (side_there, width) = match self {
            Self::Tiny(config) => {
                (side / config.patch_size as u64, config.decoder_block_out_channels.last().copied().unwrap_or(1))
            }
            // At the picture's side the first block still has the width of the stage before.
            Self::Kl(config) => (side, config.block_out_channels.iter().take(2).copied().max().unwrap_or(1)),
        };
        (side_there * side_there * width as u64).max(side * side * numbers)
    }

    /// The transformer's latents over the autoencoder's own: 0.18215 for Stable Diffusion's, 1 for TAESD.
    pub fn scaling_factor(&self) -> f64 {
        match self {
            Self::Tiny(_) => 1.0,
            Self::Kl(config) => config.scaling_factor,
        }
    }

    /// Whether decoding costs so much that a run shows a linear preview and decodes at its end.
    pub fn is_heavy(&self) -> bool {
        matches!(self, Self::Kl(_))
    }

    /// # Errors
    /// [`ConfigError::Model`] names the field and the cure.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let checked = match self {
            Self::Tiny(config) => config.check(),
            Self::Kl(config) => config.check(),
        };
        checked.map_err(|message| ConfigError::Model(format!("autoencoder: {message}")))
    }
}

/// An autoencoder of the TAESD family (diffusers' `AutoencoderTiny` names).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TinyConfig {
    /// Colour channels of the pictures.
    pub in_channels: usize,
    pub latent_channels: usize,
    /// Side of the squares of pixels whose colours the first stage takes as channels, and the last one gives back
    /// (as diffusers' `AutoencoderKLWan` does): 1 in TAESD, more where no convolution shall see all pixels.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub patch_size: usize,
    /// Width of each encoder stage; every stage after the first halves the side. Empty: no encoder.
    #[serde(default)]
    pub encoder_block_out_channels: Vec<usize>,
    #[serde(default)]
    pub num_encoder_blocks: Vec<usize>,
    /// Width of each decoder stage; every stage but the last doubles the side.
    pub decoder_block_out_channels: Vec<usize>,
    pub num_decoder_blocks: Vec<usize>,
    /// The decoder first squashes its input to ± this: `tanh(z / m) · m`.
    #[serde(default = "default_latent_magnitude")]
    pub latent_magnitude: f64,
}

fn one() -> usize {
    1
}

fn is_one(value: &usize) -> bool {
    *value == 1
}

fn default_latent_magnitude() -> f64 {
    3.0
}

impl TinyConfig {
    pub fn has_encoder(&self) -> bool {
        !self.encoder_block_out_channels.is_empty()
    }

    /// Channels of the picture once its squares are channels.
    pub fn patch_channels(&self) -> usize {
        self.in_channels * self.patch_size.pow(2)
    }

    fn check(&self) -> Result<(), &'static str> {
        let (encoder, decoder) = (&self.encoder_block_out_channels, &self.decoder_block_out_channels);
        if decoder.is_empty() || decoder.len() > 8 {
            return Err("decoder_block_out_channels needs 1 to 8 stages");
        }
        if self.has_encoder() && encoder.len() != decoder.len() {
            return Err("encoder_block_out_channels and decoder_block_out_channels need the same number of stages");
        }
        if encoder.len() != self.num_encoder_blocks.len() || decoder.len() != self.num_decoder_blocks.len() {
            return Err("num_encoder_blocks and num_decoder_blocks need one number for each stage");
        }
        let mut widths = encoder.iter().chain(decoder).chain([&self.in_channels, &self.latent_channels]);
        if widths.any(|w| *w == 0 || *w > 4096) {
            return Err("every width must be between 1 and 4096");
        }
        if ![1, 2, 4, 8].contains(&self.patch_size) {
            return Err("patch_size must be 1, 2, 4 or 8");
        }
        if self.num_encoder_blocks.iter().chain(&self.num_decoder_blocks).any(|n| *n > 64) {
            return Err("at most 64 blocks a stage");
        }
        if ![1, 3].contains(&self.in_channels) {
            return Err("in_channels, the colours of the pictures, must be 1 or 3");
        }
        if !(self.latent_magnitude.is_finite() && self.latent_magnitude > 0.0) {
            return Err("latent_magnitude must be a positive number");
        }
        Ok(())
    }
}

/// The decoder half of Stable Diffusion's autoencoder (diffusers' `AutoencoderKL` names).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KlConfig {
    /// Colour channels of the pictures.
    pub out_channels: usize,
    pub latent_channels: usize,
    /// Widths of the stages from the picture's side; the decoder goes through them backwards.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of an encoder stage; a decoder stage has one more.
    pub layers_per_block: usize,
    pub norm_num_groups: usize,
    /// The transformer's latents are the autoencoder's times this.
    pub scaling_factor: f64,
    /// Whether the middle has an attention layer.
    #[serde(default = "yes")]
    pub mid_block_add_attention: bool,
    /// Whether a 1x1 convolution stands before the decoder.
    #[serde(default = "yes")]
    pub use_post_quant_conv: bool,
}

fn yes() -> bool {
    true
}

impl KlConfig {
    fn check(&self) -> Result<(), &'static str> {
        if self.block_out_channels.is_empty() || self.block_out_channels.len() > 8 {
            return Err("block_out_channels needs 1 to 8 stages");
        }
        let mut widths = self.block_out_channels.iter().chain([&self.out_channels, &self.latent_channels]);
        if widths.any(|w| *w == 0 || *w > 4096) {
            return Err("every width must be between 1 and 4096");
        }
        if self.norm_num_groups == 0 || self.block_out_channels.iter().any(|w| !w.is_multiple_of(self.norm_num_groups))
        {
            return Err("norm_num_groups must divide every number of block_out_channels");
        }
        if ![1, 3].contains(&self.out_channels) {
            return Err("out_channels, the colours of the pictures, must be 1 or 3");
        }
        if self.layers_per_block > 16 {
            return Err("layers_per_block must be at most 16");
        }
        if !(self.scaling_factor.is_finite() && self.scaling_factor > 0.0) {
            return Err("scaling_factor must be a positive number");
        }
        Ok(())
    }
}
