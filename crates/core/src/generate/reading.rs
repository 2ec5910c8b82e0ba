//! What a step makes of the network's output: guidance and prediction.

use super::model::Model;
use super::step::Watched;
use crate::diffusion::guidance::Guidance;
use crate::diffusion::prediction::{Prediction, affine, clamp, eps_at, predict_at};
use burn::tensor::Tensor;
use ditscope_config::{Clipping, DiffusionConfig};
use ditscope_ops::Guide;

/// How a run reads outputs.
pub struct Reading<'r> {
    pub model: &'r Model,
    pub guidance: &'r Guidance,
    /// As the run's sampler has it.
    pub process: &'r DiffusionConfig,
    /// Of picture and noise in the latents.
    pub weights: (f64, f64),
}

impl Reading<'_> {
    /// # Shapes
    /// - `x_t`: `[N, C, h, w]`; `cond`, `uncond`: `[N, C_out, h, w]`
    pub fn of(
        &self,
        x_t: &Tensor<4>,
        cond: Tensor<4>,
        uncond: Option<Tensor<4>>,
        is_watched: bool,
    ) -> (Prediction, Option<Watched>) {
        if let Some((prediction, watched)) = self.fused(x_t, &cond, uncond.as_ref()) {
            return (prediction, Some(watched).filter(|_| is_watched));
        }
        let diffusion = self.process;
        let seen = is_watched.then(|| (cond.clone(), uncond.clone()));
        let output = self.guidance.combine(cond, uncond); // [N, C_out, h, w]
        let watched = seen.map(|(cond, uncond)| {
            let eps = |output| eps_at(diffusion, self.weights, x_t.clone(), output);
            Watched { eps: eps(output.clone()), eps_cond: eps(cond), eps_uncond: uncond.map(eps) }
        });
        (predict_at(diffusion, self.weights, x_t.clone(), output), watched)
    }

    /// The same in one pass, where the device has a kernel for it.
    fn fused(&self, x_t: &Tensor<4>, cond: &Tensor<4>, uncond: Option<&Tensor<4>>) -> Option<(Prediction, Watched)> {
        let diffusion = self.process;
        let (signal, noise) = self.weights;
        let [x0, eps] = affine(diffusion.prediction_type, signal, noise);
        let guide = Guide {
            scales: self.guidance.scales.clone(),
            channels: self.guidance.channels,
            x0,
            eps,
            range: clamp(diffusion, noise),
            process: [signal, noise],
        };
        let guided = self.model.ops.guide(x_t, cond, uncond, &guide)?;
        let ([_, channels, ..], [_, total, ..]) = (x_t.dims(), cond.dims());
        // Guidance acts on the first half alone.
        let logits = (total > channels).then(|| cond.clone().narrow(1, channels, total - channels)); // [N, C, h, w]
        let eps = match diffusion.clipping {
            Clipping::Consistent => guided.eps,
            Clipping::Diffusers => guided.unclamped.clone(),
        };
        let prediction = Prediction { x0_hat: guided.x0_hat, eps, variance_logits: logits };
        let watched = Watched { eps: guided.unclamped, eps_cond: guided.eps_cond, eps_uncond: guided.eps_uncond };
        Some((prediction, watched))
    }
}
