//! The whole network, and its one pass through the blocks.

use super::block::DitBlock;
use super::conditioning::{AdaLn, Condition, FinalLayer};
use super::embed::{LabelEmbedder, PatchEmbed, TimestepEmbedder, pos_embed_2d, unpatchify};
use super::given::{Given, Modulations};
use super::probe::Probe;
use super::trace::{Trace, Tracer, stacked, strengths};
use burn::module::Module;
use burn::tensor::activation::silu;
use burn::tensor::{Device, Int, Tensor};
use ditscope_config::{CONDITION_TOKENS, Conditioning, DitConfig};
use ditscope_ops::{Ops, Then};

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
    /// Rows and columns of tokens.
    grid: [usize; 2],
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
            pos_embed: pos_embed_2d(config.hidden_size, config.grid(), device),
            blocks: (0..config.depth).map(|_| DitBlock::new(config, device)).collect(),
            final_layer: FinalLayer::new(config, device),
            patch_size: config.patch_size,
            grid: config.grid(),
            null_label: config.null_label(),
            in_context: config.conditioning == Conditioning::InContext,
        }
    }

    /// The same network, computed with a device's kernels. Its weights lie in their order then, so this is for a network
    /// that is loaded and is to run: one that is trained stays as it is.
    #[must_use]
    pub fn fused(self, ops: Ops) -> Self {
        Self {
            x_embedder: self.x_embedder.fused(ops),
            t_embedder: self.t_embedder.fused(ops),
            blocks: self.blocks.into_iter().map(|block| block.fused(ops)).collect(),
            final_layer: self.final_layer.fused(ops),
            ..self
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
        self.pass(x, &self.given(t, y, false), &mut ())
    }

    /// The same; a probe stands beside the blocks.
    ///
    /// # Shapes
    /// - `x`: `[N, C, H, W]`; `given`: of N pictures; result: `[N, C_out, H, W]`
    pub fn pass<P: Probe>(&self, x: Tensor<4>, given: &Given, probe: &mut P) -> Tensor<4> {
        let mut x = self.tokens(x, given.condition()); // [N, T, D]
        for (i, block) in self.blocks.iter().enumerate() {
            if let Some(instead) = probe.before(i, &x) {
                x = instead; // [N, T, D]
                continue;
            }
            let vectors = probe.modulation(i, given.of_block(i, block)); // [N, 1, D] each
            let heads = probe.heads(i);
            let look = probe.wants_attention(i).then_some(|weights: &_| probe.attention(i, weights));
            x = block.modulated(x, vectors, given.condition(), heads, look); // [N, T, D]
            x = probe.after(i, x); // [N, T, D]
        }
        self.output(x, given) // [N, C_out, H, W]
    }

    /// The outputs that guidance combines: with the class and, when `is_guided`, without. Both come from one pass over a
    /// doubled batch, as in the official `forward_with_cfg`.
    ///
    /// # Shapes
    /// - `x`: `[N, C, H, W]`
    /// - `given`: of N pictures; when `is_guided`, of 2N, first with the class, then without (see [`Self::given`])
    /// - results: `[N, C_out, H, W]` each
    pub fn outputs<P: Probe>(
        &self,
        x: Tensor<4>,
        given: &Given,
        is_guided: bool,
        probe: &mut P,
    ) -> (Tensor<4>, Option<Tensor<4>>) {
        if !is_guided {
            return (self.pass(x, given, probe), None);
        }
        let [n, _, _, _] = x.dims();
        let output = self.pass(Tensor::cat(vec![x.clone(), x], 0), given, probe); // [2N, C_out, H, W]
        (output.clone().narrow(0, 0, n), Some(output.narrow(0, n, n))) // [N, C_out, H, W] each
    }

    /// What the blocks are told for a batch; when `is_guided`, for the doubled one of [`Self::outputs`].
    ///
    /// # Shapes
    /// - `t`, `y`: `[N]`
    pub fn given(&self, t: Tensor<1>, y: Tensor<1, Int>, is_guided: bool) -> Given {
        let (t, y) = match is_guided {
            true => {
                let null = y.full_like(self.null_label as i64); // [N]
                (Tensor::cat(vec![t.clone(), t], 0), Tensor::cat(vec![y, null], 0)) // [2N]
            }
            false => (t, y),
        };
        let own = self.blocks.iter().any(|block| block.t_embedder.is_some());
        match own.then(|| self.modulations(t.clone(), y.clone())).flatten() {
            Some(vectors) => Given::Modulations(vectors),
            None => Given::Condition(self.condition(t, y)),
        }
    }

    /// As [`Self::given`], for classes on the way to others: their vectors are mixed. Not for blocks with embedders of their
    /// own.
    ///
    /// # Shapes
    /// - `t`, `y`, `other`: `[N]`; `weights`: `[N, 1]`, 0 for `y`, 1 for `other`
    pub fn given_between(
        &self,
        t: Tensor<1>,
        y: Tensor<1, Int>,
        other: Tensor<1, Int>,
        weights: Tensor<2>,
        is_guided: bool,
    ) -> Given {
        let (from, to) = (self.y_embedder.forward(y.clone()), self.y_embedder.forward(other)); // [N, D] each
        // In this form both ends are what they are, to the last bit.
        let mixed = from * (-weights.clone() + 1.0) + to * weights; // [N, D]
        let t = self.t_embedder.forward(t); // [N, D]
        Given::Condition(match is_guided {
            true => {
                let null = self.y_embedder.forward(y.full_like(self.null_label as i64)); // [N, D]
                Condition { t: Tensor::cat(vec![t.clone(), t], 0), y: Tensor::cat(vec![mixed, null], 0) }
            }
            false => Condition { t, y: mixed },
        })
    }

    /// Timesteps and classes as vectors, for all blocks that have no embedders of their own.
    ///
    /// # Shapes
    /// - `t`, `y`: `[N]`
    pub fn condition(&self, t: Tensor<1>, y: Tensor<1, Int>) -> Condition {
        Condition { t: self.t_embedder.forward(t), y: self.y_embedder.forward(y) } // [N, D] each
    }

    /// The adaLN vectors for timesteps and classes; none without adaLN.
    ///
    /// # Shapes
    /// - `t`, `y`: `[S]`
    pub fn modulations(&self, t: Tensor<1>, y: Tensor<1, Int>) -> Option<Modulations> {
        let shared = silu(self.condition(t.clone(), y.clone()).sum()); // [S, D]
        let packed = |ada_ln: &Option<AdaLn>, activated| ada_ln.as_ref().map(|ada_ln| ada_ln.packed(activated));
        let blocks = self.blocks.iter().map(|block| {
            let own = block.condition(&t, &y).map(|own| silu(own.sum())); // [S, D]
            packed(&block.ada_ln, own.unwrap_or_else(|| shared.clone()))
        });
        let blocks = blocks.collect::<Option<_>>()?;
        Some(Modulations::new(blocks, packed(&self.final_layer.ada_ln, shared.clone())?))
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
        let shared = self.condition(t.clone(), y.clone());
        let of_blocks = self.blocks.iter().filter_map(|block| {
            let own = block.condition(&t, &y);
            block.modulation(own.as_ref().unwrap_or(&shared))
        });
        stacked(of_blocks.map(|vectors| strengths(&vectors)).collect()) // [N, depth, 6]
    }

    /// [`Self::forward`], with the attention of one block and what can be told of all of them in few numbers.
    ///
    /// # Shapes
    /// - as [`Self::forward`]
    ///
    /// # Panics
    /// When there is no such `block`.
    pub fn forward_traced(&self, x: Tensor<4>, t: Tensor<1>, y: Tensor<1, Int>, block: usize) -> (Tensor<4>, Trace) {
        let mut tracer = Tracer::of_block(block);
        let output = self.pass(x, &self.given(t, y, false), &mut tracer); // [N, C_out, H, W]
        let trace = tracer.finish().unwrap_or_else(|| panic!("block {block} of {}", self.blocks.len()));
        (output, trace)
    }

    /// Latents → the picture's tokens with their positions; in context, the condition's two come first.
    ///
    /// # Shapes
    /// - `x`: `[N, C, H, W]`; result: `[N, T, D]`
    fn tokens(&self, x: Tensor<4>, condition: Option<&Condition>) -> Tensor<3> {
        let x = self.x_embedder.apply(x, Then::Add { to: self.pos_embed.clone(), gate: None }); // [N, T, D]
        match condition.filter(|_| self.in_context) {
            Some(condition) => Tensor::cat(vec![condition.tokens(), x], 1), // [N, 2 + T, D]
            None => x,
        }
    }

    /// Tokens after the last block → the network's output.
    ///
    /// # Shapes
    /// - `x`: `[N, T, D]`; result: `[N, C_out, H, W]`
    fn output(&self, x: Tensor<3>, given: &Given) -> Tensor<4> {
        let [_, t, _] = x.dims();
        let x = if self.in_context { x.narrow(1, CONDITION_TOKENS, t - CONDITION_TOKENS) } else { x }; // [N, T, D]
        let x = self.final_layer.forward_modulated(x, given.of_last(&self.final_layer)); // [N, T, p²·C_out]
        unpatchify(x, self.patch_size, self.grid) // [N, C_out, H, W]
    }
}
