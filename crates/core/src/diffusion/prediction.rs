//! What the network's output means: ε-, x0- and v-prediction, the velocity of flow matching, and the learned variance.

use burn::tensor::Tensor;
use ditscope_config::{Clipping, DiffusionConfig, PredictionType, VarianceType};
use ditscope_schedule::NoiseSchedule;

/// The network's view of one step.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Predicted clean sample, `[N, C, H, W]`, clamped as configured.
    pub x0_hat: Tensor<4>,
    /// Predicted noise, `[N, C, H, W]`, consistent with `x0_hat` unless that was clamped as diffusers does it.
    pub eps: Tensor<4>,
    /// Logits v of the learned-range variance, `[N, C, H, W]`.
    pub variance_logits: Option<Tensor<4>>,
}

/// The forward process `x_t = √ᾱ·x0 + √(1−ᾱ)·ε` at step `i` (DDPM eq. 4), or on the straight path `(1−σ)·x0 + σ·ε`.
///
/// # Shapes
/// - `x0`, `eps`, result: `[N, C, H, W]`
pub fn q_sample(schedule: &NoiseSchedule, i: usize, x0: Tensor<4>, eps: Tensor<4>) -> Tensor<4> {
    let (signal, noise) = schedule.q_sample_factors(i);
    x0 * signal + eps * noise // [N, C, H, W]
}

/// What an output of the network means, in numbers: a and b of the clean latents before clamping, and of the noise, each
/// `x_t·a + output·b`.
pub fn affine(kind: PredictionType, signal: f64, noise: f64) -> [[f64; 2]; 2] {
    match kind {
        PredictionType::Epsilon => [[1.0 / signal, -noise / signal], [0.0, 1.0]],
        PredictionType::Sample => [[0.0, 1.0], [1.0 / noise, -signal / noise]],
        PredictionType::VPrediction => [[signal, -noise], [noise, signal]],
        PredictionType::FlowPrediction => [[1.0, -noise], [1.0, signal]],
        PredictionType::SitFlowPrediction => [[1.0, noise], [1.0, -signal]],
    }
}

/// Reads the network's output at step `i` of `schedule`.
///
/// # Shapes
/// - `x_t`: `[N, C, H, W]`
/// - `output`: `[N, C, H, W]`, or `[N, 2C, H, W]` with a learned variance
///
/// # Panics
/// When `output` has another number of channels, or only C with [`VarianceType::LearnedRange`].
pub fn predict(
    config: &DiffusionConfig,
    schedule: &NoiseSchedule,
    i: usize,
    x_t: Tensor<4>,
    output: Tensor<4>,
) -> Prediction {
    predict_at(config, schedule.q_sample_factors(i), x_t, output)
}

/// The same where picture and noise have these weights in x_t.
///
/// # Shapes
/// - as for [`predict`]
///
/// # Panics
/// As [`predict`].
pub fn predict_at(
    config: &DiffusionConfig,
    (signal, noise): (f64, f64),
    x_t: Tensor<4>,
    output: Tensor<4>,
) -> Prediction {
    let [_, channels, _, _] = x_t.dims();
    let (output, variance_logits) = split_variance(config, output, channels);
    let x0_hat = match config.prediction_type {
        PredictionType::Epsilon => (x_t.clone() - output.clone() * noise) / signal,
        PredictionType::Sample => output.clone(),
        PredictionType::VPrediction => x_t.clone() * signal - output.clone() * noise,
        PredictionType::FlowPrediction => x_t.clone() - output.clone() * noise,
        PredictionType::SitFlowPrediction => x_t.clone() + output.clone() * noise,
    };
    let Some(range) = clamp(config, noise) else {
        let eps = unclamped_eps(config.prediction_type, x_t, output, signal, noise);
        return Prediction { x0_hat, eps, variance_logits };
    };
    let x0_hat = x0_hat.clamp(-range, range); // [N, C, H, W]
    let eps = match config.clipping {
        Clipping::Consistent => eps_from_x0(x_t, x0_hat.clone(), signal, noise), // [N, C, H, W]
        Clipping::Diffusers => unclamped_eps(config.prediction_type, x_t, output, signal, noise), // [N, C, H, W]
    };
    Prediction { x0_hat, eps, variance_logits }
}

/// The noise that an output of the network means at step `i`, before any clamping.
///
/// It is affine in the output, so guided ε is the guidance of conditional and unconditional ε.
///
/// # Shapes
/// - as for [`predict`]; result: `[N, C, H, W]`
///
/// # Panics
/// As [`predict`].
pub fn eps_of_output(
    config: &DiffusionConfig,
    schedule: &NoiseSchedule,
    i: usize,
    x_t: Tensor<4>,
    output: Tensor<4>,
) -> Tensor<4> {
    eps_at(config, schedule.q_sample_factors(i), x_t, output)
}

/// The same where picture and noise have these weights in x_t.
///
/// # Shapes
/// - as for [`predict`]; result: `[N, C, H, W]`
///
/// # Panics
/// As [`predict`].
pub fn eps_at(config: &DiffusionConfig, (signal, noise): (f64, f64), x_t: Tensor<4>, output: Tensor<4>) -> Tensor<4> {
    let [_, channels, _, _] = x_t.dims();
    let (output, _) = split_variance(config, output, channels);
    unclamped_eps(config.prediction_type, x_t, output, signal, noise)
}

/// The clamp of x̂0. There is none where x_t is x0 itself, the end of a step of Heun's: no ε would lead from one to the other.
pub fn clamp(config: &DiffusionConfig, noise: f64) -> Option<f64> {
    config.clip_sample_range.filter(|_| noise > 0.0)
}

/// What the network should put out for a known x0 and ε: the training target; v as in Salimans & Ho 2022
/// (arXiv:2202.00512, appendix D).
///
/// # Shapes
/// - `x0`, `eps`, result: `[N, C, H, W]`
/// - `signal`, `noise`: the weights of each picture and its noise in x_t, √ᾱ and √(1−ᾱ), `[N, 1, 1, 1]`
pub fn training_target(
    kind: PredictionType,
    x0: Tensor<4>,
    eps: Tensor<4>,
    signal: Tensor<4>,
    noise: Tensor<4>,
) -> Tensor<4> {
    match kind {
        PredictionType::Epsilon => eps,
        PredictionType::Sample => x0,
        PredictionType::VPrediction => signal * eps - noise * x0, // [N, C, H, W]
        PredictionType::FlowPrediction => eps - x0,
        PredictionType::SitFlowPrediction => x0 - eps,
    }
}

/// What the squared error of an output of this kind counts, so that the error of x0 counts min(SNR, γ): min-SNR-γ
/// weighting (Hang et al. 2023, arXiv:2303.09556, section 3.4).
pub fn min_snr_weight(kind: PredictionType, snr: f64, gamma: f64) -> f64 {
    let of_x0 = snr.min(gamma);
    match kind {
        PredictionType::Sample => of_x0,
        PredictionType::Epsilon => of_x0 / snr,
        PredictionType::VPrediction => of_x0 / (snr + 1.0),
        // σ² = 1 / (√SNR + 1)²: x̂0 is x_t less σ times the velocity.
        PredictionType::FlowPrediction | PredictionType::SitFlowPrediction => of_x0 / (snr.sqrt() + 1.0).powi(2),
    }
}

/// log σ² of an ancestral step.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "one at a time, on the stack of a step")]
pub enum LogVariance {
    Fixed(f64),
    /// `[N, C, H, W]`
    Learned(Tensor<4>),
}

/// log σ² of the ancestral step `i`: fixed, or between β̃ and β as the network says
/// (Improved DDPM eq. 15: `frac = (v+1)/2`, `log σ² = frac·log β + (1−frac)·log β̃`).
///
/// # Shapes
/// - `variance_logits`: `[N, C, H, W]`
///
/// # Panics
/// Without `variance_logits` where the kind is [`VarianceType::LearnedRange`].
pub fn log_variance(
    kind: VarianceType,
    schedule: &NoiseSchedule,
    i: usize,
    variance_logits: Option<Tensor<4>>,
) -> LogVariance {
    let small = schedule.posterior_log_variance_clipped[i];
    match kind {
        VarianceType::FixedSmall => LogVariance::Fixed(small),
        // The official code takes β̃ for the first entry, so that the last step is not noisier than it should be.
        VarianceType::FixedLarge if i == 0 => LogVariance::Fixed(small),
        VarianceType::FixedLarge => LogVariance::Fixed(schedule.betas[i].ln()),
        VarianceType::LearnedRange => {
            let logits = variance_logits.expect("a model with learned variance puts out variance logits");
            let large = schedule.betas[i].ln();
            LogVariance::Learned((logits + 1.0) * (0.5 * (large - small)) + small)
        }
    }
}

/// `[N, C, H, W]` in and out.
fn unclamped_eps(kind: PredictionType, x_t: Tensor<4>, output: Tensor<4>, signal: f64, noise: f64) -> Tensor<4> {
    match kind {
        PredictionType::Epsilon => output,
        PredictionType::Sample => eps_from_x0(x_t, output, signal, noise),
        PredictionType::VPrediction => output * signal + x_t * noise,
        PredictionType::FlowPrediction => x_t + output * signal,
        PredictionType::SitFlowPrediction => x_t - output * signal,
    }
}

/// `[N, C, H, W]` in and out.
fn eps_from_x0(x_t: Tensor<4>, x0: Tensor<4>, signal: f64, noise: f64) -> Tensor<4> {
    (x_t - x0 * signal) / noise
}

/// Models with `learn_sigma` put out twice the channels, whether or not the sampler uses the second half.
fn split_variance(config: &DiffusionConfig, output: Tensor<4>, channels: usize) -> (Tensor<4>, Option<Tensor<4>>) {
    let [_, total, _, _] = output.dims();
    if total == channels {
        assert!(
            config.variance_type != VarianceType::LearnedRange,
            "learned variance needs {} channels, got {total}",
            2 * channels
        );
        return (output, None);
    }
    assert_eq!(total, 2 * channels, "the model's output channels");
    let logits = output.clone().narrow(1, channels, channels); // [N, C, H, W]
    (output.narrow(1, 0, channels), Some(logits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_output_means_is_affine() {
        use PredictionType::{Epsilon, FlowPrediction, Sample, SitFlowPrediction, VPrediction};
        let (x_t, output) = (1.7, -0.4);
        let curved = [Epsilon, Sample, VPrediction].map(|kind| (kind, 0.6, 0.8));
        let straight = [FlowPrediction, SitFlowPrediction].map(|kind| (kind, 0.7, 0.3));
        for (kind, signal, noise) in curved.into_iter().chain(straight) {
            let [x0, eps] = affine(kind, signal, noise).map(|[a, b]| x_t * a + output * b);
            assert!((signal * x0 + noise * eps - x_t).abs() < 1e-12, "{kind:?}: no x_t");
            let said = match kind {
                PredictionType::Epsilon => eps,
                PredictionType::Sample => x0,
                PredictionType::VPrediction => signal * eps - noise * x0,
                PredictionType::FlowPrediction => eps - x0,
                PredictionType::SitFlowPrediction => x0 - eps,
            };
            assert!((said - output).abs() < 1e-12, "{kind:?}: {said}");
        }
    }

    /// An error δ of x0 is an error δ·√SNR of ε, δ·√(SNR + 1) of v and δ·(√SNR + 1) of a velocity: weighed, all are the same.
    #[test]
    fn min_snr_weighs_the_same_error_alike_whatever_is_predicted() {
        for snr in [1e-4, 0.3, 5.0, 700.0f64] {
            let of_x0 = min_snr_weight(PredictionType::Sample, snr, 5.0);
            assert_eq!(of_x0, snr.min(5.0));
            for (kind, squared) in [
                (PredictionType::Epsilon, snr),
                (PredictionType::VPrediction, snr + 1.0),
                (PredictionType::FlowPrediction, (snr.sqrt() + 1.0).powi(2)),
            ] {
                let weighed = squared * min_snr_weight(kind, snr, 5.0);
                assert!((weighed - of_x0).abs() < 1e-12 * of_x0, "{kind:?} at SNR {snr}: {weighed}, not {of_x0}");
            }
        }
    }
}
