//! Cross-attention: the picture's tokens look at those of the condition (paper, section 3.2).

use super::heads::{attention_weights, mix_heads, split_heads};
use super::linear::{apply, xavier_linear};
use super::norm::learned_norm;
use burn::module::Module;
use burn::nn::{LayerNorm, Linear};
use burn::tensor::{Device, Tensor};
use ditscope_config::DitConfig;

/// A norm, and attention from tokens to the condition's.
#[derive(Module, Debug)]
pub struct CrossAttention {
    pub norm: LayerNorm,
    pub q: Linear,
    /// k and v, packed.
    pub kv: Linear,
    pub proj: Linear,
    num_heads: usize,
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
        }
    }

    /// What is added to the tokens.
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`; `condition`: `[N, 2, D]`
    pub fn forward(&self, x: Tensor<3>, condition: Tensor<3>) -> Tensor<3> {
        let [q] = split_heads(apply(&self.q, self.norm.forward(x)), self.num_heads); // [N, heads, T, d_head]
        let [k, v] = split_heads(apply(&self.kv, condition), self.num_heads); // [N, heads, 2, d_head]
        let weights = attention_weights(q, k); // [N, heads, T, 2]
        apply(&self.proj, mix_heads(weights, v)) // [N, T, D]
    }
}
