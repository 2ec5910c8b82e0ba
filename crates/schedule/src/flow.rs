//! The straight path of flow matching: x_t = (1−σ)·x0 + σ·ε. σ is continuous; timesteps are its places among those of the
//! process, for people.

use super::{NoiseSchedule, check_count};
use ditscope_config::{BetaSchedule, ConfigError, DiffusionConfig, TimestepSpacing};

/// The process with all its timesteps.
pub fn whole(num_train_timesteps: usize) -> NoiseSchedule {
    at((0..num_train_timesteps).map(|t| BetaSchedule::sigma(t, num_train_timesteps)), num_train_timesteps)
}

/// The steps of a run, from the least noisy to the noisiest: the last step leads to σ = 0.
///
/// # Errors
/// [`ConfigError::OutOfRange`] for a number of steps or a spacing that the path does not allow.
pub fn for_run(
    process: &DiffusionConfig,
    spacing: TimestepSpacing,
    num_steps: usize,
) -> Result<NoiseSchedule, ConfigError> {
    let total = process.num_train_timesteps;
    check_count(num_steps, total)?;
    // In this form 1 stays 1 to the last bit.
    let shifted = |sigma: f64| process.shift * sigma / (process.shift * sigma + (1.0 - sigma));
    let count = num_steps as f64;
    Ok(match spacing {
        TimestepSpacing::Uniform | TimestepSpacing::Trailing => {
            at((0..num_steps).map(|i| shifted((i + 1) as f64 / count)), total)
        }
        // As diffusers' FlowMatchEulerDiscreteScheduler has it (0.42): from 1 to the least σ of the process, which it has
        // shifted before.
        TimestepSpacing::Linspace => {
            let (least, gaps) = (shifted(BetaSchedule::sigma(0, total)), (count - 1.0).max(1.0));
            at((0..num_steps).map(|i| shifted(1.0 - (1.0 - least) * ((num_steps - 1 - i) as f64 / gaps))), total)
        }
        TimestepSpacing::Leading => {
            return Err(ConfigError::OutOfRange {
                name: "timestep spacing",
                value: spacing.name().into(),
                allowed: "uniform, trailing or linspace: a flow model begins with noise alone".into(),
            });
        }
    })
}

fn at(sigmas: impl Iterator<Item = f64> + Clone, total: usize) -> NoiseSchedule {
    let timesteps = sigmas.clone().map(|sigma| ((sigma * total as f64).round() as usize).max(1) - 1).collect();
    let alpha_bar = |sigma: f64| (1.0 - sigma).powi(2) / ((1.0 - sigma).powi(2) + sigma.powi(2));
    NoiseSchedule::from_alphas_cumprod(BetaSchedule::Straight, timesteps, sigmas.map(alpha_bar).collect(), None)
}
