//! One transformer block: attention and MLP, each modulated and gated by the condition.

use super::conditioning::{AdaLn, modulate};
use super::linear::{apply, xavier_linear};
use crate::config::DitConfig;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Tensor};

/// `x += gate·attn(mod(LN(x)))`, then the same with the MLP.
#[derive(Module, Debug)]
pub struct DitBlock {
    pub attn: Attention,
    pub mlp: Mlp,
    pub ada_ln: AdaLn,
    mlp_norm_eps: f64,
}

impl DitBlock {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        Self {
            attn: Attention::new(config.hidden_size, config.num_heads, device),
            mlp: Mlp::new(config.hidden_size, config.mlp_ratio, device),
            ada_ln: AdaLn::new(config.hidden_size, 6, device),
            mlp_norm_eps: config.mlp_norm_eps,
        }
    }

    /// # Shapes
    /// - `x`, result: `[N, T, D]`; `c`: `[N, D]`
    pub fn forward(&self, x: Tensor<3>, c: Tensor<2>) -> Tensor<3> {
        self.modulated(x, self.ada_ln.forward(c), |x| self.attn.forward(x))
    }

    /// The same, when the modulation is known and the attention may be looked into.
    ///
    /// # Shapes
    /// - `x`, result, input and output of `attend`: `[N, T, D]`
    /// - `modulation`: `[N, 1, D]` each, shift, scale and gate of the attention, then of the MLP
    pub(super) fn modulated(
        &self,
        x: Tensor<3>,
        modulation: [Tensor<3>; 6],
        attend: impl FnOnce(Tensor<3>) -> Tensor<3>,
    ) -> Tensor<3> {
        let [shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp] = modulation;
        let x = x.clone() + gate_msa * attend(modulate(x, shift_msa, scale_msa, DitConfig::NORM_EPS));
        x.clone() + gate_mlp * self.mlp.forward(modulate(x, shift_mlp, scale_mlp, self.mlp_norm_eps))
    }
}

/// Multi-head self-attention with one packed projection for q, k and v.
#[derive(Module, Debug)]
pub struct Attention {
    pub qkv: Linear,
    pub proj: Linear,
    num_heads: usize,
}

impl Attention {
    pub fn new(hidden_size: usize, num_heads: usize, device: &Device) -> Self {
        Self {
            qkv: xavier_linear(hidden_size, 3 * hidden_size, device),
            proj: xavier_linear(hidden_size, hidden_size, device),
            num_heads,
        }
    }

    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [q, k, v] = self.split(x);
        self.mix(weights(q, k), v)
    }

    /// The same, and how much each token (row) looks at each other one (column), head by head.
    ///
    /// # Shapes
    /// - `x`, first result: `[N, T, D]`; second: `[N, heads, T, T]`, rows sum to 1
    pub fn forward_with_weights(&self, x: Tensor<3>) -> (Tensor<3>, Tensor<4>) {
        let [q, k, v] = self.split(x);
        let weights = weights(q, k);
        (self.mix(weights.clone(), v), weights)
    }

    /// q, k and v: `[N, T, D]` → `[N, heads, T, d_head]` each.
    fn split(&self, x: Tensor<3>) -> [Tensor<4>; 3] {
        let [n, t, d] = x.dims();
        let qkv = apply(&self.qkv, x).reshape([n, t, 3, self.num_heads, d / self.num_heads]).permute([2, 0, 3, 1, 4]); // [3, N, heads, T, d_head]
        std::array::from_fn(|i| qkv.clone().narrow(0, i, 1).squeeze_dim::<4>(0))
    }

    /// `[N, heads, T, T]` and `[N, heads, T, d_head]` → `[N, T, D]`
    fn mix(&self, weights: Tensor<4>, v: Tensor<4>) -> Tensor<3> {
        let [n, heads, t, d_head] = v.dims();
        let mixed = weights.matmul(v); // [N, heads, T, d_head]
        apply(&self.proj, mixed.swap_dims(1, 2).reshape([n, t, heads * d_head]))
    }
}

/// `softmax(q·kᵀ/√d_head)`
fn weights(q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
    let [.., d_head] = q.dims();
    softmax((q * (d_head as f64).powf(-0.5)).matmul(k.transpose()), 3)
}

/// Linear, tanh-GELU, Linear.
#[derive(Module, Debug)]
pub struct Mlp {
    pub fc1: Linear,
    pub fc2: Linear,
}

impl Mlp {
    pub fn new(hidden_size: usize, mlp_ratio: usize, device: &Device) -> Self {
        Self {
            fc1: xavier_linear(hidden_size, mlp_ratio * hidden_size, device),
            fc2: xavier_linear(mlp_ratio * hidden_size, hidden_size, device),
        }
    }

    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        apply(&self.fc2, gelu_tanh(apply(&self.fc1, x)))
    }
}

/// GELU in its tanh approximation, `x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`.
///
/// As `(1 + tanh u)/2 = sigmoid(2u)`, this is `x·sigmoid(x·(a + b·x²))`: fewer passes over memory.
fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    const A: f64 = 1.595_769_121_605_731; // 2·√(2/π)
    const B: f64 = A * 0.044715;
    let inner = (x.clone() * x.clone() * B + A) * x.clone();
    x * sigmoid(inner)
}
