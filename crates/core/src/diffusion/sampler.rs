//! One step back in time: DDPM, DDIM, DPM-Solver++(2M) and UniPC.
//!
//! The sampler steps, the caller loops: so a caller can stream every latent,
//! wait, and stop between steps.
//!
//! ```text
//! for i in 0..sampler.num_steps() {
//!     let prediction = predict(sampler.process(), sampler.schedule(), sampler.index(i), x_t, model(x_t, sampler.timestep(i)));
//!     x_t = sampler.step(i, x_t, prediction, || noise);
//! }
//! ```

use crate::diffusion::prediction::{LogVariance, Prediction, log_variance};
use crate::diffusion::unipc::UniPc;
use burn::tensor::Tensor;
use ditscope_config::{Clipping, ConfigError, DiffusionConfig, SamplerKind, TimestepSpacing, VarianceType};
use ditscope_schedule::{NoiseSchedule, training_schedule};

/// Which sampler, with which freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplerConfig {
    pub kind: SamplerKind,
    pub num_inference_steps: usize,
    /// DDIM's η: 0 is deterministic, 1 as noisy as DDPM with the small variance. Other samplers ignore it.
    pub eta: f64,
    /// Which timesteps are visited; absent: as the model's configuration says.
    pub spacing: Option<TimestepSpacing>,
}

impl SamplerConfig {
    /// The usual choice: η = 0 and the model's spacing.
    pub fn new(kind: SamplerKind, num_inference_steps: usize) -> Self {
        Self { kind, num_inference_steps, eta: 0.0, spacing: None }
    }
}

/// A sampler at work on one run.
#[derive(Debug, Clone)]
pub struct Sampler {
    config: SamplerConfig,
    process: DiffusionConfig,
    schedule: NoiseSchedule,
    /// x̂0 of the step before (DPM-Solver++ looks back once).
    previous_x0_hat: Option<Tensor<4>>,
    unipc: UniPc,
}

impl Sampler {
    /// # Errors
    /// [`ConfigError::OutOfRange`] for a number of steps that the spacing or the process does not allow,
    /// or an η outside 0 to 1.
    pub fn new(diffusion: &DiffusionConfig, config: SamplerConfig) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&config.eta) {
            return Err(ConfigError::OutOfRange {
                name: "eta",
                value: config.eta.to_string(),
                allowed: "0 to 1".into(),
            });
        }
        let SamplerConfig { kind, num_inference_steps, spacing, .. } = config;
        let schedule = training_schedule(diffusion).for_run(diffusion, kind, spacing, num_inference_steps)?;
        let process = DiffusionConfig {
            clip_sample_range: diffusion.clip_sample_range.filter(|_| clamps(diffusion.clipping, kind)),
            ..diffusion.clone()
        };
        Ok(Self { config, process, schedule, previous_x0_hat: None, unipc: UniPc::default() })
    }

    /// How outputs of the network are read for this sampler: the model's configuration, without a clamp where the
    /// sampler has none.
    pub fn process(&self) -> &DiffusionConfig {
        &self.process
    }

    pub fn num_steps(&self) -> usize {
        self.schedule.len()
    }

    /// The respaced process.
    pub fn schedule(&self) -> &NoiseSchedule {
        &self.schedule
    }

    /// Position of the `step`-th step (0 is the noisiest) in [`Self::schedule`].
    pub fn index(&self, step: usize) -> usize {
        self.num_steps() - 1 - step
    }

    /// The timestep that the network sees at `step`.
    pub fn timestep(&self, step: usize) -> usize {
        self.schedule.timesteps[self.index(step)]
    }

    /// ᾱ at `step`.
    pub fn alpha_bar(&self, step: usize) -> f64 {
        self.schedule.alphas_cumprod[self.index(step)]
    }

    /// What the next step needs to know of those before.
    ///
    /// # Shapes
    /// - `[N, C, H, W]` each
    pub fn memory(&self) -> Vec<Tensor<4>> {
        match self.config.kind {
            SamplerKind::Ddpm | SamplerKind::Ddim => vec![],
            SamplerKind::DpmSolverPlusPlus => self.previous_x0_hat.iter().cloned().collect(),
            SamplerKind::UniPc => self.unipc.memory(),
        }
    }

    /// Goes on from the [`Self::memory`] of another sampler of this kind. Whether it can be one.
    pub fn remember(&mut self, memory: Vec<Tensor<4>>) -> bool {
        match self.config.kind {
            SamplerKind::Ddpm | SamplerKind::Ddim => memory.is_empty(),
            SamplerKind::DpmSolverPlusPlus => {
                let fits = memory.len() <= 1;
                self.previous_x0_hat = memory.into_iter().next();
                fits
            }
            SamplerKind::UniPc => self.unipc.remember(memory),
        }
    }

    /// Takes `step` back: x_t → x_{t−1}.
    ///
    /// `noise` is asked for fresh standard normal noise only when the step needs some.
    ///
    /// # Shapes
    /// - `x_t`, the noise, result: `[N, C, H, W]`
    pub fn step(
        &mut self,
        step: usize,
        x_t: Tensor<4>,
        prediction: Prediction,
        noise: impl FnOnce() -> Tensor<4>,
    ) -> Tensor<4> {
        let i = self.index(step);
        match self.config.kind {
            SamplerKind::Ddpm => self.ddpm_step(i, x_t, prediction, noise),
            SamplerKind::Ddim => self.ddim_step(i, prediction, noise),
            SamplerKind::DpmSolverPlusPlus => self.dpm_solver_step(i, x_t, prediction),
            SamplerKind::UniPc => self.unipc.step(&self.schedule, i, x_t, prediction.x0_hat),
        }
    }

    /// DDPM algorithm 2: the posterior mean plus noise, except at the last step (official `p_sample`).
    fn ddpm_step(
        &self,
        i: usize,
        x_t: Tensor<4>,
        prediction: Prediction,
        noise: impl FnOnce() -> Tensor<4>,
    ) -> Tensor<4> {
        let (of_x0, of_x_t) = self.schedule.posterior_mean_factors(i);
        let mean = prediction.x0_hat * of_x0 + x_t * of_x_t; // [N, C, H, W]
        if i == 0 {
            return if self.ends_noisy() { mean + noise() * self.schedule.betas[0].sqrt() } else { mean };
        }
        match log_variance(self.process.variance_type, &self.schedule, i, prediction.variance_logits) {
            LogVariance::Fixed(log) => mean + noise() * (0.5 * log).exp(), // [N, C, H, W]
            LogVariance::Learned(log) => mean + noise() * (log * 0.5).exp(), // [N, C, H, W]
        }
    }

    /// diffusers' DDPM adds noise after every step from t > 0. With β as its variance that shows after the last one, too,
    /// where that does not start from t = 0: with `Trailing`, and with `Leading` and an offset.
    fn ends_noisy(&self) -> bool {
        let spacing = self.config.spacing.unwrap_or(self.process.timestep_spacing);
        let is_large = self.process.variance_type == VarianceType::FixedLarge;
        spacing != TimestepSpacing::Uniform && is_large && self.schedule.timesteps[0] > 0
    }

    /// DDIM eq. 12, σ from eq. 16 (official `ddim_sample`).
    fn ddim_step(&self, i: usize, prediction: Prediction, noise: impl FnOnce() -> Tensor<4>) -> Tensor<4> {
        let (ab, ab_prev) = (self.schedule.alphas_cumprod[i], self.schedule.alphas_cumprod_prev[i]);
        let sigma = self.config.eta * ((1.0 - ab_prev) / (1.0 - ab)).sqrt() * (1.0 - ab / ab_prev).sqrt();
        let direction = (1.0 - ab_prev - sigma * sigma).max(0.0).sqrt();
        let mean = prediction.x0_hat * ab_prev.sqrt() + prediction.eps * direction; // [N, C, H, W]
        if sigma == 0.0 { mean } else { mean + noise() * sigma }
    }

    /// DPM-Solver++(2M), algorithm 2, in terms of λ = log(α/σ); the first and the last step are first order.
    fn dpm_solver_step(&mut self, i: usize, x_t: Tensor<4>, prediction: Prediction) -> Tensor<4> {
        let x0_hat = prediction.x0_hat;
        let previous = self.previous_x0_hat.replace(x0_hat.clone());
        if i == 0 {
            // σ = 0 after the last step: e^{-h} = 0 and the update is x̂0 itself.
            return x0_hat;
        }
        let lambda = |i: usize| 0.5 * self.schedule.snr(i).ln();
        let (_, sigma_from) = self.schedule.q_sample_factors(i);
        let (alpha_to, sigma_to) = self.schedule.q_sample_factors(i - 1);
        let h = lambda(i - 1) - lambda(i);
        let data = match previous {
            None => x0_hat, // [N, C, H, W]
            Some(previous) => {
                let r = (lambda(i) - lambda(i + 1)) / h;
                x0_hat * (1.0 + 0.5 / r) - previous * (0.5 / r) // [N, C, H, W]
            }
        };
        x_t * (sigma_to / sigma_from) - data * (alpha_to * (-h).exp_m1()) // [N, C, H, W]
    }
}

fn clamps(clipping: Clipping, kind: SamplerKind) -> bool {
    match (clipping, kind) {
        (Clipping::Consistent, _) | (_, SamplerKind::Ddpm | SamplerKind::Ddim) => true,
        (Clipping::Diffusers, SamplerKind::DpmSolverPlusPlus | SamplerKind::UniPc) => false,
    }
}
