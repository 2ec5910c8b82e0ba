//! One step back in time: DDPM, DDIM, DPM-Solver++(2M) and UniPC; along the velocity of a flow model Euler's and Heun's method.
//!
//! The sampler steps, the caller loops: so a caller can stream every latent,
//! wait, and stop between steps.
//!
//! ```text
//! for i in 0..sampler.num_steps() {
//!     loop {
//!         let prediction = predict_at(sampler.process(), sampler.weights(i), x_t, model(x_t, sampler.told(i)));
//!         x_t = sampler.step(i, x_t, prediction, || noise);
//!         if !sampler.is_half_way() { break }
//!     }
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
    /// Half-way through a step of Heun's: the latents that it began with, and the velocity there.
    half: Option<[Tensor<4>; 2]>,
}

impl Sampler {
    /// # Errors
    /// [`ConfigError::OutOfRange`] for a sampler that is for other models, a number of steps that the spacing or the
    /// process does not allow, or an η outside 0 to 1.
    pub fn new(diffusion: &DiffusionConfig, config: SamplerConfig) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&config.eta) {
            return Err(ConfigError::OutOfRange {
                name: "eta",
                value: config.eta.to_string(),
                allowed: "0 to 1".into(),
            });
        }
        let SamplerConfig { kind, num_inference_steps, spacing, .. } = config;
        diffusion.prediction_type.check(kind)?;
        let schedule = training_schedule(diffusion).for_run(diffusion, kind, spacing, num_inference_steps)?;
        let process = DiffusionConfig {
            clip_sample_range: diffusion.clip_sample_range.filter(|_| clamps(diffusion.clipping, kind)),
            ..diffusion.clone()
        };
        Ok(Self { config, process, schedule, previous_x0_hat: None, unipc: UniPc::default(), half: None })
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

    /// The timestep of the process that `step` is taken at.
    pub fn timestep(&self, step: usize) -> usize {
        self.schedule.timesteps[self.index(step)]
    }

    /// ᾱ at `step`.
    pub fn alpha_bar(&self, step: usize) -> f64 {
        self.schedule.alphas_cumprod[self.index(step)]
    }

    /// Whether the step that was begun needs the network once more, at the latents that it gave.
    pub fn is_half_way(&self) -> bool {
        self.half.is_some()
    }

    /// What the network is to be told at `step`, for its time embedding.
    pub fn told(&self, step: usize) -> f32 {
        self.told_in(self.asked(step))
    }

    /// All that it will be told from `step` to the end, in order, each once.
    pub fn told_from(&self, step: usize) -> impl Iterator<Item = f32> {
        let end = (self.config.kind == SamplerKind::Heun).then_some(None);
        (0..self.num_steps() - step).rev().map(Some).chain(end).map(|place| self.told_in(place))
    }

    /// The weights of picture and noise in the latents that the network is asked about at `step`.
    pub fn weights(&self, step: usize) -> (f64, f64) {
        self.weights_in(self.asked(step))
    }

    /// The position in the schedule; none at its end, where no noise is left.
    fn asked(&self, step: usize) -> Option<usize> {
        let index = self.index(step);
        if self.is_half_way() { index.checked_sub(1) } else { Some(index) }
    }

    fn weights_in(&self, place: Option<usize>) -> (f64, f64) {
        place.map_or((1.0, 0.0), |i| self.schedule.q_sample_factors(i))
    }

    fn told_in(&self, place: Option<usize>) -> f32 {
        let timestep = place.map_or(0, |i| self.schedule.timesteps[i]);
        self.process.told(timestep, self.weights_in(place).1) as f32
    }

    /// What the next step needs to know of those before.
    ///
    /// # Shapes
    /// - `[N, C, H, W]` each
    pub fn memory(&self) -> Vec<Tensor<4>> {
        match self.config.kind {
            SamplerKind::Ddpm | SamplerKind::Ddim | SamplerKind::Euler | SamplerKind::Heun => vec![],
            SamplerKind::DpmSolverPlusPlus => self.previous_x0_hat.iter().cloned().collect(),
            SamplerKind::UniPc => self.unipc.memory(),
        }
    }

    /// Goes on from the [`Self::memory`] of another sampler of this kind. Whether it can be one.
    pub fn remember(&mut self, memory: Vec<Tensor<4>>) -> bool {
        match self.config.kind {
            SamplerKind::Ddpm | SamplerKind::Ddim | SamplerKind::Euler | SamplerKind::Heun => memory.is_empty(),
            SamplerKind::DpmSolverPlusPlus => {
                let fits = memory.len() <= 1;
                self.previous_x0_hat = memory.into_iter().next();
                fits
            }
            SamplerKind::UniPc => self.unipc.remember(memory),
        }
    }

    /// Takes `step` back: x_t → x_{t−1}; of a step of Heun's the first half, or, where it [`Self::is_half_way`], the second.
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
            SamplerKind::Euler => x_t + velocity(prediction) * self.stride(i), // [N, C, H, W]
            SamplerKind::Heun => self.heun_step(i, x_t, velocity(prediction)),
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

    /// Euler's step, then the same with the mean of the velocities at both its ends.
    fn heun_step(&mut self, i: usize, x_t: Tensor<4>, velocity: Tensor<4>) -> Tensor<4> {
        match self.half.take() {
            None => {
                self.half = Some([x_t.clone(), velocity.clone()]);
                x_t + velocity * self.stride(i) // [N, C, H, W]
            }
            Some([start, first]) => start + (first + velocity) * (0.5 * self.stride(i)), // [N, C, H, W]
        }
    }

    /// What the step from position `i` changes σ by.
    fn stride(&self, i: usize) -> f64 {
        self.weights_in(i.checked_sub(1)).1 - self.weights_in(Some(i)).1
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

/// dx/dσ along the straight path: ε − x0.
fn velocity(prediction: Prediction) -> Tensor<4> {
    prediction.eps - prediction.x0_hat
}

fn clamps(clipping: Clipping, kind: SamplerKind) -> bool {
    match (clipping, kind) {
        (Clipping::Consistent, _) | (_, SamplerKind::Ddpm | SamplerKind::Ddim) => true,
        (Clipping::Diffusers, _) => false,
    }
}
