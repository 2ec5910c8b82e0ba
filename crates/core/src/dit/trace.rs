//! Looking inside: the same forward pass, which also tells what went on in it.
//!
//! A path of its own, so that whoever does not look pays nothing.

use super::{Dit, Modulation};
use burn::tensor::{Int, Tensor};

/// What a forward pass did.
#[derive(Debug, Clone)]
pub struct Trace {
    /// How much each token (row) of the asked block looked at each other one (column): `[N, heads, T, T]`, rows sum to 1.
    pub attention: Tensor<4>,
    /// Euclidean norm of each token as it came in, and after each block: `[N, depth + 1, T]`.
    pub token_norms: Tensor<3>,
    /// How strongly the condition acted: see [`Dit::modulation`]. `[N, depth, 6]`; none without adaLN.
    pub modulation: Option<Tensor<3>>,
}

impl Dit {
    /// [`Self::forward`], with the attention of one block and what can be told of all of them in few numbers.
    ///
    /// # Shapes
    /// - as [`Self::forward`]
    ///
    /// # Panics
    /// When there is no such `block`.
    pub fn forward_traced(&self, x: Tensor<4>, t: Tensor<1>, y: Tensor<1, Int>, block: usize) -> (Tensor<4>, Trace) {
        let condition = self.condition(t, y);
        let mut x = self.tokens(x, &condition); // [N, T, D]
        let mut attention = None;
        let (mut token_norms, mut modulation) = (vec![norms(&x)], Vec::new());
        for (i, layer) in self.blocks.iter().enumerate() {
            let vectors = layer.modulation(&condition);
            modulation.extend(vectors.as_ref().map(strengths));
            x = layer.modulated(x, vectors, Some(&condition), |x| {
                if i != block {
                    return layer.attn.forward(x);
                }
                let (x, weights) = layer.attn.forward_with_weights(x);
                attention = Some(weights);
                x
            });
            token_norms.push(norms(&x));
        }
        let attention = attention.unwrap_or_else(|| panic!("block {block} of {}", self.blocks.len()));
        let trace = Trace { attention, token_norms: Tensor::cat(token_norms, 1), modulation: stacked(modulation) };
        (self.output(x, &condition), trace)
    }

    /// How strongly timestep and class act on each block, which is known without any latents: the mean absolute
    /// value of its six adaLN vectors, in the order shift, scale, gate of the attention, then of the MLP.
    /// A sign is lost on purpose: the entries of one vector point both ways, and their mean would hide them.
    /// None without adaLN; gates that adaLN lacks count as ones.
    ///
    /// # Shapes
    /// - `t`, `y`: `[N]`, as for [`Self::forward`]
    /// - result: `[N, depth, 6]`
    pub fn modulation(&self, t: Tensor<1>, y: Tensor<1, Int>) -> Option<Tensor<3>> {
        let condition = self.condition(t, y);
        let of_blocks = self.blocks.iter().filter_map(|block| block.modulation(&condition));
        stacked(of_blocks.map(|vectors| strengths(&vectors)).collect())
    }
}

/// `[N, T, D]` → `[N, 1, T]`
fn norms(x: &Tensor<3>) -> Tensor<3> {
    x.clone().square().sum_dim(2).sqrt().swap_dims(1, 2)
}

/// Six vectors `[N, 1, D]` → `[N, 1, 6]`
fn strengths(modulation: &Modulation) -> Tensor<3> {
    Tensor::cat(modulation.vectors().into_iter().map(|vector| vector.abs().mean_dim(2)).collect(), 2)
}

/// `[N, 1, 6]` of each block → `[N, depth, 6]`
fn stacked(of_blocks: Vec<Tensor<3>>) -> Option<Tensor<3>> {
    (!of_blocks.is_empty()).then(|| Tensor::cat(of_blocks, 1))
}
