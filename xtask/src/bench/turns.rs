//! Measuring by turns: what is compared works in blocks, one after the other and again, so that whatever else the machine
//! does meets all alike.

use anyhow::{Context, Result, ensure};
use serde::Serialize;

/// Somebody who does the work, some times in a row, and gives the milliseconds of each.
pub struct Contestant<'a> {
    pub name: String,
    block: Box<dyn FnMut() -> Result<Vec<f64>> + 'a>,
}

impl<'a> Contestant<'a> {
    pub fn new(name: impl Into<String>, block: impl FnMut() -> Result<Vec<f64>> + 'a) -> Self {
        Self { name: name.into(), block: Box::new(block) }
    }

    /// Of a block. Not the median: where a page hears of several frames at once, most are no time apart.
    fn mean(&mut self) -> Result<f64> {
        let times = (self.block)().with_context(|| format!("{} could not be measured", self.name))?;
        ensure!(!times.is_empty(), "{} gave no times", self.name);
        Ok(times.iter().sum::<f64>() / times.len() as f64)
    }
}

/// A median, and between what it lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// # Panics
    /// Without any number.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (half, most) = (sorted.len() / 2, sorted[sorted.len() - 1]);
        let median = if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) };
        Self { median, least: sorted[0], most }
    }
}

/// What one of them needed, and how the first one's time compares with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    pub name: String,
    /// Of the blocks' means.
    pub ms: Spread,
    /// The first one's over this one's, block by block; nothing for the first itself.
    pub ratio: Option<Spread>,
}

/// Gives each its turn in every round, in one order and then in the other. A block before the first round, which counts
/// for nothing, warms up.
pub fn alternate(rounds: usize, contestants: &mut [Contestant]) -> Result<Vec<Standing>> {
    for contestant in contestants.iter_mut() {
        contestant.mean()?;
    }
    let mut means = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..contestants.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            means[at].push(contestants[at].mean()?);
        }
    }
    let standing = |(at, contestant): (usize, &Contestant)| {
        let ratios: Vec<f64> = means[0].iter().zip(&means[at]).map(|(first, this)| first / this).collect();
        let ratio = (at > 0).then(|| Spread::of(&ratios));
        Standing { name: contestant.name.clone(), ms: Spread::of(&means[at]), ratio }
    };
    Ok(contestants.iter().enumerate().map(standing).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).median, 2.5);
    }

    #[test]
    fn all_take_turns_and_the_first_block_warms_up() {
        let turns = RefCell::new(String::new());
        let take = |name: char, times: [f64; 3]| {
            turns.borrow_mut().push(name);
            Ok(times.to_vec())
        };
        let mut slow = 0.0;
        let mut contestants = [
            // Ten times slower at first.
            Contestant::new("ours", || {
                slow += 1.0;
                take('a', if slow == 1.0 { [30.0; 3] } else { [2.0, 3.0, 4.0] })
            }),
            Contestant::new("theirs", || take('b', [6.0, 9.0, 3.0])),
        ];
        let standings = alternate(3, &mut contestants).expect("times");
        drop(contestants);
        assert_eq!(*turns.borrow(), "ababbaab");
        assert_eq!((standings[0].ms.median, standings[0].ms.most, standings[0].ratio), (3.0, 3.0, None));
        assert_eq!(standings[1].ratio, Some(Spread { median: 0.5, least: 0.5, most: 0.5 }));
    }

    #[test]
    fn who_fails_is_named() {
        let mut contestants = [Contestant::new("theirs", || anyhow::bail!("no adapter"))];
        let error = alternate(1, &mut contestants).expect_err("it fails");
        assert_eq!(format!("{error:#}"), "theirs could not be measured: no adapter");
        let error = alternate(1, &mut [Contestant::new("ours", || Ok(vec![]))]).expect_err("nothing was measured");
        assert_eq!(error.to_string(), "ours gave no times");
    }
}
