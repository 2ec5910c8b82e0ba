//! The Diffusion Transformer, with adaLN-Zero or one of the paper's other conditionings (Peebles & Xie 2023, arXiv:2212.09748).
//!
//! Exact to the official architecture (facebookresearch/DiT `models.py` @ed81ce2),
//! whose parameter names the weights keep (see [`crate::weights::keys`]).

mod block;
mod conditioning;
mod cross;
mod embed;
mod linear;
mod reuse;
mod trace;

pub use block::{Attention, DitBlock, Mlp};
pub use conditioning::{AdaLn, Branch, Condition, FinalLayer, Modulation};
pub use cross::CrossAttention;
pub use embed::{LabelEmbedder, PatchEmbed, TimestepEmbedder, pos_embed_2d, timestep_frequencies, unpatchify};
pub use reuse::{BlockCache, Modulations};
pub use trace::Trace;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use ditscope_config::{CONDITION_TOKENS, Conditioning, DitConfig};

/// The noise predictor.
#[derive(Module, Debug)]
pub struct Dit {
    pub x_embedder: PatchEmbed,
    pub t_embedder: TimestepEmbedder,
    pub y_embedder: LabelEmbedder,
    /// 2-D sin-cos positions, `[1, T, D]`; computed, not learned, not stored.
    pos_embed: Tensor<3>,
    pub blocks: Vec<DitBlock>,
    pub final_layer: FinalLayer,
    patch_size: usize,
    sample_size: usize,
    null_label: usize,
    /// Whether the condition's tokens stand before the picture's.
    in_context: bool,
}

impl Dit {
    /// A freshly initialised model: Xavier-uniform weights, zero biases, and zero
    /// modulation, so that every block starts as the identity (the paper's "Zero").
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        Self {
            x_embedder: PatchEmbed::new(config, device),
            t_embedder: TimestepEmbedder::new(config, device),
            y_embedder: LabelEmbedder::new(config, device),
            pos_embed: pos_embed_2d(config.hidden_size, config.sample_size / config.patch_size, device),
            blocks: (0..config.depth).map(|_| DitBlock::new(config, device)).collect(),
            final_layer: FinalLayer::new(config, device),
            patch_size: config.patch_size,
            sample_size: config.sample_size,
            null_label: config.null_label(),
            in_context: config.conditioning == Conditioning::InContext,
        }
    }

    /// Predicts the noise (and the variance logits) in `x`.
    ///
    /// # Shapes
    /// - `x`: `[N, C, H, W]`, noisy latents
    /// - `t`: `[N]`, timesteps of the original process (0 to T−1)
    /// - `y`: `[N]`, class numbers; [`DitConfig::null_label`] means "no class"
    /// - result: `[N, C, H, W]`, or `[N, 2C, H, W]` with `learn_sigma`
    pub fn forward(&self, x: Tensor<4>, t: Tensor<1>, y: Tensor<1, Int>) -> Tensor<4> {
        let condition = self.condition(t, y);
        let x = self.tokens(x, &condition);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x, &condition));
        self.output(x, &condition)
    }

    /// The conditional and the unconditional output in one pass over a doubled batch, for guidance.
    ///
    /// # Shapes
    /// - `x`: `[N, C, H, W]`, `t`: `[N]`, `y`: `[N]`
    /// - results: `[N, C_out, H, W]` each: conditional, unconditional
    pub fn forward_cond_uncond(&self, x: Tensor<4>, t: Tensor<1>, y: Tensor<1, Int>) -> (Tensor<4>, Tensor<4>) {
        let [n, _, _, _] = x.dims();
        let null = y.full_like(self.null_label as i64);
        let output = self.forward(
            Tensor::cat(vec![x.clone(), x], 0),
            Tensor::cat(vec![t.clone(), t], 0),
            Tensor::cat(vec![y, null], 0),
        );
        (output.clone().narrow(0, 0, n), output.narrow(0, n, n))
    }

    /// Latents `[N, C, H, W]` → the picture's tokens with their positions, `[N, T, D]`.
    fn patches(&self, x: Tensor<4>) -> Tensor<3> {
        self.x_embedder.forward(x) + self.pos_embed.clone()
    }

    /// The same; in context, two more come first.
    fn tokens(&self, x: Tensor<4>, condition: &Condition) -> Tensor<3> {
        let x = self.patches(x);
        if self.in_context { Tensor::cat(vec![condition.tokens(), x], 1) } else { x }
    }

    /// Timesteps and classes, `[N]` each → what every block is told.
    pub fn condition(&self, t: Tensor<1>, y: Tensor<1, Int>) -> Condition {
        Condition { t: self.t_embedder.forward(t), y: self.y_embedder.forward(y) }
    }

    /// Tokens after the last block, `[N, T, D]`, and the condition → `[N, C_out, H, W]`.
    fn output(&self, x: Tensor<3>, condition: &Condition) -> Tensor<4> {
        let [_, t, _] = x.dims();
        let x = if self.in_context { x.narrow(1, CONDITION_TOKENS, t - CONDITION_TOKENS) } else { x };
        self.unpatched(self.final_layer.forward(x, condition))
    }

    /// `[N, T, p²·C_out]` → `[N, C_out, H, W]`
    fn unpatched(&self, x: Tensor<3>) -> Tensor<4> {
        unpatchify(x, self.patch_size, self.sample_size / self.patch_size)
    }
}
