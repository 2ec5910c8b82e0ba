//! One transformer block: attention and MLP, each modulated and gated by the condition.

use super::conditioning::{AdaLn, modulate};
use super::embed::xavier_linear;
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
}

impl DitBlock {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        Self {
            attn: Attention::new(config.hidden_size, config.num_heads, device),
            mlp: Mlp::new(config.hidden_size, config.mlp_ratio, device),
            ada_ln: AdaLn::new(config.hidden_size, 6, device),
        }
    }

    /// # Shapes
    /// - `x`, result: `[N, T, D]`; `c`: `[N, D]`
    pub fn forward(&self, x: Tensor<3>, c: Tensor<2>) -> Tensor<3> {
        let [shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp] = self.ada_ln.forward(c); // [N, 1, D] each
        let x = x.clone() + gate_msa * self.attn.forward(modulate(x, shift_msa, scale_msa));
        x.clone() + gate_mlp * self.mlp.forward(modulate(x, shift_mlp, scale_mlp))
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
        let [n, t, d] = x.dims();
        let d_head = d / self.num_heads;
        let qkv = self.qkv.forward(x).reshape([n, t, 3, self.num_heads, d_head]).permute([2, 0, 3, 1, 4]); // [3, N, heads, T, d_head]
        let [q, k, v] = std::array::from_fn(|i| qkv.clone().narrow(0, i, 1).squeeze_dim::<4>(0)); // [N, heads, T, d_head]
        let scores = (q * (d_head as f64).powf(-0.5)).matmul(k.transpose()); // [N, heads, T, T]
        let mixed = softmax(scores, 3).matmul(v); // [N, heads, T, d_head]
        self.proj.forward(mixed.swap_dims(1, 2).reshape([n, t, d]))
    }
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
        self.fc2.forward(gelu_tanh(self.fc1.forward(x)))
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
