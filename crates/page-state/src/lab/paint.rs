//! Painting: what may change of a picture is marked, the rest is kept. Pure.

use super::{Base, Prepared};
use crate::Shared;
use crate::cells::Cells;
use ditscope_config::{Experiment, Paint as Plan};
use ditscope_protocol::StartFrom;

/// So many steps are taken again at once. RePaint takes 10 of 250; there are fewer here.
const JUMP_LENGTH: usize = 3;
/// How often they may be taken.
pub const RESAMPLINGS: [usize; 4] = [1, 2, 4, 8];
/// Cells across that a brush may have.
pub const BRUSHES: [usize; 3] = [1, 2, 4];

#[derive(Debug, Clone, PartialEq)]
pub struct Paint {
    pub cells: Cells,
    pub brush: usize,
    pub erases: bool,
    /// From 0 to 1: with how much noise the marked part begins.
    pub strength: f64,
    pub resamplings: usize,
}

impl Default for Paint {
    fn default() -> Self {
        Self { cells: Cells::default(), brush: BRUSHES[1], erases: false, strength: 1.0, resamplings: RESAMPLINGS[1] }
    }
}

impl Paint {
    /// Makes the cells those of the model, if they are not.
    pub fn fit(&mut self, shape: [usize; 2]) {
        if self.cells.shape() != shape {
            self.cells = Cells::new(shape);
        }
    }

    /// How the next run departs; nothing without a picture or a mark.
    pub fn prepared(&self, shared: &Shared, base: Option<&Base>) -> Option<Prepared> {
        let base = base.filter(|base| self.cells.count() > 0 && base.cells() == self.cells.shape())?;
        let steps = shared.settings().num_inference_steps;
        let first = steps - ((steps as f64 * self.strength).round() as usize).clamp(1, steps);
        let plan = Plan { mask: self.cells.marked().to_vec(), jump_length: JUMP_LENGTH, resamplings: self.resamplings };
        let experiment = Experiment { paint: Some(plan), ..Experiment::default() };
        Some(Prepared {
            experiment: super::json(&experiment),
            noise: None,
            start: Some((StartFrom { step: first }, base.bytes())),
        })
    }
}
