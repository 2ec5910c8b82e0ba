//! What a visitor or the command line chooses for a run.

use super::{ConfigError, Savings, TimestepSpacing};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// How x_{t-1} is found from x_t.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum SamplerKind {
    /// Ancestral sampling, Ho et al. 2020: fresh noise at each step.
    #[serde(rename = "ddpm")]
    Ddpm,
    /// Song et al. 2020; deterministic with η = 0.
    #[default]
    #[serde(rename = "ddim")]
    Ddim,
    /// DPM-Solver++(2M), Lu et al. 2022: second order, fewest steps.
    #[serde(rename = "dpm++")]
    DpmSolverPlusPlus,
    /// UniPC, Zhao et al. 2023: second order with a corrector that costs nothing.
    #[serde(rename = "unipc")]
    UniPc,
    /// Euler's method along the velocity of a flow model.
    #[serde(rename = "euler")]
    Euler,
    /// Heun's method: second order, two evaluations of the network a step.
    #[serde(rename = "heun")]
    Heun,
}

impl SamplerKind {
    pub const ALL: [Self; 6] = [Self::Ddim, Self::Ddpm, Self::DpmSolverPlusPlus, Self::UniPc, Self::Euler, Self::Heun];
    /// Those for models that predict noise, picture or v.
    pub const DIFFUSION: [Self; 4] = [Self::Ddim, Self::Ddpm, Self::DpmSolverPlusPlus, Self::UniPc];
    /// Those for models that predict a velocity along the straight path.
    pub const FLOW: [Self; 2] = [Self::Euler, Self::Heun];

    /// The samplers for the models that this one is for.
    pub fn peers(self) -> &'static [Self] {
        if Self::FLOW.contains(&self) { &Self::FLOW } else { &Self::DIFFUSION }
    }

    /// The name in URLs and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddpm => "ddpm",
            Self::Ddim => "ddim",
            Self::DpmSolverPlusPlus => "dpm++",
            Self::UniPc => "unipc",
            Self::Euler => "euler",
            Self::Heun => "heun",
        }
    }
}

impl std::str::FromStr for SamplerKind {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| ConfigError::Unknown {
            what: "sampler",
            name: name.into(),
            known: known(),
        })
    }
}

/// Everything that decides a picture: same settings, same picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSettings {
    pub class: usize,
    pub guidance_scale: f64,
    pub num_inference_steps: usize,
    pub sampler: SamplerKind,
    /// Which timesteps are visited; absent: as the model's scheduler says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestep_spacing: Option<TimestepSpacing>,
    pub seed: u64,
    /// How many pictures; picture i has seed `seed + i`.
    pub num_images: usize,
    /// What is left out to be cheaper.
    #[serde(skip_serializing_if = "Savings::is_off")]
    pub savings: Savings,
}

impl RunSettings {
    pub const GUIDANCE_SCALE: RangeInclusive<f64> = 1.0..=10.0;
    pub const STEPS: RangeInclusive<usize> = 1..=250;
    pub const NUM_IMAGES: RangeInclusive<usize> = 1..=16;
    /// Seeds are exact in JavaScript's numbers and in URLs.
    pub const SEED: RangeInclusive<u64> = 0..=u32::MAX as u64;

    /// # Errors
    /// [`ConfigError::OutOfRange`] names the first setting that is out of range.
    pub fn validate(&self, num_classes: usize) -> Result<(), ConfigError> {
        fn check<T: PartialOrd + std::fmt::Display>(
            name: &'static str,
            value: T,
            range: RangeInclusive<T>,
        ) -> Result<(), ConfigError> {
            if range.contains(&value) {
                return Ok(());
            }
            let allowed = format!("{} to {}", range.start(), range.end());
            Err(ConfigError::OutOfRange { name, value: value.to_string(), allowed })
        }
        check("class", self.class, 0..=num_classes.saturating_sub(1))?;
        check("guidance scale", self.guidance_scale, Self::GUIDANCE_SCALE)?;
        check("steps", self.num_inference_steps, Self::STEPS)?;
        check("seed", self.seed, Self::SEED)?;
        check("number of pictures", self.num_images, Self::NUM_IMAGES)?;
        self.savings.validate()
    }
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            class: 0,
            guidance_scale: 4.0,
            num_inference_steps: 30,
            sampler: SamplerKind::Ddim,
            timestep_spacing: None,
            seed: 7,
            num_images: 1,
            savings: Savings::default(),
        }
    }
}
