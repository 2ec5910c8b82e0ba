//! The timesteps that diffusers' schedulers visit (`set_timesteps` of DDIM, DDPM, DPMSolverMultistep and UniPCMultistep,
//! 0.42), with the same roundings, and the ᾱ that each step leads to.

use super::{NoiseSchedule, check_count, round_half_even, steps_out_of_range};
use ditscope_config::{ConfigError, DiffusionConfig, SamplerKind, TimestepSpacing};

/// The steps of a run, from the least noisy to the noisiest.
///
/// # Errors
/// [`ConfigError::OutOfRange`] for a number of steps that the process or the offset does not allow.
pub fn respaced(
    whole: &NoiseSchedule,
    process: &DiffusionConfig,
    kind: SamplerKind,
    spacing: TimestepSpacing,
    num_steps: usize,
) -> Result<NoiseSchedule, ConfigError> {
    let kept = indices(spacing, kind, whole.len(), num_steps, process.steps_offset)?;
    let previous = (kind == SamplerKind::Ddim).then(|| ddim_previous(whole, process, &kept));
    Ok(whole.kept(&kept, previous))
}

/// DDIM there goes from t to t − T/N, rounded down, whichever timestep is visited next: with `Linspace`, and with
/// `Trailing` where N does not divide T, these are not the same.
fn ddim_previous(whole: &NoiseSchedule, process: &DiffusionConfig, kept: &[usize]) -> Vec<f64> {
    let stride = whole.len() / kept.len();
    let end = if process.set_alpha_to_one { 1.0 } else { whole.alphas_cumprod[0] };
    kept.iter().map(|index| index.checked_sub(stride).map_or(end, |before| whole.alphas_cumprod[before])).collect()
}

fn indices(
    spacing: TimestepSpacing,
    kind: SamplerKind,
    total: usize,
    num: usize,
    offset: usize,
) -> Result<Vec<usize>, ConfigError> {
    // The grid of the multistep solvers has one point more: the clean end, which is not visited.
    let first = match kind {
        SamplerKind::DpmSolverPlusPlus | SamplerKind::UniPc => 1,
        SamplerKind::Ddpm | SamplerKind::Ddim | SamplerKind::Euler | SamplerKind::Heun => 0,
    };
    let is_trailing = spacing == TimestepSpacing::Trailing;
    check_count(num, if is_trailing { total } else { total - first })?;
    let grid = first..first + num;
    let kept: Vec<usize> = match spacing {
        TimestepSpacing::Leading => grid.clone().map(|i| i * (total / grid.end) + offset).collect(),
        TimestepSpacing::Trailing => (0..num).rev().map(|i| trailing(i, total, num)).collect(),
        // One point of numpy's `linspace` is its start.
        TimestepSpacing::Uniform | TimestepSpacing::Linspace => {
            let step = (total - 1) as f64 / (grid.end - 1).max(1) as f64;
            grid.map(|i| round_half_even(i as f64 * step)).collect()
        }
    };
    match kept.last() {
        Some(noisiest) if *noisiest >= total => Err(steps_out_of_range(
            num,
            format!("fewer: with steps_offset {offset} they would begin at {noisiest}, and the last is {}", total - 1),
        )),
        _ => Ok(kept),
    }
}

/// Entry `i` of `round(arange(T, 0, −T/N)) − 1`. numpy's step is the difference of the first two entries, and where N does
/// not divide T that decides ties.
fn trailing(i: usize, total: usize, num: usize) -> usize {
    let total = total as f64;
    let step = total - (total - total / num as f64);
    round_half_even(total - i as f64 * step) - 1
}
