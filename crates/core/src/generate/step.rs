//! A step: what it asks of the network, and what it gives.

use burn::tensor::Tensor;

/// One step's view: the latents before it and the clean latents predicted from them.
#[derive(Debug, Clone)]
pub struct Step {
    /// `[N, C, h, w]`
    pub x_t: Tensor<4>,
    /// `[N, C, h, w]`
    pub x0_hat: Tensor<4>,
    /// What the network said, if the run is watched.
    pub watched: Option<Watched>,
}

impl Step {
    /// All that there is of the step, by name.
    ///
    /// # Shapes
    /// - `[N, C, h, w]` each
    pub fn parts(self) -> Vec<(Part, Tensor<4>)> {
        let mut parts = vec![(Part::XT, self.x_t), (Part::X0Hat, self.x0_hat)];
        if let Some(seen) = self.watched {
            parts.push((Part::EpsCond, seen.eps_cond));
            parts.extend(seen.eps_uncond.map(|eps| (Part::EpsUncond, eps)));
        }
        parts
    }
}

/// What a tensor of a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The latents before the step.
    XT,
    /// The clean latents predicted from them.
    X0Hat,
    /// The noise that the network sees in them with the class.
    EpsCond,
    /// The same without the class.
    EpsUncond,
}

/// What a step asks of the network. Row i is picture i modulo N.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// What the network is told of the noise: the timestep, or σ of the straight path as the model has it.
    pub time: f32,
    /// A class or "no class" for each row.
    pub labels: Vec<usize>,
}

/// The noise that the network sees in x_t, whatever it was trained to predict, `[N, C, h, w]` each.
///
/// Before any clamping: `eps = eps_uncond + scale·(eps_cond − eps_uncond)` on the guided channels, and x̂0 is
/// `(x_t − √(1−ᾱ)·eps)/√ᾱ` (of a flow model `(x_t − σ·eps)/(1−σ)`), clamped where the model says so.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Guided.
    pub eps: Tensor<4>,
    /// With the class.
    pub eps_cond: Tensor<4>,
    /// Without; absent where every scale is 1 and it is not computed.
    pub eps_uncond: Option<Tensor<4>>,
}
