//! One transformer block: attention and MLP, each modulated and gated by the condition.

use super::conditioning::{AdaLn, Branch, Condition, Modulation};
use super::cross::CrossAttention;
use super::heads::{attention_weights, mix_heads, split_heads};
use super::linear::{apply, xavier_linear};
use super::norm::learned_norm;
use burn::module::Module;
use burn::nn::{LayerNorm, Linear};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};
use ditscope_config::{Conditioning, DitConfig};

/// `x += gate·attn(mod(LN(x)))`, then the same with the MLP; what `mod` and `gate` are depends on the
/// [`Conditioning`].
#[derive(Module, Debug)]
pub struct DitBlock {
    pub attn: Attention,
    pub mlp: Mlp,
    /// With adaLN and adaLN-Zero.
    pub ada_ln: Option<AdaLn>,
    /// The norms before attention and MLP where they have weights of their own: without adaLN.
    pub norm1: Option<LayerNorm>,
    pub norm2: Option<LayerNorm>,
    /// Between attention and MLP, with cross-attention.
    pub cross_attn: Option<CrossAttention>,
    mlp_norm_eps: f64,
}

impl DitBlock {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        let vectors = config.conditioning.num_vectors();
        Self {
            attn: Attention::new(config, device),
            mlp: Mlp::new(config.hidden_size, config.mlp_ratio, device),
            ada_ln: (vectors > 0).then(|| AdaLn::new(config.hidden_size, vectors, device)),
            norm1: config.conditioning.has_tokens().then(|| learned_norm(config.hidden_size, device)),
            norm2: config.conditioning.has_tokens().then(|| learned_norm(config.hidden_size, device)),
            cross_attn: (config.conditioning == Conditioning::CrossAttention)
                .then(|| CrossAttention::new(config, device)),
            mlp_norm_eps: config.mlp_norm_eps,
        }
    }

    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    pub fn forward(&self, x: Tensor<3>, condition: &Condition) -> Tensor<3> {
        self.modulated(x, self.modulation(condition), Some(condition), |_| ())
    }

    /// The vectors that the condition gives this block; none without adaLN.
    pub fn modulation(&self, condition: &Condition) -> Option<Modulation> {
        self.ada_ln.as_ref().map(|ada_ln| Modulation::cut(ada_ln.vectors(condition.sum())))
    }

    /// The same, when the modulation is known; `look` is shown the attention. The condition itself is for
    /// cross-attention alone.
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`; what `look` sees: `[N, heads, T, T]`
    pub(super) fn modulated(
        &self,
        x: Tensor<3>,
        modulation: Option<Modulation>,
        condition: Option<&Condition>,
        look: impl FnOnce(&Tensor<4>),
    ) -> Tensor<3> {
        let (of_attn, of_mlp) = modulation.map_or((None, None), |m| (Some(m.attn), Some(m.mlp)));
        let attend = |x| self.attn.forward_seen(x, look);
        let x = branch(x, of_attn, self.norm1.as_ref(), DitConfig::NORM_EPS, attend); // [N, T, D]
        let x = match self.cross_attn.as_ref().zip(condition) {
            Some((cross, condition)) => x.clone() + cross.forward(x, condition.tokens()), // [N, T, D]
            None => x,
        };
        branch(x, of_mlp, self.norm2.as_ref(), self.mlp_norm_eps, |x| self.mlp.forward(x)) // [N, T, D]
    }
}

/// `x + gate·inner(mod(LN(x)))`, or `x + inner(norm(x))` without adaLN.
///
/// # Shapes
/// - `x`, result, input and output of `inner`: `[N, T, D]`
fn branch(
    x: Tensor<3>,
    vectors: Option<Branch>,
    norm: Option<&LayerNorm>,
    eps: f64,
    inner: impl FnOnce(Tensor<3>) -> Tensor<3>,
) -> Tensor<3> {
    match (vectors, norm) {
        (Some(vectors), _) => vectors.apply(x, eps, inner),
        (None, Some(norm)) => x.clone() + inner(norm.forward(x)),
        (None, None) => x.clone() + inner(x),
    }
}

/// Multi-head self-attention with one packed projection for q, k and v.
#[derive(Module, Debug)]
pub struct Attention {
    pub qkv: Linear,
    pub proj: Linear,
    /// Over the numbers of a head, with [`DitConfig::qk_norm`].
    pub q_norm: Option<LayerNorm>,
    pub k_norm: Option<LayerNorm>,
    num_heads: usize,
}

impl Attention {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        let width = config.hidden_size;
        let norm = || config.qk_norm.then(|| learned_norm(width / config.num_heads, device));
        Self {
            qkv: xavier_linear(width, 3 * width, device),
            proj: xavier_linear(width, width, device),
            q_norm: norm(),
            k_norm: norm(),
            num_heads: config.num_heads,
        }
    }

    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.forward_seen(x, |_| ())
    }

    /// The same; `look` is shown how much each token (row) looks at each other one (column), head by head.
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`; what `look` sees: `[N, heads, T, T]`, rows sum to 1
    pub(super) fn forward_seen(&self, x: Tensor<3>, look: impl FnOnce(&Tensor<4>)) -> Tensor<3> {
        let [q, k, v] = split_heads(apply(&self.qkv, x), self.num_heads); // [N, heads, T, d_head]
        let weights = attention_weights(normed(&self.q_norm, q), normed(&self.k_norm, k)); // [N, heads, T, T]
        look(&weights);
        apply(&self.proj, mix_heads(weights, v)) // [N, T, D]
    }
}

/// `x` itself where there is no norm; `[N, heads, T, d_head]`
fn normed(norm: &Option<LayerNorm>, x: Tensor<4>) -> Tensor<4> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
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
        let hidden = gelu_tanh(apply(&self.fc1, x)); // [N, T, ratio·D]
        apply(&self.fc2, hidden) // [N, T, D]
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
