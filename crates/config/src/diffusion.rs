//! The forward process that the transformer was trained to undo.

use super::ConfigError;
use serde::{Deserialize, Serialize};

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
