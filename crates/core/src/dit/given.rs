//! What the blocks are given beside the tokens.

use super::block::DitBlock;
use super::conditioning::{Branch, Condition, FinalLayer, Modulation};
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
            Self::Modulations(known) => Some(known.blocks[i].clone()),
        }
    }

    /// Shift and scale for the last layer, `[N, 1, D]` each; none without adaLN.
    pub(super) fn of_last(&self, layer: &FinalLayer) -> Option<[Tensor<3>; 2]> {
        match self {
            Self::Condition(condition) => layer.modulation(condition),
            Self::Modulations(known) => Some(known.last.clone()),
        }
    }
}

/// All adaLN vectors of a model for S pairs of timestep and class. They depend on these alone, so those of a run are
/// known before it.
#[derive(Debug, Clone)]
pub struct Modulations {
    /// Of each block, `[S, 1, D]` each.
    pub(super) blocks: Vec<Modulation>,
    /// Shift and scale of the last layer, `[S, 1, D]` each.
    pub(super) last: [Tensor<3>; 2],
}

impl Modulations {
    /// Those of a batch: picture i of it has the vectors of row `rows[i]`.
    ///
    /// # Shapes
    /// - `rows`: `[N]`; S becomes N
    pub fn rows(&self, rows: &Tensor<1, Int>) -> Self {
        let take = |vector: &Tensor<3>| vector.clone().select(0, rows.clone()); // [N, 1, D]
        let branch = |branch: &Branch| Branch {
            shift: take(&branch.shift),
            scale: take(&branch.scale),
            gate: branch.gate.as_ref().map(take),
        };
        let blocks = self.blocks.iter().map(|m| Modulation { attn: branch(&m.attn), mlp: branch(&m.mlp) }).collect();
        Self { blocks, last: [take(&self.last[0]), take(&self.last[1])] }
    }
}
