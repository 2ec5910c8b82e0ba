//! What may be asked of the loop over the blocks, beside its result.

use super::conditioning::Modulation;
use burn::tensor::Tensor;

/// Stands beside the blocks while [`super::Dit::pass`] goes through them: it looks, or does a block's work for it.
///
/// Every method has a default that does nothing, so `()` is the probe of whoever only wants the result: it compiles
/// to no code.
pub trait Probe {
    /// Before a block. Tokens given back go on in place of what the block would make of `x`: it is passed over.
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    fn before(&mut self, _block: usize, _x: &Tensor<3>) -> Option<Tensor<3>> {
        None
    }

    /// The vectors that the condition gives a block; none without adaLN. What is given back acts in their place.
    fn modulation(&mut self, _block: usize, vectors: Option<Modulation>) -> Option<Modulation> {
        vectors
    }

    /// What the heads of a block's attention count; nothing: each as it is.
    ///
    /// # Shapes
    /// - result: `[1, 1, D]`, the numbers of one head after those of another
    fn heads(&self, _block: usize) -> Option<Tensor<3>> {
        None
    }

    /// Whether [`Self::attention`] wants to be told of this block. Where nobody does, the weights never lie in memory.
    fn wants_attention(&self, _block: usize) -> bool {
        false
    }

    /// How much each token (row) looks at each other one (column).
    ///
    /// # Shapes
    /// - `weights`: `[N, heads, T, T]`, rows sum to 1
    fn attention(&mut self, _block: usize, _weights: &Tensor<4>) {}

    /// After a block that was not passed over; the result goes on.
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    fn after(&mut self, _block: usize, x: Tensor<3>) -> Tensor<3> {
        x
    }
}

impl Probe for () {}
