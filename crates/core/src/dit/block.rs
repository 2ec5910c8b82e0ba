//! One transformer block: attention and MLP, each modulated and gated by the condition.

use super::conditioning::{AdaLn, Branch, Condition, Modulation};
use super::cross::CrossAttention;
use super::embed::{LabelEmbedder, TimestepEmbedder};
use super::heads::split_heads;
use super::linear::{Linear, xavier_linear};
use super::norm::learned_norm;
use burn::module::Module;
use burn::nn::LayerNorm;
use burn::tensor::{Device, Int, Tensor};
use ditscope_config::{Conditioning, DitConfig};
use ditscope_ops::{Ops, Then, plain};

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
    /// With [`DitConfig::block_embedders`].
    pub t_embedder: Option<TimestepEmbedder>,
    pub y_embedder: Option<LabelEmbedder>,
    mlp_norm_eps: f64,
    #[module(skip)]
    ops: Ops,
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
            t_embedder: config.block_embedders.then(|| TimestepEmbedder::new(config, device)),
            y_embedder: config.block_embedders.then(|| LabelEmbedder::new(config, device)),
            mlp_norm_eps: config.mlp_norm_eps,
            ops: Ops::PLAIN,
        }
    }

    #[must_use]
    pub(super) fn fused(self, ops: Ops) -> Self {
        Self {
            attn: self.attn.fused(ops),
            mlp: self.mlp.fused(ops),
            ada_ln: self.ada_ln.map(|ada_ln| ada_ln.fused(ops)),
            cross_attn: self.cross_attn.map(|cross| cross.fused(ops)),
            t_embedder: self.t_embedder.map(|embedder| embedder.fused(ops)),
            ops,
            ..self
        }
    }

    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    pub fn forward(&self, x: Tensor<3>, condition: &Condition) -> Tensor<3> {
        self.modulated(x, self.modulation(condition), Some(condition), None, NOBODY)
    }

    /// Timesteps and classes as this block's own embedders have them; none where it takes the model's.
    ///
    /// # Shapes
    /// - `t`, `y`: `[N]`
    pub(super) fn condition(&self, t: &Tensor<1>, y: &Tensor<1, Int>) -> Option<Condition> {
        let (t_embedder, y_embedder) = self.t_embedder.as_ref().zip(self.y_embedder.as_ref())?;
        Some(Condition { t: t_embedder.forward(t.clone()), y: y_embedder.forward(y.clone()) }) // [N, D] each
    }

    /// The vectors that the condition gives this block; none without adaLN.
    pub fn modulation(&self, condition: &Condition) -> Option<Modulation> {
        self.ada_ln.as_ref().map(|ada_ln| Modulation::cut(ada_ln.vectors(condition.sum())))
    }

    /// The same, when the modulation is known; `heads` says what each head counts, `look`, if there is one, is shown the
    /// attention. The condition itself is for cross-attention alone.
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`; `heads`: `[1, 1, D]`; what `look` sees: `[N, heads, T, T]`
    pub(super) fn modulated(
        &self,
        x: Tensor<3>,
        modulation: Option<Modulation>,
        condition: Option<&Condition>,
        heads: Option<Tensor<3>>,
        look: Option<impl FnOnce(&Tensor<4>)>,
    ) -> Tensor<3> {
        let (of_attn, of_mlp) = modulation.map_or((None, None), |m| (Some(m.attn), Some(m.mlp)));
        let (normed, then) = self.entering(x, of_attn, self.norm1.as_ref(), DitConfig::NORM_EPS);
        let x = self.attn.apply(normed, then, heads, look); // [N, T, D]
        let x = match self.cross_attn.as_ref().zip(condition) {
            Some((cross, condition)) => cross.forward(x, condition.tokens()), // [N, T, D]
            None => x,
        };
        let (normed, then) = self.entering(x, of_mlp, self.norm2.as_ref(), self.mlp_norm_eps);
        self.mlp.apply(normed, then) // [N, T, D]
    }

    /// What attention or MLP is given, `mod(LN(x))` or without adaLN `norm(x)`, and what is done to what it puts out:
    /// `x + gate·y` or `x + y`.
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    fn entering(&self, x: Tensor<3>, vectors: Option<Branch>, norm: Option<&LayerNorm>, eps: f64) -> (Tensor<3>, Then) {
        let (normed, gate) = match (vectors, norm) {
            (Some(by), _) => (self.ops.modulate(x.clone(), by.shift, by.scale, eps), by.gate),
            (None, Some(norm)) => (norm.forward(x.clone()), None),
            (None, None) => (x.clone(), None),
        };
        (normed, Then::Add { to: x, gate })
    }
}

/// Who does not look at the attention.
const NOBODY: Option<fn(&Tensor<4>)> = None;

/// Multi-head self-attention with one packed projection for q, k and v.
#[derive(Module, Debug)]
pub struct Attention {
    pub qkv: Linear,
    pub proj: Linear,
    /// Over the numbers of a head, with [`DitConfig::qk_norm`].
    pub q_norm: Option<LayerNorm>,
    pub k_norm: Option<LayerNorm>,
    num_heads: usize,
    #[module(skip)]
    ops: Ops,
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
            ops: Ops::PLAIN,
        }
    }

    #[must_use]
    fn fused(self, ops: Ops) -> Self {
        Self { qkv: self.qkv.fused(ops), proj: self.proj.fused(ops), ops, ..self }
    }

    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.apply(x, Then::Nothing, None, NOBODY)
    }

    /// The same and what follows; what the heads gather is multiplied by `heads`; `look` is shown how much each token (row)
    /// looks at each other one (column), head by head.
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`; `heads`: `[1, 1, D]`; what `look` sees: `[N, heads, T, T]`, rows sum to 1
    fn apply(
        &self,
        x: Tensor<3>,
        then: Then,
        heads: Option<Tensor<3>>,
        look: Option<impl FnOnce(&Tensor<4>)>,
    ) -> Tensor<3> {
        let [q, k, v] = split_heads(self.qkv.forward(x), self.num_heads); // [N, heads, T, d_head]
        let (q, k) = (normed(&self.q_norm, q), normed(&self.k_norm, k)); // [N, heads, T, d_head]
        let mixed = match look {
            Some(look) => {
                let weights = plain::attention_weights(q, k); // [N, heads, T, T]
                look(&weights);
                plain::mix_heads(weights, v) // [N, T, D]
            }
            None => self.ops.attention(q, k, v), // [N, T, D]
        };
        let mixed = match heads {
            Some(heads) => mixed * heads, // [N, T, D]
            None => mixed,
        };
        self.proj.apply(mixed, then) // [N, T, D]
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

    #[must_use]
    fn fused(self, ops: Ops) -> Self {
        Self { fc1: self.fc1.fused(ops), fc2: self.fc2.fused(ops) }
    }

    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.apply(x, Then::Nothing)
    }

    /// The same, and what follows.
    ///
    /// # Shapes
    /// - `x`, result: `[N, T, D]`
    fn apply(&self, x: Tensor<3>, then: Then) -> Tensor<3> {
        let hidden = self.fc1.apply(x, Then::Gelu); // [N, T, ratio·D]
        self.fc2.apply(hidden, then) // [N, T, D]
    }
}
