//! Less work for nearly the same picture: what the middle blocks change is taken over from a near step, as DeepCache
//! (Ma et al. 2024, arXiv:2312.00858) and Δ-DiT (Chen et al. 2024, arXiv:2406.01125) do.

use super::probe::Probe;
use burn::tensor::Tensor;
use std::ops::Range;

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

    /// The probe of a pass through `depth` blocks that takes over the change, or with `fresh` (or when none of this size
    /// is known) computes and keeps it.
    pub fn reuse(&mut self, depth: usize, fresh: bool) -> Reuse<'_> {
        Reuse { cache: self, middle: Self::passed_over(depth), fresh, entered: None }
    }
}

/// Takes the middle blocks' change from a [`BlockCache`], or brings it up to date.
#[derive(Debug)]
pub struct Reuse<'c> {
    cache: &'c mut BlockCache,
    middle: Range<usize>,
    fresh: bool,
    /// Tokens that came to the middle blocks while these are computed, `[N, T, D]`.
    entered: Option<Tensor<3>>,
}

impl Probe for Reuse<'_> {
    fn before(&mut self, block: usize, x: &Tensor<3>) -> Option<Tensor<3>> {
        if !self.middle.contains(&block) {
            return None;
        }
        if block > self.middle.start {
            return self.entered.is_none().then(|| x.clone()); // [N, T, D]
        }
        let known = self.cache.change.clone().filter(|change| !self.fresh && change.dims() == x.dims());
        if known.is_none() {
            self.entered = Some(x.clone());
        }
        known.map(|change| x.clone() + change) // [N, T, D]
    }

    fn after(&mut self, block: usize, x: Tensor<3>) -> Tensor<3> {
        if block + 1 != self.middle.end {
            return x;
        }
        let Some(entered) = self.entered.take() else { return x };
        let change = x - entered.clone(); // [N, T, D]
        self.cache.change = Some(change.clone());
        // The same sum as when it is taken over, to the last bit.
        entered + change // [N, T, D]
    }
}
