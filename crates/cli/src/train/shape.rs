//! The options that make a transformer.

use anyhow::{Result, ensure};
use clap::ValueEnum;
use ditscope_config::{
    AutoencoderConfig, BetaSchedule, Conditioning, ConfigError, DiffusionConfig, DitConfig, PredictionType, SampleSize,
    VarianceType,
};
use ditscope_train::{DatasetInfo, TimestepSampling};
use serde::{Deserialize, Serialize};

const DEPTH: usize = 6;
const HIDDEN_SIZE: usize = 192;
const NUM_HEADS: usize = 6;
const PATCH_SIZE: usize = 2;
const CLIP_SAMPLE_RANGE: f64 = 4.0;

/// Options that make the model. What is left out is the default, or what a training that goes on began with.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shape {
    /// Size from the paper (S, B, L, XL) instead of --depth, --hidden-size and --num-heads
    #[arg(long, conflicts_with_all = ["depth", "hidden_size", "num_heads"])]
    #[serde(skip)]
    pub preset: Option<String>,
    /// Transformer blocks [default: 6]
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
    /// Width of the tokens, a multiple of 4 and of --num-heads [default: 192]
    #[arg(long, value_name = "D")]
    pub hidden_size: Option<usize>,
    /// Attention heads [default: 6]
    #[arg(long, value_name = "N")]
    pub num_heads: Option<usize>,
    /// Side of a patch of the latent that becomes one token [default: 2; 1 for words]
    #[arg(long, value_name = "P")]
    pub patch_size: Option<usize>,
    /// How timestep and class reach the blocks: in_context, cross_attention, adaln, adaln_zero [default: adaln_zero]
    #[arg(long)]
    pub conditioning: Option<Conditioning>,
    /// Normalise queries and keys of the attention, head by head
    #[arg(long, num_args = 0, default_missing_value = "true")]
    pub qk_norm: Option<bool>,
    /// How the noise grows with the timestep; not with --prediction-type flow, whose path is straight [default: cosine]
    #[arg(long, value_enum)]
    pub beta_schedule: Option<Schedule>,
    /// What the network puts out [default: epsilon]
    #[arg(long, value_enum)]
    pub prediction_type: Option<Prediction>,
    /// How the share of noise is drawn with --prediction-type flow [default: uniform]
    #[arg(long, value_enum)]
    pub timestep_sampling: Option<Times>,
    /// Clamp of the predicted clean latent while sampling, in standard deviations [default: 4, or 1 for words, whose bits are
    /// −1 and 1; none with --prediction-type flow]
    #[arg(long, value_name = "RANGE")]
    pub clip_sample_range: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// β from 1e-4 to 0.02 in equal steps
    Linear,
    /// ᾱ as a squared cosine: less noise at most timesteps
    Cosine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prediction {
    /// The noise
    Epsilon,
    /// The clean latent
    Sample,
    /// v = √ᾱ·ε − √(1−ᾱ)·x0
    V,
    /// The velocity ε − x0 along the straight path from picture to noise
    Flow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// Each as often
    Uniform,
    /// The middle more often: the sigmoid of a normal number
    LogitNormal,
}

impl Shape {
    /// # Errors
    /// Options that contradict one another.
    pub fn validate(&self) -> Result<()> {
        let is_flow = self.prediction_type == Some(Prediction::Flow);
        ensure!(
            !is_flow || self.beta_schedule.is_none(),
            "--beta-schedule: the path of --prediction-type flow is straight"
        );
        ensure!(
            is_flow || self.timestep_sampling.is_none(),
            "--timestep-sampling is for --prediction-type flow: others learn all timesteps alike"
        );
        Ok(())
    }

    /// With depth, width and heads of the preset, if one is named.
    ///
    /// # Errors
    /// There is no such preset.
    pub fn resolved(&self) -> Result<Self, ConfigError> {
        let Some(preset) = &self.preset else { return Ok(self.clone()) };
        let DitConfig { depth, hidden_size, num_heads, .. } = self.transformer(1.into(), 1, 1).with_preset(preset)?;
        Ok(Self {
            depth: Some(depth),
            hidden_size: Some(hidden_size),
            num_heads: Some(num_heads),
            preset: None,
            ..self.clone()
        })
    }

    /// With the defaults for what is left open, for these pictures or words.
    pub fn with_defaults(self, data: &DatasetInfo) -> Self {
        let (patch_size, range) = if data.text.is_some() { (1, 1.0) } else { (PATCH_SIZE, CLIP_SAMPLE_RANGE) };
        let is_flow = self.prediction_type == Some(Prediction::Flow);
        Self {
            preset: self.preset,
            depth: self.depth.or(Some(DEPTH)),
            hidden_size: self.hidden_size.or(Some(HIDDEN_SIZE)),
            num_heads: self.num_heads.or(Some(NUM_HEADS)),
            patch_size: self.patch_size.or(Some(patch_size)),
            conditioning: self.conditioning.or(Some(Conditioning::AdaLnZero)),
            qk_norm: self.qk_norm.or(Some(false)),
            beta_schedule: self.beta_schedule.or((!is_flow).then_some(Schedule::Cosine)),
            prediction_type: self.prediction_type.or(Some(Prediction::Epsilon)),
            timestep_sampling: self.timestep_sampling.or(is_flow.then_some(Times::Uniform)),
            clip_sample_range: self.clip_sample_range.or((!is_flow).then_some(range)),
        }
    }

    /// The transformer for these pictures and this autoencoder, or for these words.
    pub fn transformer_for(&self, data: &DatasetInfo, autoencoder: Option<&AutoencoderConfig>) -> DitConfig {
        let (size, channels) = match (autoencoder, &data.text) {
            (Some(autoencoder), _) => ((data.side / autoencoder.factor()).into(), autoencoder.latent_channels()),
            (None, Some(text)) => (SampleSize { height: 1, width: data.side }, text.bits()),
            (None, None) => (data.side.into(), data.channels),
        };
        self.transformer(size, channels, data.labels.len())
    }

    fn transformer(&self, sample_size: SampleSize, in_channels: usize, num_classes: usize) -> DitConfig {
        DitConfig {
            sample_size,
            patch_size: self.patch_size.unwrap_or(PATCH_SIZE),
            in_channels,
            hidden_size: self.hidden_size.unwrap_or(HIDDEN_SIZE),
            depth: self.depth.unwrap_or(DEPTH),
            num_heads: self.num_heads.unwrap_or(NUM_HEADS),
            mlp_ratio: 4,
            num_classes,
            has_null_label: true,
            conditioning: self.conditioning.unwrap_or(Conditioning::AdaLnZero),
            learn_sigma: false,
            downscale_freq_shift: 0,
            mlp_norm_eps: DitConfig::NORM_EPS,
            qk_norm: self.qk_norm.unwrap_or(false),
            block_embedders: false,
        }
    }

    /// Where it learns it.
    pub fn timestep_sampling(&self) -> TimestepSampling {
        match self.timestep_sampling.unwrap_or(Times::Uniform) {
            Times::Uniform => TimestepSampling::Uniform,
            Times::LogitNormal => TimestepSampling::LogitNormal,
        }
    }

    /// What the transformer learns to undo.
    pub fn diffusion(&self) -> DiffusionConfig {
        let beta_schedule = match self.beta_schedule.unwrap_or(Schedule::Cosine) {
            Schedule::Linear => BetaSchedule::Linear,
            Schedule::Cosine => BetaSchedule::Cosine,
        };
        let prediction_type = match self.prediction_type.unwrap_or(Prediction::Epsilon) {
            Prediction::Epsilon => PredictionType::Epsilon,
            Prediction::Sample => PredictionType::Sample,
            Prediction::V => PredictionType::VPrediction,
            Prediction::Flow => {
                return DiffusionConfig { clip_sample_range: self.clip_sample_range, ..DiffusionConfig::flow() };
            }
        };
        DiffusionConfig {
            clip_sample_range: Some(self.clip_sample_range.unwrap_or(CLIP_SAMPLE_RANGE)),
            ..DiffusionConfig::new(beta_schedule, prediction_type, VarianceType::FixedSmall)
        }
    }
}
