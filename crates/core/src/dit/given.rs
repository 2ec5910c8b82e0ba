//! What the blocks are given beside the tokens.

use super::block::DitBlock;
use super::conditioning::{Condition, FinalLayer, Modulation};
use burn::tensor::{Int, Tensor};

/// Timestep and class of each picture, or what they become in every block.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "one for each forward pass")]
pub enum Given {
    Condition(Condition),
    /// With adaLN alone: the condition acts by nothing else there.
    Modulations(Modulations),
}

impl Given {
    pub(super) fn condition(&self) -> Option<&Condition> {
        match self {
            Self::Condition(condition) => Some(condition),
            Self::Modulations(_) => None,
        }
    }

    /// The vectors for block `i`; none without adaLN.
    pub(super) fn of_block(&self, i: usize, block: &DitBlock) -> Option<Modulation> {
        match self {
            Self::Condition(condition) => block.modulation(condition),
            Self::Modulations(known) => Some(known.of_block(i)),
        }
    }

    /// Shift and scale for the last layer, `[N, 1, D]` each; none without adaLN.
    pub(super) fn of_last(&self, layer: &FinalLayer) -> Option<[Tensor<3>; 2]> {
        match self {
            Self::Condition(condition) => layer.modulation(condition),
            Self::Modulations(known) => Some(known.of_last()),
        }
    }
}

/// All adaLN vectors of a model for S pairs of timestep and class. They depend on these alone, so those of a run are
/// known before it.
#[derive(Debug, Clone)]
pub struct Modulations {
    /// K vectors for each block, then shift and scale of the last layer: `[S, 1, (depth·K + 2)·D]`.
    all: Tensor<3>,
    per_block: usize,
    width: usize,
}

impl Modulations {
    /// # Shapes
    /// - `blocks`: `[S, 1, K·D]` each; `last`: `[S, 1, 2·D]`
    pub(super) fn new(mut blocks: Vec<Tensor<3>>, last: Tensor<3>) -> Self {
        let width = last.dims()[2] / 2;
        let per_block = blocks.first().map_or(0, |block| block.dims()[2] / width);
        blocks.push(last);
        Self { all: Tensor::cat(blocks, 2), per_block, width }
    }

    /// Those of a batch: picture i of it has the vectors of row `rows[i]`.
    ///
    /// # Shapes
    /// - `rows`: `[N]`; S becomes N
    pub fn rows(&self, rows: Tensor<1, Int>) -> Self {
        Self { all: self.all.clone().select(0, rows), ..*self }
    }

    /// Those of block `i`.
    fn of_block(&self, i: usize) -> Modulation {
        let first = i * self.per_block;
        Modulation::cut((first..first + self.per_block).map(|k| self.vector(k)).collect())
    }

    /// Shift and scale of the last layer, `[S, 1, D]` each.
    fn of_last(&self) -> [Tensor<3>; 2] {
        let vectors = self.all.dims()[2] / self.width;
        [self.vector(vectors - 2), self.vector(vectors - 1)]
    }

    /// `[S, 1, D]`
    fn vector(&self, k: usize) -> Tensor<3> {
        self.all.clone().narrow(2, k * self.width, self.width)
    }
}
