//! The forward process that the transformer was trained to undo.

use super::{ConfigError, SamplerKind};
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
    /// What the clamp changes beside x̂0.
    #[serde(default, skip_serializing_if = "Clipping::is_default")]
    pub clipping: Clipping,
    /// Channels that guidance steers; absent: all. The official release steers the first 3.
    #[serde(default)]
    pub guidance_channels: Option<usize>,
    /// Which timesteps a run visits when nothing else is chosen.
    #[serde(default, skip_serializing_if = "TimestepSpacing::is_default")]
    pub timestep_spacing: TimestepSpacing,
    /// Added to the timesteps of [`TimestepSpacing::Leading`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub steps_offset: usize,
    /// Where DDIM's last step of diffusers' spacings goes: to ᾱ = 1, or with `false` to that of the first timestep.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub set_alpha_to_one: bool,
    /// How far a run on the straight path stays near the noise: σ becomes shift·σ / (1 + (shift − 1)·σ) (Esser et al. 2024,
    /// arXiv:2403.03206, eq. 23).
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub shift: f64,
}

fn default_train_timesteps() -> usize {
    1000
}

fn one() -> f64 {
    1.0
}

fn is_one(value: &f64) -> bool {
    *value == 1.0
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}

impl DiffusionConfig {
    /// A process of 1000 steps, without a clamp, guidance on all channels, visited as usual here.
    pub fn new(beta_schedule: BetaSchedule, prediction_type: PredictionType, variance_type: VarianceType) -> Self {
        Self {
            num_train_timesteps: default_train_timesteps(),
            beta_schedule,
            prediction_type,
            variance_type,
            clip_sample_range: None,
            clipping: Clipping::default(),
            guidance_channels: None,
            timestep_spacing: TimestepSpacing::default(),
            steps_offset: 0,
            set_alpha_to_one: true,
            shift: 1.0,
        }
    }

    /// Flow matching on the straight path, with the network told σ·1000.
    pub fn flow() -> Self {
        Self::new(BetaSchedule::Straight, PredictionType::FlowPrediction, VarianceType::FixedSmall)
    }

    /// What the network is told of a timestep of the process, under the weight σ of noise.
    pub fn told(&self, timestep: usize, sigma: f64) -> f64 {
        match self.prediction_type {
            PredictionType::Epsilon | PredictionType::Sample | PredictionType::VPrediction => timestep as f64,
            PredictionType::FlowPrediction => sigma * self.num_train_timesteps as f64,
            PredictionType::SitFlowPrediction => 1.0 - sigma,
        }
    }

    /// The same at a timestep of the whole process.
    pub fn told_at(&self, timestep: usize) -> f64 {
        self.told(timestep, BetaSchedule::sigma(timestep, self.num_train_timesteps))
    }

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
        if self.prediction_type.is_flow() != (self.beta_schedule == BetaSchedule::Straight) {
            return Err(ConfigError::Model(
                "scheduler.beta_schedule straight goes with a flow prediction, and with that alone".into(),
            ));
        }
        if !(self.shift.is_finite() && self.shift > 0.0) {
            return Err(ConfigError::Model(format!("scheduler.shift = {} is not a positive number", self.shift)));
        }
        if self.steps_offset >= self.num_train_timesteps {
            return Err(ConfigError::Model(format!(
                "scheduler.steps_offset = {} is not below num_train_timesteps = {}",
                self.steps_offset, self.num_train_timesteps
            )));
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
    /// The straight path of flow matching, x_t = (1−σ)·x0 + σ·ε with σ = (t + 1)/T (Lipman et al. 2022, arXiv:2210.02747; Liu et
    /// al. 2022, arXiv:2209.03003). ᾱ is the picture's share of the variance here, too.
    Straight,
}

impl BetaSchedule {
    /// Weights of picture and noise in x_t, where ᾱ is the picture's share of the variance: their squares have the sum 1, or
    /// on the straight path they themselves.
    pub fn weights(self, alpha_bar: f64) -> (f64, f64) {
        let (signal, noise) = (alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt());
        match self {
            Self::Linear | Self::Cosine => (signal, noise),
            Self::Straight => (signal / (signal + noise), noise / (signal + noise)),
        }
    }

    /// σ of the straight path at timestep `t` of `total`.
    pub fn sigma(t: usize, total: usize) -> f64 {
        (t + 1) as f64 / total as f64
    }
}

/// Which timesteps of the process a run visits. All but the first are those of diffusers' schedulers (table 2 of Lin et al.
/// 2023, arXiv:2305.08891), down to the ᾱ that its DDIM steps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestepSpacing {
    /// The usual one of each sampler here: both ends for DDPM and DDIM, uniform in t without 0 for the others.
    #[default]
    Uniform,
    /// Equal strides from 0.
    Leading,
    /// Equal strides down from the noisiest.
    Trailing,
    /// Both ends; DPM-Solver++ and UniPC leave 0 out.
    Linspace,
}

impl TimestepSpacing {
    pub const ALL: [Self; 4] = [Self::Uniform, Self::Leading, Self::Trailing, Self::Linspace];

    /// The name in files, in URLs and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Leading => "leading",
            Self::Trailing => "trailing",
            Self::Linspace => "linspace",
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl std::str::FromStr for TimestepSpacing {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::ALL.into_iter().find(|spacing| spacing.name() == name).ok_or_else(|| ConfigError::Unknown {
            what: "timestep spacing",
            name: name.into(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// What clamping x̂0 to [`DiffusionConfig::clip_sample_range`] changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clipping {
    /// ε is derived anew, so that both still make up x_t; with every sampler.
    #[default]
    Consistent,
    /// diffusers' way: x̂0 alone, ε stays what the network said; DPM-Solver++ and UniPC do not clamp.
    Diffusers,
}

impl Clipping {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
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
    /// The velocity ε − x0 along the straight path, towards the noise; the network is told σ·T (rectified flow, SD3, diffusers).
    FlowPrediction,
    /// The velocity x0 − ε, towards the picture; the network is told 1 − σ (SiT: Ma et al. 2024, arXiv:2401.08740).
    SitFlowPrediction,
}

impl PredictionType {
    /// Whether it is a velocity along the straight path.
    pub fn is_flow(self) -> bool {
        matches!(self, Self::FlowPrediction | Self::SitFlowPrediction)
    }

    /// The samplers for it.
    pub fn samplers(self) -> &'static [SamplerKind] {
        if self.is_flow() { &SamplerKind::FLOW } else { &SamplerKind::DIFFUSION }
    }

    /// # Errors
    /// [`ConfigError::OutOfRange`] for a sampler that is for other models.
    pub fn check(self, sampler: SamplerKind) -> Result<(), ConfigError> {
        if self.samplers().contains(&sampler) {
            return Ok(());
        }
        let names: Vec<_> = self.samplers().iter().map(|kind| kind.name()).collect();
        let allowed = format!("one of {}, which are for what this model predicts", names.join(", "));
        Err(ConfigError::OutOfRange { name: "sampler", value: sampler.name().into(), allowed })
    }
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
