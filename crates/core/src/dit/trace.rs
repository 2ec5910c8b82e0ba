//! Looking inside: a probe that tells what went on in a forward pass.

use super::conditioning::Modulation;
use super::probe::Probe;
use burn::tensor::Tensor;

/// What a forward pass did.
#[derive(Debug, Clone)]
pub struct Trace {
    /// How much each token (row) of the asked block looked at each other one (column): `[N, heads, T, T]`, rows sum to 1.
    pub attention: Tensor<4>,
    /// Euclidean norm of each token as it came in, and after each block: `[N, depth + 1, T]`.
    pub token_norms: Tensor<3>,
    /// How strongly the condition acted: see [`super::Dit::modulation`]. `[N, depth, 6]`; none without adaLN.
    pub modulation: Option<Tensor<3>>,
}

/// Collects a [`Trace`], with the attention of one block.
#[derive(Debug, Clone)]
pub struct Tracer {
    block: usize,
    attention: Option<Tensor<4>>,
    /// `[N, 1, T]` each
    token_norms: Vec<Tensor<3>>,
    /// `[N, 1, 6]` each
    modulation: Vec<Tensor<3>>,
}

impl Tracer {
    pub fn of_block(block: usize) -> Self {
        Self { block, attention: None, token_norms: Vec::new(), modulation: Vec::new() }
    }

    /// What was collected; none when the pass had no such block.
    pub fn finish(self) -> Option<Trace> {
        Some(Trace {
            attention: self.attention?,
            token_norms: Tensor::cat(self.token_norms, 1), // [N, depth + 1, T]
            modulation: stacked(self.modulation),          // [N, depth, 6]
        })
    }
}

impl Probe for Tracer {
    fn before(&mut self, block: usize, x: &Tensor<3>) -> Option<Tensor<3>> {
        if block == 0 {
            self.token_norms.push(norms(x));
        }
        None
    }

    fn modulation(&mut self, _block: usize, vectors: Option<Modulation>) -> Option<Modulation> {
        self.modulation.extend(vectors.as_ref().map(strengths));
        vectors
    }

    fn wants_attention(&self, block: usize) -> bool {
        block == self.block
    }

    fn attention(&mut self, _block: usize, weights: &Tensor<4>) {
        self.attention = Some(weights.clone());
    }

    fn after(&mut self, _block: usize, x: Tensor<3>) -> Tensor<3> {
        self.token_norms.push(norms(&x));
        x
    }
}

/// `[N, T, D]` → `[N, 1, T]`
fn norms(x: &Tensor<3>) -> Tensor<3> {
    x.clone().square().sum_dim(2).sqrt().swap_dims(1, 2)
}

/// The mean absolute value of each of the six vectors, `[N, 1, D]` → `[N, 1, 6]`
pub(super) fn strengths(modulation: &Modulation) -> Tensor<3> {
    Tensor::cat(modulation.vectors().into_iter().map(|vector| vector.abs().mean_dim(2)).collect(), 2)
}

/// `[N, 1, 6]` of each block → `[N, depth, 6]`
pub(super) fn stacked(of_blocks: Vec<Tensor<3>>) -> Option<Tensor<3>> {
    (!of_blocks.is_empty()).then(|| Tensor::cat(of_blocks, 1))
}
