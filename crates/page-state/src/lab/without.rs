//! Switching parts of the network off, and which of them it misses least. Pure.

use super::{Base, Prepared};
use crate::Shared;
use crate::asks::Answered;
use crate::forward::spread_t;
use ditscope_config::{Departure, Experiment, Measurement, Part};
use std::collections::BTreeSet;

/// Noises that are tried for the ranking.
pub const ROUNDS: usize = 12;
/// So many parts can be asked for at once.
const MOST: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub struct Without {
    pub off: BTreeSet<Part>,
    /// Where they are off, as shares of the run.
    pub at: [f64; 2],
    /// The block whose heads and branches can be switched.
    pub block: usize,
    pub ranking: Option<Ranking>,
}

impl Default for Without {
    fn default() -> Self {
        Self { off: BTreeSet::new(), at: [0.0, 1.0], block: 0, ranking: None }
    }
}

/// How much larger the error gets without each part.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    pub parts: Vec<Part>,
    base: Base,
    /// Of the whole model, then without each part.
    sums: Vec<f64>,
    pub rounds: usize,
    pub goes_on: bool,
}

impl Without {
    pub fn toggle(&mut self, part: Part) {
        if !self.off.remove(&part) {
            self.off.insert(part);
        }
    }

    /// The ranking is to rest.
    pub fn rest(&mut self) {
        if let Some(ranking) = &mut self.ranking {
            ranking.goes_on = false;
        }
    }

    /// How the next run departs: beside the whole model one that lacks parts.
    pub fn prepared(&self) -> Prepared {
        let without = Departure { without: self.off.iter().copied().collect(), ..Departure::default() };
        let missing_at = (self.at != [0.0, 1.0]).then_some(self.at);
        let experiment =
            Experiment { pictures: vec![Departure::default(), without], missing_at, ..Experiment::default() };
        Prepared { experiment: super::json(&experiment), ..Prepared::default() }
    }

    /// Begins the ranking, goes on with it, or stops it.
    pub fn toggle_ranking(&mut self, shared: &Shared, base: Option<&Base>) {
        match &mut self.ranking {
            Some(ranking) if ranking.rounds < ROUNDS => ranking.goes_on = !ranking.goes_on,
            _ => {
                let parts = parts(shared);
                let sums = vec![0.0; 1 + parts.len()];
                self.ranking = base.map(|base| Ranking { parts, base: base.clone(), sums, rounds: 0, goes_on: true });
            }
        }
    }
}

impl Ranking {
    /// The next question; nothing when all is known, or it is to rest.
    pub fn question(&self, shared: &Shared) -> Option<(Measurement, Vec<Vec<u8>>)> {
        if !self.goes_on || self.rounds >= ROUNDS {
            return None;
        }
        let t = spread_t(shared, self.rounds, 0.05..0.95);
        let sets = self.parts.iter().map(|part| vec![*part]).collect();
        let what = Measurement::Without { t, seed: self.rounds as u64, class: self.base.class, sets };
        Some((what, vec![self.base.bytes()]))
    }

    /// Takes an answer; one that does not fit ends it.
    pub fn take(&mut self, answered: &Answered) {
        let errors = match answered {
            Ok((_, buffers)) => buffers.first().map(|bytes| crate::floats::numbers(bytes)).unwrap_or_default(),
            Err(_) => vec![],
        };
        if errors.len() != self.sums.len() {
            self.goes_on = false;
            return;
        }
        self.sums.iter_mut().zip(errors).for_each(|(sum, error)| *sum += f64::from(error));
        self.rounds += 1;
    }

    /// The parts with what their lack adds to the error, as a share of it; what is missed least comes first.
    pub fn order(&self) -> Vec<(Part, f64)> {
        if self.rounds == 0 {
            return vec![];
        }
        let whole = self.sums[0].max(1e-12);
        let mut order: Vec<(Part, f64)> =
            self.parts.iter().zip(&self.sums[1..]).map(|(part, sum)| (*part, sum / whole - 1.0)).collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1));
        order
    }
}

/// Blocks, attentions, MLPs and heads, as far as they can be asked for at once, and the class.
pub fn parts(shared: &Shared) -> Vec<Part> {
    let Some(config) = &shared.models.config else { return vec![] };
    let dit = &config.transformer;
    let mut parts = if dit.has_null_label { vec![Part::Class] } else { vec![] };
    let kinds: [&dyn Fn(usize) -> Vec<Part>; 3] = [
        &|block| vec![Part::Block(block)],
        &|block| if dit.conditioning.has_tokens() { vec![] } else { vec![Part::Attention(block), Part::Mlp(block)] },
        &|block| (0..dit.num_heads).map(|head| Part::Head(block, head)).collect(),
    ];
    for kind in kinds {
        let more: Vec<Part> = (0..dit.depth).flat_map(kind).collect();
        if parts.len() + more.len() <= MOST {
            parts.extend(more);
        }
    }
    parts
}
