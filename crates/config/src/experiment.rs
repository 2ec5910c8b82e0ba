//! What is done to a run, or asked of a model, to find out how it works: plain data.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How a run departs from what its settings say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Experiment {
    /// Picture by picture; empty: as many as the settings say, all alike. Otherwise all have the settings' seed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Departure>,
    /// At which steps parts are missing, as shares of the run from 0 to 1; absent: at all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_at: Option<[f64; 2]>,
    /// Whether the noise to begin with is given.
    pub given_noise: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paint: Option<Paint>,
}

/// How one picture of a run departs from the others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Departure {
    /// Another class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<usize>,
    /// A class on whose side the condition lies, and how far from 0 (not at all) to 1: the class vectors are mixed linearly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub towards_class: Option<(usize, f64)>,
    /// A seed on whose side the noise lies, and how far from 0 to 1: along the great circle, so that it stays as long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub towards_seed: Option<(u64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance_scale: Option<f64>,
    /// What of the network is switched off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Part>,
}

/// A part of the transformer that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// A whole block: tokens go past it.
    Block(usize),
    /// A block's attention.
    Attention(usize),
    /// A block's MLP.
    Mlp(usize),
    /// A head of a block: what it gathers counts as zeros.
    Head(usize, usize),
    /// What the condition shifts a block's attention (false) or MLP (true) by.
    Shift(usize, bool),
    /// What it scales them by.
    Scale(usize, bool),
    /// The class: the network is told "no class".
    Class,
}

impl Part {
    /// Its block; none for the class.
    pub fn block(self) -> Option<usize> {
        match self {
            Self::Block(block)
            | Self::Attention(block)
            | Self::Mlp(block)
            | Self::Head(block, _)
            | Self::Shift(block, _)
            | Self::Scale(block, _) => Some(block),
            Self::Class => None,
        }
    }
}

/// Making a part of a picture anew (RePaint, Lugmayr et al. 2022, arXiv:2201.09865).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paint {
    /// Which of the latents' cells may change, `[h·w]` row by row.
    pub mask: Vec<bool>,
    /// After so many steps the noise of as many is added again …
    pub jump_length: usize,
    /// … until they were taken so many times.
    pub resamplings: usize,
}

impl Paint {
    /// The steps of a run in the order in which they are taken: piece by piece, each but the last so many times.
    pub fn order(&self, steps: Range<usize>) -> Vec<usize> {
        let steps: Vec<usize> = steps.collect();
        let pieces = steps.chunks(self.jump_length.max(1));
        let last = pieces.len().saturating_sub(1);
        let times = |at: usize| if at == last { 1 } else { self.resamplings.max(1) };
        pieces.enumerate().flat_map(|(at, piece)| piece.repeat(times(at))).collect()
    }
}

/// What is asked of a model about a latent `[C, h, w]` (the question's first buffer).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Measurement {
    /// x̂0 in one go: of the latent under the noise of each seed at timestep `t`. Without a latent, of the noise alone.
    ///
    /// Buffers: x̂0 `[N, C, h, w]`, then pictures RGBA `[N + 1, H, W, 4]` of them and, last, of their mean.
    OneStep { t: usize, class: usize, guidance_scale: f64, seeds: Vec<u64> },
    /// The noise that leads to the latent: DDIM run backwards (Song et al. 2020, arXiv:2010.02502, section 4.3).
    ///
    /// Buffers: the noise `[C, h, w]`.
    Invert { class: usize, steps: usize },
    /// What `count` latents are decoded to; the buffer has them all, `[count, C, h, w]`.
    ///
    /// Buffers: pictures RGBA `[count, H, W, 4]`.
    Decode { count: usize },
    /// How far the noise that the model sees in the latent, noised to `t`, is off: once whole, then without each set of parts.
    ///
    /// Buffers: mean squares `[1 + sets]`.
    Without { t: usize, seed: u64, class: usize, sets: Vec<Vec<Part>> },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_taken_again_and_the_last_one_once() {
        let paint = |jump_length, resamplings| Paint { mask: vec![], jump_length, resamplings };
        assert_eq!(paint(2, 2).order(0..5), [0, 1, 0, 1, 2, 3, 2, 3, 4]);
        assert_eq!(paint(3, 1).order(2..6), [2, 3, 4, 5]);
        assert_eq!(paint(10, 5).order(0..3), [0, 1, 2]);
        assert_eq!(paint(0, 0).order(0..2), [0, 1]);
    }
}
