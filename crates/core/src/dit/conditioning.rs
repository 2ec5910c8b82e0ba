//! How timestep and class act: adaLN scales, shifts and (adaLN-Zero) gates every normalised activation; in the
//! paper's other variants they are tokens.

use super::linear::{Linear, zero_linear};
use super::norm::learned_norm;
use burn::module::Module;
use burn::nn::LayerNorm;
use burn::tensor::activation::silu;
use burn::tensor::{Device, Tensor};
use ditscope_config::DitConfig;
use ditscope_ops::Ops;

/// Timestep and class as vectors.
#[derive(Debug, Clone)]
pub struct Condition {
    /// `[N, D]`
    pub t: Tensor<2>,
    /// `[N, D]`
    pub y: Tensor<2>,
}

impl Condition {
    /// What adaLN takes: `[N, D]`
    pub fn sum(&self) -> Tensor<2> {
        self.t.clone() + self.y.clone()
    }

    /// What in-context conditioning and cross-attention take: `[N, 2, D]`
    pub fn tokens(&self) -> Tensor<3> {
        Tensor::cat(vec![self.t.clone().unsqueeze_dim::<3>(1), self.y.clone().unsqueeze_dim(1)], 1)
    }
}

/// `Linear(SiLU(c))`, several vectors of width D.
#[derive(Module, Debug)]
pub struct AdaLn {
    pub linear: Linear,
}

impl AdaLn {
    pub fn new(hidden_size: usize, num_vectors: usize, device: &Device) -> Self {
        Self { linear: zero_linear(hidden_size, num_vectors * hidden_size, device) }
    }

    #[must_use]
    pub(super) fn fused(self, ops: Ops) -> Self {
        Self { linear: self.linear.fused(ops) }
    }

    /// # Shapes
    /// - `c`: `[N, D]`
    /// - result: tensors `[N, 1, D]`, as many as the layer has
    pub fn vectors(&self, c: Tensor<2>) -> Vec<Tensor<3>> {
        let [_, d] = c.dims();
        let all = self.packed(silu(c)); // [N, 1, K·D]
        let [_, _, width] = all.dims();
        (0..width / d).map(|k| all.clone().narrow(2, k * d, d)).collect() // [N, 1, D] each
    }

    /// The same in one tensor, of what [`silu`] made of the condition, which is the same for all blocks.
    ///
    /// # Shapes
    /// - `activated`: `[N, D]`; result: `[N, 1, K·D]`
    pub(super) fn packed(&self, activated: Tensor<2>) -> Tensor<3> {
        self.linear.forward(activated).unsqueeze_dim(1) // [N, 1, K·D]
    }
}

/// The vectors that the condition gives a block.
#[derive(Debug, Clone)]
pub struct Modulation {
    pub attn: Branch,
    pub mlp: Branch,
}

impl Modulation {
    /// Shift, scale and (adaLN-Zero) gate of the attention, then of the MLP, as the official code orders them.
    ///
    /// # Panics
    /// With another number of vectors than 4 or 6.
    pub fn cut(vectors: Vec<Tensor<3>>) -> Self {
        let half = vectors.len() / 2;
        assert!(half == 2 || half == 3, "{} vectors for a block, not 4 or 6", vectors.len());
        let branch = |vectors: &[Tensor<3>]| Branch {
            shift: vectors[0].clone(),
            scale: vectors[1].clone(),
            gate: vectors.get(2).cloned(),
        };
        Self { attn: branch(&vectors[..half]), mlp: branch(&vectors[half..]) }
    }

    /// Shift, scale and gate of the attention, then of the MLP; without gates, ones stand for them.
    pub fn vectors(&self) -> [Tensor<3>; 6] {
        let gate = |branch: &Branch| branch.gate.clone().unwrap_or_else(|| branch.shift.ones_like());
        let [attn, mlp] = [&self.attn, &self.mlp];
        [attn.shift.clone(), attn.scale.clone(), gate(attn), mlp.shift.clone(), mlp.scale.clone(), gate(mlp)]
    }
}

/// What the condition does to attention or MLP, `[N, 1, D]` each.
#[derive(Debug, Clone)]
pub struct Branch {
    pub shift: Tensor<3>,
    pub scale: Tensor<3>,
    /// Absent without the "Zero".
    pub gate: Option<Tensor<3>>,
}

/// The last norm, modulated with adaLN, and the projection to patches.
#[derive(Module, Debug)]
pub struct FinalLayer {
    pub ada_ln: Option<AdaLn>,
    /// Without adaLN.
    pub norm: Option<LayerNorm>,
    pub linear: Linear,
    #[module(skip)]
    ops: Ops,
}

impl FinalLayer {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        let d_output = config.patch_size.pow(2) * config.out_channels();
        let has_tokens = config.conditioning.has_tokens();
        Self {
            ada_ln: (!has_tokens).then(|| AdaLn::new(config.hidden_size, 2, device)),
            norm: has_tokens.then(|| learned_norm(config.hidden_size, device)),
            linear: zero_linear(config.hidden_size, d_output, device),
            ops: Ops::PLAIN,
        }
    }

    #[must_use]
    pub(super) fn fused(self, ops: Ops) -> Self {
        let ada_ln = self.ada_ln.map(|ada_ln| ada_ln.fused(ops));
        Self { ada_ln, linear: self.linear.fused(ops), ops, ..self }
    }

    /// # Shapes
    /// - `x`: `[N, T, D]`
    /// - result: `[N, T, p²·C_out]`
    pub fn forward(&self, x: Tensor<3>, condition: &Condition) -> Tensor<3> {
        self.forward_modulated(x, self.modulation(condition))
    }

    /// Shift and scale, `[N, 1, D]` each; none without adaLN.
    pub fn modulation(&self, condition: &Condition) -> Option<[Tensor<3>; 2]> {
        self.ada_ln.as_ref().map(|ada_ln| {
            let vectors = ada_ln.vectors(condition.sum());
            [vectors[0].clone(), vectors[1].clone()]
        })
    }

    /// The same, when shift and scale are known.
    ///
    /// # Shapes
    /// - `x`: `[N, T, D]`; `modulation`: `[N, 1, D]` each; result: `[N, T, p²·C_out]`
    pub(super) fn forward_modulated(&self, x: Tensor<3>, modulation: Option<[Tensor<3>; 2]>) -> Tensor<3> {
        let normed = match (modulation, &self.norm) {
            (Some([shift, scale]), _) => self.ops.modulate(x, shift, scale, DitConfig::NORM_EPS), // [N, T, D]
            (None, Some(norm)) => norm.forward(x),                                                // [N, T, D]
            (None, None) => x,
        };
        self.linear.forward(normed) // [N, T, p²·C_out]
    }
}
