//! Noise schedules in f64: β, ᾱ and the posterior, and respacing to fewer steps.
//!
//! Pure numbers, no tensors: the page plots them, the samplers use them.

mod diffusers;
mod flow;

use ditscope_config::{BetaSchedule, ConfigError, DiffusionConfig, SamplerKind, TimestepSpacing};

/// A forward process with T steps, or a respaced one with fewer.
///
/// All vectors have one entry per step, from the least noisy to the noisiest.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseSchedule {
    /// What of, which decides the weights of picture and noise.
    pub kind: BetaSchedule,
    /// The timestep of the *original* process that each step stands for; the network sees these (of the straight path the
    /// nearest: it sees σ itself).
    pub timesteps: Vec<usize>,
    /// β_t, the share of noise that step t adds.
    pub betas: Vec<f64>,
    /// ᾱ_t = Π (1 − β), the share of signal left after step t; of the straight path that of the variance.
    pub alphas_cumprod: Vec<f64>,
    /// ᾱ of the step before (1 before the first).
    pub alphas_cumprod_prev: Vec<f64>,
    /// log β̃_t with the first entry replaced by the second, as β̃_0 = 0 (DDPM eq. 7; official `gaussian_diffusion.py`).
    pub posterior_log_variance_clipped: Vec<f64>,
}

/// Which steps of the original process a shorter one keeps, where diffusers does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// `round(i·(T−1)/(N−1))`: both ends included (the official respacing). One step keeps T−1.
    Linspace,
    /// `i·(T/N)`: equal strides from 0 (the official `ddimN`); N must divide T.
    DdimStride,
    /// Uniform in t without 0: `round(i·(T−1)/N)` for i = 1..=N. The last step then goes straight to x̂0
    /// (DPM-Solver's uniform-t spacing; diffusers' `linspace` with a final σ of zero).
    UniformT,
}

impl Spacing {
    /// The usual one of a sampler: uniform in t for DPM-Solver++ and UniPC, both ends for the others.
    pub fn of(kind: SamplerKind) -> Self {
        match kind {
            SamplerKind::DpmSolverPlusPlus | SamplerKind::UniPc => Self::UniformT,
            SamplerKind::Ddpm | SamplerKind::Ddim | SamplerKind::Euler | SamplerKind::Heun => Self::Linspace,
        }
    }
}

/// The original process of a configuration: what training noises with and what the page plots.
pub fn training_schedule(config: &DiffusionConfig) -> NoiseSchedule {
    NoiseSchedule::new(config.beta_schedule, config.num_train_timesteps)
}

impl NoiseSchedule {
    /// The original process with T = `num_train_timesteps` steps.
    pub fn new(kind: BetaSchedule, num_train_timesteps: usize) -> Self {
        let betas = match kind {
            BetaSchedule::Linear => linear_betas(num_train_timesteps),
            BetaSchedule::Cosine => cosine_betas(num_train_timesteps),
            BetaSchedule::Straight => return flow::whole(num_train_timesteps),
        };
        Self::from_betas(kind, (0..num_train_timesteps).collect(), betas)
    }

    /// Keeps `num_steps` of the steps such that ᾱ at the kept ones is unchanged.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] when `num_steps` is 0, more than there are, or does not fit the spacing.
    pub fn respaced(&self, spacing: Spacing, num_steps: usize) -> Result<Self, ConfigError> {
        Ok(self.kept(&spaced_indices(spacing, self.timesteps.len(), num_steps)?, None))
    }

    /// The steps that a run of this process takes. `spacing`, where there is one, goes before the process's own.
    ///
    /// # Errors
    /// As [`Self::respaced`].
    pub fn for_run(
        &self,
        process: &DiffusionConfig,
        kind: SamplerKind,
        spacing: Option<TimestepSpacing>,
        num_steps: usize,
    ) -> Result<Self, ConfigError> {
        match spacing.unwrap_or(process.timestep_spacing) {
            spacing if self.kind == BetaSchedule::Straight => flow::for_run(process, spacing, num_steps),
            TimestepSpacing::Uniform => self.respaced(Spacing::of(kind), num_steps),
            spacing => diffusers::respaced(self, process, kind, spacing, num_steps),
        }
    }

    /// The process of these steps. The step before each has the ᾱ in `previous`; absent, that of the kept one before, and 1
    /// before the first.
    fn kept(&self, indices: &[usize], previous: Option<Vec<f64>>) -> Self {
        let timesteps = indices.iter().map(|&index| self.timesteps[index]).collect();
        let alphas_cumprod: Vec<f64> = indices.iter().map(|&index| self.alphas_cumprod[index]).collect();
        Self::from_alphas_cumprod(self.kind, timesteps, alphas_cumprod, previous)
    }

    fn from_alphas_cumprod(
        kind: BetaSchedule,
        timesteps: Vec<usize>,
        alphas_cumprod: Vec<f64>,
        previous: Option<Vec<f64>>,
    ) -> Self {
        let previous = previous.unwrap_or_else(|| shifted(&alphas_cumprod));
        let betas =
            alphas_cumprod.iter().zip(&previous).map(|(alpha_bar, previous)| 1.0 - alpha_bar / previous).collect();
        Self::from_parts(kind, timesteps, betas, alphas_cumprod, previous)
    }

    fn from_betas(kind: BetaSchedule, timesteps: Vec<usize>, betas: Vec<f64>) -> Self {
        let mut product = 1.0;
        let alphas_cumprod: Vec<f64> = betas
            .iter()
            .map(|beta| {
                product *= 1.0 - beta;
                product
            })
            .collect();
        let previous = shifted(&alphas_cumprod);
        Self::from_parts(kind, timesteps, betas, alphas_cumprod, previous)
    }

    /// ᾱ is passed beside β, because 1 − β loses digits where a long stride leaves nearly no signal.
    fn from_parts(
        kind: BetaSchedule,
        timesteps: Vec<usize>,
        betas: Vec<f64>,
        alphas_cumprod: Vec<f64>,
        alphas_cumprod_prev: Vec<f64>,
    ) -> Self {
        let mut variance: Vec<f64> =
            (0..betas.len()).map(|i| betas[i] * (1.0 - alphas_cumprod_prev[i]) / (1.0 - alphas_cumprod[i])).collect();
        // β̃_0 = 0 has no logarithm. A one-step process has no second entry to borrow: its β serves.
        variance[0] = variance.get(1).copied().unwrap_or(betas[0]);
        let posterior_log_variance_clipped = variance.into_iter().map(f64::ln).collect();
        Self { kind, timesteps, betas, alphas_cumprod, alphas_cumprod_prev, posterior_log_variance_clipped }
    }

    /// Number of steps.
    pub fn len(&self) -> usize {
        self.timesteps.len()
    }

    /// Never true for a schedule made by this module.
    pub fn is_empty(&self) -> bool {
        self.timesteps.is_empty()
    }

    /// Signal-to-noise ratio ᾱ / (1 − ᾱ) at step `i`.
    pub fn snr(&self, i: usize) -> f64 {
        self.alphas_cumprod[i] / (1.0 - self.alphas_cumprod[i])
    }

    /// The forward process x_t = √ᾱ·x0 + √(1−ᾱ)·ε as its two factors (DDPM eq. 4); on the straight path 1−σ and σ.
    pub fn q_sample_factors(&self, i: usize) -> (f64, f64) {
        self.kind.weights(self.alphas_cumprod[i])
    }

    /// The posterior mean of q(x_{t−1} | x_t, x0) as its factors of x0 and x_t (DDPM eq. 7).
    pub fn posterior_mean_factors(&self, i: usize) -> (f64, f64) {
        let (beta, ab, ab_prev) = (self.betas[i], self.alphas_cumprod[i], self.alphas_cumprod_prev[i]);
        (beta * ab_prev.sqrt() / (1.0 - ab), (1.0 - ab_prev) * (1.0 - beta).sqrt() / (1.0 - ab))
    }
}

/// 1, and all but the last.
fn shifted(alphas_cumprod: &[f64]) -> Vec<f64> {
    std::iter::once(1.0).chain(alphas_cumprod.iter().copied()).take(alphas_cumprod.len()).collect()
}

/// β linear from 1e-4 to 0.02, scaled so that any T has the same total noise (DDPM, section 4).
fn linear_betas(num: usize) -> Vec<f64> {
    let scale = 1000.0 / num as f64;
    let (start, end) = (scale * 1e-4, scale * 0.02);
    let step = (end - start) / (num - 1) as f64;
    // The cap only bites for very short processes (T < 21), where the scaled β would leave (0, 1).
    (0..num).map(|i| (start + i as f64 * step).min(0.999)).collect()
}

/// ᾱ(t) = cos²((t/T + 0.008)/1.008 · π/2), β capped at 0.999 (Nichol & Dhariwal, eq. 17).
fn cosine_betas(num: usize) -> Vec<f64> {
    let alpha_bar = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    (0..num)
        .map(|i| {
            let (from, to) = (i as f64 / num as f64, (i + 1) as f64 / num as f64);
            (1.0 - alpha_bar(to) / alpha_bar(from)).min(0.999)
        })
        .collect()
}

fn spaced_indices(spacing: Spacing, total: usize, num: usize) -> Result<Vec<usize>, ConfigError> {
    check_count(num, if spacing == Spacing::UniformT { total - 1 } else { total })?;
    Ok(match spacing {
        Spacing::Linspace if num == 1 => vec![total - 1],
        Spacing::Linspace => {
            (0..num).map(|i| round_half_even(i as f64 * (total - 1) as f64 / (num - 1) as f64)).collect()
        }
        Spacing::DdimStride if !total.is_multiple_of(num) => {
            return Err(steps_out_of_range(num, format!("a divisor of {total}")));
        }
        Spacing::DdimStride => (0..num).map(|i| i * (total / num)).collect(),
        Spacing::UniformT => (1..=num).map(|i| round_half_even(i as f64 * (total - 1) as f64 / num as f64)).collect(),
    })
}

/// # Errors
/// [`ConfigError::OutOfRange`] for a number of steps that is not 1 to `most`.
fn check_count(num: usize, most: usize) -> Result<(), ConfigError> {
    if (1..=most).contains(&num) { Ok(()) } else { Err(steps_out_of_range(num, format!("1 to {most}"))) }
}

fn steps_out_of_range(num: usize, allowed: String) -> ConfigError {
    ConfigError::OutOfRange { name: "steps", value: num.to_string(), allowed }
}

/// Python's and numpy's `round`, which the references use.
fn round_half_even(value: f64) -> usize {
    value.round_ties_even() as usize
}
