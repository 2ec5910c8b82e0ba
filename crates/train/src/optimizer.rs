//! What burn's optimizers leave to us: global-norm clipping, EMA, the learning-rate curve.

use crate::gradients::scalar;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Scales all gradients together so that their joint L2 norm is at most `max_norm`
/// (burn clips each tensor by itself). Returns the norm before clipping.
pub async fn clip_global_norm<M: Module>(model: &M, grads: GradientsParams, max_norm: f64) -> (f64, GradientsParams) {
    let mut squares = SumOfSquares { grads: &grads, sum: None };
    model.visit(&mut squares);
    let norm = match squares.sum {
        Some(sum) => f64::from(scalar(sum).await.expect("the device answers")).sqrt(),
        None => 0.0,
    };
    if norm <= max_norm {
        return (norm, grads);
    }
    let mut scale = Scale { grads, scaled: GradientsParams::new(), factor: max_norm / norm };
    model.visit(&mut scale);
    (norm, scale.scaled)
}

struct SumOfSquares<'a> {
    grads: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(grad) = self.grads.get::<D>(param.id) else { return };
        let square = grad.square().sum();
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + square,
            None => square,
        });
    }
}

struct Scale {
    grads: GradientsParams,
    scaled: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            self.scaled.register(param.id, grad * self.factor);
        }
    }
}

/// Exponential moving average of the weights: `ema ← decay·ema + (1 − decay)·model`.
///
/// `ema` and `model` are two states of one module, with the same parameter ids.
pub fn update_ema<M: Module>(ema: M, model: &M, decay: f64) -> M {
    let mut collect = CollectValues { values: GradientsParams::new() };
    model.visit(&mut collect);
    ema.map(&mut Blend { values: collect.values, decay })
}

/// The decay at a step: ramps up so that the random start is soon forgotten.
pub fn ema_decay(step: usize, decay: f64) -> f64 {
    decay.min((1 + step) as f64 / (10 + step) as f64)
}

struct CollectValues {
    values: GradientsParams,
}

impl ModuleVisitor for CollectValues {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.register(param.id, param.val().inner());
    }
}

struct Blend {
    values: GradientsParams,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = self.values.remove::<D>(param.id).expect("the model has every parameter of its average");
        // In this form equal values stay equal to the last bit: frozen weights do not drift.
        param.map(|average| average.clone() + (value - average) * (1.0 - self.decay))
    }
}

/// Linear warm-up over so many steps, or over the first tenth of the training where that is shorter; then half a cosine
/// down to 1 % of the peak.
///
/// `progress` is the share of the whole training that is done, 0 to 1.
pub fn learning_rate(peak: f64, step: usize, warmup_steps: usize, progress: f64) -> f64 {
    let warmup = ((step + 1) as f64 / warmup_steps.max(1) as f64).max(10.0 * progress).min(1.0);
    let decay = 0.5 * (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos());
    peak * warmup * (0.01 + 0.99 * decay)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was where the training is long; in a short one the warm-up is over after a tenth.
    #[test]
    fn the_warm_up_is_a_tenth_of_the_training_at_most() {
        let decay = |progress: f64| 0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        let total = 4000;
        for step in 0..total {
            let (progress, warmup) = (step as f64 / total as f64, ((step + 1) as f64 / 200.0).min(1.0));
            assert_eq!(learning_rate(1e-3, step, 200, progress), 1e-3 * warmup * decay(progress), "step {step}");
        }
        let rate = |step: usize| learning_rate(1.0, step, 200, step as f64 / 50.0);
        assert!(rate(0) < 0.01 && rate(2) < 0.5, "{} {}", rate(0), rate(2));
        assert_eq!(rate(5), decay(0.1));
        assert!((5..50).all(|step| rate(step) == decay(step as f64 / 50.0)));
    }
}
