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
            Self::Modulations(known) => known.of_last(),
        }
    }
}

/// All adaLN vectors of a model for S pairs of timestep and class. They depend on these alone, so those of a run are
/// known before it.
#[derive(Debug, Clone)]
pub struct Modulations {
    /// Those of the blocks, one after the other, and the two of the last layer, `[S, 1, K·D]`: in one tensor, so that the
    /// rows of a batch are taken at once.
    all: Tensor<3>,
    width: usize,
    per_block: usize,
}

impl Modulations {
    /// # Shapes
    /// - `blocks`: of each block all vectors, `[S, 1, per_block·D]`; `last`: `[S, 1, 2·D]`
    pub(super) fn new(blocks: Vec<Tensor<3>>, last: Tensor<3>) -> Self {
        let width = last.dims()[2] / 2;
        let per_block = blocks.first().map_or(0, |block| block.dims()[2] / width);
        let all = Tensor::cat(blocks.into_iter().chain([last]).collect(), 2); // [S, 1, K·D]
        Self { all, width, per_block }
    }

    /// Those of a batch: picture i of it has the vectors of row `first + rows[i]`, which is one of the `count` from
    /// `first`. So the rows of all steps of a run can be the same tensor.
    ///
    /// # Shapes
    /// - `rows`: `[N]`; S becomes N
    pub fn rows(&self, first: usize, count: usize, rows: &Tensor<1, Int>) -> Self {
        let all = self.all.clone().narrow(0, first, count).select(0, rows.clone()); // [N, 1, K·D]
        Self { all, ..self.clone() }
    }

    /// All their numbers in a row.
    pub fn numbers(&self) -> Tensor<1> {
        self.all.clone().flatten(0, 2)
    }

    /// The same with other [`Self::numbers`].
    #[must_use]
    pub fn with(&self, numbers: Tensor<1>) -> Self {
        Self { all: numbers.reshape(self.all.dims()), ..self.clone() }
    }

    fn of_block(&self, i: usize) -> Modulation {
        Modulation::cut(self.vectors(i * self.per_block, self.per_block))
    }

    fn of_last(&self) -> Option<[Tensor<3>; 2]> {
        let [_, _, all] = self.all.dims();
        self.vectors(all / self.width - 2, 2).try_into().ok()
    }

    /// `[S, 1, D]` each
    fn vectors(&self, first: usize, count: usize) -> Vec<Tensor<3>> {
        let vector = |k| self.all.clone().narrow(2, k * self.width, self.width); // [S, 1, D]
        (first..first + count).map(vector).collect()
    }
}
