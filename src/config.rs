//! What a model is and what a run is: plain data, shared by every layer.
//!
//! Field names follow diffusers and the DiT paper (Peebles & Xie 2023,
//! <https://arxiv.org/abs/2212.09748>). A model folder holds a `config.json`
//! with one [`ModelConfig`].

mod run;

pub use run::{RunSettings, SamplerKind};

use serde::{Deserialize, Serialize};

/// What a configuration or a setting got wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// A field of `config.json` contradicts another or is out of range.
    #[error("model configuration: {0}")]
    Model(String),
    /// A setting of a run is out of range.
    #[error("{name} = {value} is out of range: use {allowed}")]
    OutOfRange { name: &'static str, value: String, allowed: String },
    /// A name that is none of the known ones.
    #[error("unknown {what} '{name}': use one of {known}")]
    Unknown { what: &'static str, name: String, known: String },
}

/// A whole model folder's `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Shown to people, e.g. "Fashion".
    pub name: String,
    /// The noise predictor.
    pub transformer: DitConfig,
    /// What the transformer was trained to predict, and with which noise.
    pub scheduler: DiffusionConfig,
    /// Latents ↔ pictures; absent when the transformer works on pixels.
    #[serde(default)]
    pub autoencoder: Option<AutoencoderConfig>,
    /// How latents were standardised for the transformer.
    pub latents: LatentStats,
    /// Class names, by class number.
    pub labels: Vec<String>,
    /// What a run uses when nothing is chosen.
    #[serde(default)]
    pub defaults: RunSettings,
    /// SPDX expression or a sentence; shown to people.
    #[serde(default)]
    pub license: String,
}

impl ModelConfig {
    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// [`ConfigError::Model`] names the field and the cure.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |message: String| Err(ConfigError::Model(message));
        self.transformer.validate()?;
        self.scheduler.validate()?;
        let channels = self.transformer.in_channels;
        if self.latents.mean.len() != channels || self.latents.std.len() != channels {
            return fail(format!(
                "latents.mean and latents.std need one number for each of the {channels} latent channels, found {} and {}",
                self.latents.mean.len(),
                self.latents.std.len()
            ));
        }
        if self.latents.std.iter().any(|s| !s.is_finite() || *s <= 0.0)
            || self.latents.mean.iter().any(|m| !m.is_finite())
        {
            return fail("latents.mean must be finite and latents.std positive".into());
        }
        if let Some(k) = self.scheduler.guidance_channels.filter(|k| *k == 0 || *k > channels) {
            return fail(format!("scheduler.guidance_channels = {k} is not in 1 to {channels}"));
        }
        if self.scheduler.variance_type == VarianceType::LearnedRange && !self.transformer.learn_sigma {
            return fail("scheduler.variance_type learned_range needs transformer.learn_sigma".into());
        }
        if self.labels.len() != self.transformer.num_classes {
            return fail(format!("{} labels for {} classes", self.labels.len(), self.transformer.num_classes));
        }
        if let Some(autoencoder) = &self.autoencoder {
            autoencoder.validate()?;
            if autoencoder.latent_channels != channels {
                return fail(format!(
                    "the autoencoder has {} latent channels, the transformer {channels}",
                    autoencoder.latent_channels
                ));
            }
        }
        self.defaults.validate(self.labels.len())
    }

    /// Side of the pictures in pixels.
    pub fn image_size(&self) -> usize {
        self.transformer.sample_size * self.autoencoder.as_ref().map_or(1, AutoencoderConfig::factor)
    }

    /// Colour channels of the pictures: 1 (gray) or 3 (RGB).
    pub fn image_channels(&self) -> usize {
        self.autoencoder.as_ref().map_or(self.transformer.in_channels, |a| a.in_channels)
    }
}

/// The Diffusion Transformer's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DitConfig {
    /// Side of the (square) latent.
    #[serde(alias = "input_size")]
    pub sample_size: usize,
    /// Side of a patch: one token covers `patch_size²` latent pixels.
    pub patch_size: usize,
    /// Latent channels.
    pub in_channels: usize,
    /// Width D of the tokens.
    pub hidden_size: usize,
    /// Number of transformer blocks.
    pub depth: usize,
    /// Attention heads; must divide `hidden_size`.
    pub num_heads: usize,
    /// Hidden width of the MLP over D.
    #[serde(default = "default_mlp_ratio")]
    pub mlp_ratio: usize,
    /// Classes without the null label.
    pub num_classes: usize,
    /// Whether the model also predicts the variance (twice the channels out).
    pub learn_sigma: bool,
}

fn default_mlp_ratio() -> usize {
    4
}

impl DitConfig {
    /// The paper's sizes (table 1): `S`, `B`, `L`, `XL`, as (depth, width, heads).
    pub const PRESETS: [(&'static str, usize, usize, usize); 4] =
        [("S", 12, 384, 6), ("B", 12, 768, 12), ("L", 24, 1024, 16), ("XL", 28, 1152, 16)];

    /// Takes depth, width and heads from a preset of the paper.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] when `name` is none of S, B, L, XL.
    pub fn with_preset(mut self, name: &str) -> Result<Self, ConfigError> {
        let found = Self::PRESETS.iter().find(|(preset, ..)| preset.eq_ignore_ascii_case(name));
        let Some(&(_, depth, hidden_size, num_heads)) = found else {
            return Err(ConfigError::Unknown { what: "preset", name: name.into(), known: "S, B, L, XL".into() });
        };
        (self.depth, self.hidden_size, self.num_heads) = (depth, hidden_size, num_heads);
        Ok(self)
    }

    /// # Errors
    /// [`ConfigError::Model`] names the field and the cure.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |message: String| Err(ConfigError::Model(message));
        let named = [
            ("sample_size", self.sample_size),
            ("patch_size", self.patch_size),
            ("in_channels", self.in_channels),
            ("hidden_size", self.hidden_size),
            ("depth", self.depth),
            ("num_heads", self.num_heads),
            ("mlp_ratio", self.mlp_ratio),
            ("num_classes", self.num_classes),
        ];
        for (name, value) in named {
            // The bound keeps a hostile file from asking for absurd allocations.
            if value == 0 || value > 65_536 {
                return fail(format!("transformer.{name} = {value} is not between 1 and 65536"));
            }
        }
        if !self.sample_size.is_multiple_of(self.patch_size) {
            return fail(format!("patch_size {} does not divide sample_size {}", self.patch_size, self.sample_size));
        }
        if !self.hidden_size.is_multiple_of(self.num_heads) {
            return fail(format!("num_heads {} does not divide hidden_size {}", self.num_heads, self.hidden_size));
        }
        if !self.hidden_size.is_multiple_of(4) {
            return fail(format!(
                "hidden_size {} is not a multiple of 4, as the 2-D sin-cos position needs",
                self.hidden_size
            ));
        }
        Ok(())
    }

    /// Tokens per picture.
    pub fn num_tokens(&self) -> usize {
        (self.sample_size / self.patch_size).pow(2)
    }

    /// Channels the model puts out: eps, and the variance logits with `learn_sigma`.
    pub fn out_channels(&self) -> usize {
        self.in_channels * if self.learn_sigma { 2 } else { 1 }
    }

    /// The label that means "no class" (the last row of the label table).
    pub fn null_label(&self) -> usize {
        self.num_classes
    }
}

/// What the transformer was trained to undo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiffusionConfig {
    #[serde(default = "default_train_timesteps")]
    pub num_train_timesteps: usize,
    pub beta_schedule: BetaSchedule,
    pub prediction_type: PredictionType,
    pub variance_type: VarianceType,
    /// Clamp of x̂0 while sampling, in units of the (standardised) latent; absent: no clamp.
    #[serde(default)]
    pub clip_sample_range: Option<f64>,
    /// Channels that guidance steers; absent: all. The official release steers the first 3.
    #[serde(default)]
    pub guidance_channels: Option<usize>,
}

fn default_train_timesteps() -> usize {
    1000
}

impl DiffusionConfig {
    /// # Errors
    /// [`ConfigError::Model`] names the field and the cure.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !(2..=100_000).contains(&self.num_train_timesteps) {
            return Err(ConfigError::Model(format!(
                "scheduler.num_train_timesteps = {} is not between 2 and 100000",
                self.num_train_timesteps
            )));
        }
        if self.clip_sample_range.is_some_and(|c| !(c.is_finite() && c > 0.0)) {
            return Err(ConfigError::Model("scheduler.clip_sample_range must be a positive number".into()));
        }
        Ok(())
    }
}

/// How the noise grows with t.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    /// β from 1e-4 to 0.02 (at T = 1000), Ho et al. 2020.
    Linear,
    /// ᾱ = cos²(…), Nichol & Dhariwal 2021; diffusers calls it `squaredcos_cap_v2`.
    #[serde(alias = "squaredcos_cap_v2")]
    Cosine,
}

/// What the network's first channels mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictionType {
    /// The noise ε (Ho et al. 2020).
    Epsilon,
    /// The clean sample x0.
    Sample,
    /// v = √ᾱ·ε − √(1−ᾱ)·x0 (Salimans & Ho 2022).
    VPrediction,
}

/// The variance of an ancestral (DDPM) step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VarianceType {
    /// The posterior variance β̃.
    FixedSmall,
    /// β (with β̃ at the last step, as the official code has it).
    FixedLarge,
    /// Interpolated by the network between β̃ and β (Nichol & Dhariwal 2021).
    LearnedRange,
}

/// An autoencoder of the TAESD family (diffusers' `AutoencoderTiny` names).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AutoencoderConfig {
    /// Colour channels of the pictures.
    pub in_channels: usize,
    pub latent_channels: usize,
    /// Width of each encoder stage; every stage after the first halves the side.
    pub encoder_block_out_channels: Vec<usize>,
    pub num_encoder_blocks: Vec<usize>,
    /// Width of each decoder stage; every stage but the last doubles the side.
    pub decoder_block_out_channels: Vec<usize>,
    pub num_decoder_blocks: Vec<usize>,
    /// The decoder first squashes its input to ± this: `tanh(z / m) · m`.
    #[serde(default = "default_latent_magnitude")]
    pub latent_magnitude: f64,
}

fn default_latent_magnitude() -> f64 {
    3.0
}

impl AutoencoderConfig {
    /// Picture side over latent side.
    pub fn factor(&self) -> usize {
        1 << self.decoder_block_out_channels.len().saturating_sub(1).min(16)
    }

    /// # Errors
    /// [`ConfigError::Model`] names the field and the cure.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |message: &str| Err(ConfigError::Model(format!("autoencoder: {message}")));
        let (encoder, decoder) = (&self.encoder_block_out_channels, &self.decoder_block_out_channels);
        if encoder.is_empty() || encoder.len() != decoder.len() || encoder.len() > 8 {
            return fail(
                "encoder_block_out_channels and decoder_block_out_channels need the same number of stages, 1 to 8",
            );
        }
        if encoder.len() != self.num_encoder_blocks.len() || decoder.len() != self.num_decoder_blocks.len() {
            return fail("num_encoder_blocks and num_decoder_blocks need one number for each stage");
        }
        let widths = encoder.iter().chain(decoder).chain([&self.in_channels, &self.latent_channels]);
        if widths.clone().any(|w| *w == 0 || *w > 4096) {
            return fail("every width must be between 1 and 4096");
        }
        if self.num_encoder_blocks.iter().chain(&self.num_decoder_blocks).any(|n| *n > 64) {
            return fail("at most 64 blocks a stage");
        }
        if !(self.latent_magnitude.is_finite() && self.latent_magnitude > 0.0) {
            return fail("latent_magnitude must be a positive number");
        }
        Ok(())
    }
}

/// Per-channel statistics: the transformer sees `(z − mean) / std`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatentStats {
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
}
