//! The Diffusion Transformer with adaLN-Zero (Peebles & Xie 2023, arXiv:2212.09748).
//!
//! Exact to the official architecture (facebookresearch/DiT `models.py` @ed81ce2),
//! whose parameter names the weights keep (see [`crate::weights::keys`]).

mod block;
mod conditioning;
mod embed;
mod linear;
mod trace;

pub use block::{Attention, DitBlock, Mlp};
pub use conditioning::{AdaLn, FinalLayer};
pub use embed::{LabelEmbedder, PatchEmbed, TimestepEmbedder, pos_embed_2d, timestep_frequencies, unpatchify};
pub use trace::Trace;

use crate::config::DitConfig;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

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
        let c = self.condition(t, y);
        let x = self.blocks.iter().fold(self.tokens(x), |x, block| block.forward(x, c.clone()));
        self.output(x, c)
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

    /// Latents `[N, C, H, W]` → tokens with their positions, `[N, T, D]`.
    fn tokens(&self, x: Tensor<4>) -> Tensor<3> {
        self.x_embedder.forward(x) + self.pos_embed.clone()
    }

    /// Timesteps and classes, `[N]` each → what modulates every block, `[N, D]`.
    fn condition(&self, t: Tensor<1>, y: Tensor<1, Int>) -> Tensor<2> {
        self.t_embedder.forward(t) + self.y_embedder.forward(y)
    }

    /// Tokens after the last block, `[N, T, D]`, and the condition → `[N, C_out, H, W]`.
    fn output(&self, x: Tensor<3>, c: Tensor<2>) -> Tensor<4> {
        let x = self.final_layer.forward(x, c); // [N, T, p²·C_out]
        unpatchify(x, self.patch_size, self.sample_size / self.patch_size)
    }
}
