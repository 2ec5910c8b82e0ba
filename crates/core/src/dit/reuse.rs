//! Less work for the same picture: what the condition alone decides is computed once a run, and what the middle
//! blocks change is taken over from a near step.

use super::Dit;
use super::conditioning::{Branch, Modulation};
use burn::tensor::{Int, Tensor};
use std::ops::Range;

/// All adaLN vectors of a run: they depend on timestep and class alone, so they are known before it.
#[derive(Debug, Clone)]
pub struct Modulations {
    /// Of each block: S rows.
    blocks: Vec<Modulation>,
    /// Shift and scale of the last layer, `[S, 1, D]` each.
    last: [Tensor<3>; 2],
}

impl Modulations {
    /// Rows of the batch: picture i of it has the vectors of row `rows[i]`.
    ///
    /// # Shapes
    /// - `rows`: `[N]`
    fn rows(&self, rows: &Tensor<1, Int>) -> Self {
        let take = |vector: &Tensor<3>| vector.clone().select(0, rows.clone());
        let branch = |branch: &Branch| Branch {
            shift: take(&branch.shift),
            scale: take(&branch.scale),
            gate: branch.gate.as_ref().map(take),
        };
        let blocks = self.blocks.iter().map(|m| Modulation { attn: branch(&m.attn), mlp: branch(&m.mlp) }).collect();
        Self { blocks, last: [take(&self.last[0]), take(&self.last[1])] }
    }
}

/// What the middle blocks added to the tokens at the step at which they were computed last.
#[derive(Debug, Clone, Default)]
pub struct BlockCache {
    /// `[N, T, D]`
    change: Option<Tensor<3>>,
}

impl BlockCache {
    /// The blocks that are passed over: all but the first and the last.
    pub fn passed_over(depth: usize) -> Range<usize> {
        1..depth.saturating_sub(1).max(1)
    }
}

impl Dit {
    /// The vectors for timesteps and classes; none without adaLN.
    ///
    /// # Shapes
    /// - `t`, `y`: `[S]`
    pub fn modulations(&self, t: Tensor<1>, y: Tensor<1, Int>) -> Option<Modulations> {
        let condition = self.condition(t, y);
        let blocks = self.blocks.iter().map(|block| block.modulation(&condition)).collect::<Option<_>>()?;
        Some(Modulations { blocks, last: self.final_layer.modulation(&condition)? })
    }

    /// [`Self::forward`] with vectors that are known.
    ///
    /// # Shapes
    /// - `x`: `[N, C, H, W]`, `rows`: `[N]`, result: as [`Self::forward`]
    pub fn forward_modulated(&self, x: Tensor<4>, known: &Modulations, rows: &Tensor<1, Int>) -> Tensor<4> {
        let Modulations { blocks, last } = known.rows(rows);
        let mut x = self.patches(x); // [N, T, D]
        for (block, vectors) in self.blocks.iter().zip(blocks) {
            x = block.modulated(x, Some(vectors), None, |x| block.attn.forward(x));
        }
        self.unpatched(self.final_layer.forward_modulated(x, Some(last)))
    }

    /// [`Self::forward`], which takes the change by the middle blocks from `cache` unless `fresh` (or there is none
    /// of this size), as DeepCache (Ma et al. 2024, arXiv:2312.00858) and Δ-DiT (Chen et al. 2024, arXiv:2406.01125) do.
    ///
    /// # Shapes
    /// - as [`Self::forward`]
    pub fn forward_cached(
        &self,
        x: Tensor<4>,
        t: Tensor<1>,
        y: Tensor<1, Int>,
        cache: &mut BlockCache,
        fresh: bool,
    ) -> Tensor<4> {
        let condition = self.condition(t, y);
        let x = self.tokens(x, &condition);
        let middle = BlockCache::passed_over(self.blocks.len());
        let through =
            |x: Tensor<3>, range: Range<usize>| self.blocks[range].iter().fold(x, |x, b| b.forward(x, &condition));
        let x = through(x, 0..middle.start);
        let known = cache.change.take().filter(|change| !fresh && change.dims() == x.dims());
        let change = known.unwrap_or_else(|| through(x.clone(), middle.clone()) - x.clone());
        cache.change = Some(change.clone());
        self.output(through(x + change, middle.end..self.blocks.len()), &condition)
    }
}
