//! What is asked of a run, and whether it fits the model.

use super::model::Model;
use super::noise::Noise;
use crate::diffusion::guidance::Guidance;
use crate::diffusion::prediction::q_sample;
use crate::diffusion::sampler::{Sampler, SamplerConfig};
use burn::tensor::Tensor;
use ditscope_config::ConfigError;

/// What to generate: picture i has class `classes[i]`.
#[derive(Debug, Clone)]
pub struct Request {
    pub classes: Vec<usize>,
    pub noise: Noise,
    /// How strongly the class steers: one for each picture, or one for all.
    pub guidance_scales: Vec<f64>,
    /// Channels that guidance steers; `None`: as the model's configuration says.
    pub guidance_channels: Option<usize>,
    pub sampler: SamplerConfig,
    /// From which picture; `None`: from noise alone.
    pub start: Option<Start>,
}

/// A picture to begin with, under as much noise as there is at a step of the run
/// (SDEdit, Meng et al. 2021, arXiv:2108.01073).
#[derive(Debug, Clone)]
pub struct Start {
    /// The first step that is taken: 0 keeps next to nothing of the picture, the last one nearly all.
    pub step: usize,
    /// Standardised latents, `[N, C, h, w]`, or `[1, C, h, w]` for all.
    pub x0: Tensor<4>,
}

impl Start {
    /// The first step for a strength from 0 (the picture stays) to 1 (all steps are taken), as diffusers counts it.
    pub fn step_for(strength: f64, num_steps: usize) -> usize {
        num_steps - ((num_steps as f64 * strength) as usize).min(num_steps)
    }
}

/// `channels`: those that are steered, if not the model's own; one scale for all of `pictures`, or one for each.
pub(super) fn guidance(
    model: &Model,
    scales: Vec<f64>,
    channels: Option<usize>,
    pictures: usize,
) -> Result<Guidance, ConfigError> {
    let total = model.config.transformer.in_channels;
    let channels = channels.or(model.config.scheduler.guidance_channels).unwrap_or(total);
    if channels == 0 || channels > total {
        return Err(out_of_range("guidance channels", channels, format!("1 to {total}")));
    }
    if let Some(scale) = scales.iter().find(|scale| !scale.is_finite()) {
        return Err(out_of_range("guidance scale", scale, "a finite number".into()));
    }
    if let Some(scale) = scales.iter().find(|scale| **scale != 1.0 && !model.config.transformer.has_null_label) {
        let why = "1: this model was trained without label dropout, so there is no \"no class\" to steer away from";
        return Err(out_of_range("guidance scale", scale, why.into()));
    }
    if scales.len() != 1 {
        check_count("guidance scales", scales.len(), pictures)?;
    }
    Ok(Guidance { scales, channels })
}

/// The picture to begin with, as noisy as at its step.
pub(super) fn noised(sampler: &Sampler, Start { step, x0 }: Start, noise: Tensor<4>) -> Result<Tensor<4>, ConfigError> {
    let (steps, shape) = (sampler.num_steps(), noise.dims());
    if step >= steps {
        return Err(out_of_range("first step", step, format!("0 to {}", steps - 1)));
    }
    let found = x0.dims();
    if found[1..] != shape[1..] || ![1, shape[0]].contains(&found[0]) {
        return Err(out_of_range("shape of the latents to begin with", format!("{found:?}"), format!("{shape:?}")));
    }
    Ok(q_sample(sampler.schedule(), sampler.index(step), x0.expand(shape), noise))
}

pub(super) fn check_count(name: &'static str, count: usize, classes: usize) -> Result<(), ConfigError> {
    if count == classes && count > 0 {
        return Ok(());
    }
    Err(out_of_range(name, format!("{count} entries"), format!("{classes}, one per class")))
}

pub(super) fn out_of_range(name: &'static str, value: impl ToString, allowed: String) -> ConfigError {
    ConfigError::OutOfRange { name, value: value.to_string(), allowed }
}

pub(super) fn check_noise(noise: &Tensor<4>, shape: [usize; 4]) -> Result<(), ConfigError> {
    if noise.dims() == shape {
        return Ok(());
    }
    let allowed = format!("{shape:?} for this model and {} pictures", shape[0]);
    Err(out_of_range("noise shape", format!("{:?}", noise.dims()), allowed))
}
