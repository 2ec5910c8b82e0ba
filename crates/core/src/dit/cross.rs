//! Cross-attention: the picture's tokens look at those of the condition (paper, section 3.2).

use super::heads::split_heads;
use super::linear::{Linear, xavier_linear};
use super::norm::learned_norm;
use burn::module::Module;
use burn::nn::LayerNorm;
use burn::tensor::{Device, Tensor};
use ditscope_config::DitConfig;
use ditscope_ops::{Ops, Then};

/// A norm, and attention from tokens to the condition's.
#[derive(Module, Debug)]
pub struct CrossAttention {
    pub norm: LayerNorm,
    pub q: Linear,
    /// k and v, packed.
    pub kv: Linear,
    pub proj: Linear,
    num_heads: usize,
    #[module(skip)]
    ops: Ops,
}

impl CrossAttention {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        let d = config.hidden_size;
        Self {
            norm: learned_norm(d, device),
            q: xavier_linear(d, d, device),
            kv: xavier_linear(d, 2 * d, device),
            proj: xavier_linear(d, d, device),
            num_heads: config.num_heads,
            ops: Ops::PLAIN,
        }
    }

    #[must_use]
    pub(super) fn fused(self, ops: Ops) -> Self {
        Self { q: self.q.fused(ops), kv: self.kv.fused(ops), proj: self.proj.fused(ops), ops, ..self }
    }

    /// `x + attention(norm(x))`
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`; `condition`: `[N, 2, D]`
    pub fn forward(&self, x: Tensor<3>, condition: Tensor<3>) -> Tensor<3> {
        let normed = self.norm.forward(x.clone()); // [N, T, D]
        let [q] = split_heads(self.q.forward(normed), self.num_heads); // [N, heads, T, d_head]
        let [k, v] = split_heads(self.kv.forward(condition), self.num_heads); // [N, heads, 2, d_head]
        self.proj.apply(self.ops.attention(q, k, v), Then::Add { to: x, gate: None }) // [N, T, D]
    }
}
