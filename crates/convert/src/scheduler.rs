//! What the transformer was trained to undo.

use super::diffusers::{check_settings, number};
use super::transformer::Numbers;
use anyhow::{Context, Result};
use ditscope_config::{BetaSchedule, DiffusionConfig, DitConfig, PredictionType, VarianceType};
use serde_json::Value;

/// The official process, linear β from 1e-4 to 0.02 in 1000 steps and ε-prediction; or, where a
/// diffusers `scheduler_config.json` says something else, that.
///
/// # Errors
/// Names a setting that is not supported.
pub fn diffusion(scheduler: &Value, transformer: &DitConfig, numbers: Numbers) -> Result<DiffusionConfig> {
    check_settings(
        scheduler,
        &[
            ("beta_start", 1e-4.into()),
            ("beta_end", 0.02.into()),
            ("num_train_timesteps", 1000.into()),
            ("trained_betas", Value::Null),
            ("rescale_betas_zero_snr", false.into()),
        ],
    )
    .context("scheduler")?;
    let clip = scheduler["clip_sample"] == Value::Bool(true);
    Ok(DiffusionConfig {
        num_train_timesteps: number(scheduler, "num_train_timesteps")?.unwrap_or(1000),
        beta_schedule: setting(scheduler, "beta_schedule", BetaSchedule::Linear)?,
        prediction_type: setting(scheduler, "prediction_type", PredictionType::Epsilon)?,
        variance_type: if transformer.learn_sigma { VarianceType::LearnedRange } else { VarianceType::FixedLarge },
        clip_sample_range: clip.then(|| scheduler["clip_sample_range"].as_f64().unwrap_or(1.0)),
        // The official release steers 3 of the 4 latent channels; diffusers steers all.
        guidance_channels: (transformer.in_channels == 4 && numbers == Numbers::Official).then_some(3),
    })
}

fn setting<T: serde::de::DeserializeOwned>(scheduler: &Value, name: &str, default: T) -> Result<T> {
    match &scheduler[name] {
        Value::Null => Ok(default),
        value => serde_json::from_value(value.clone())
            .with_context(|| format!("scheduler: {name} = {value} is not supported")),
    }
}
