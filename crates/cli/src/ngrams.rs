//! How likely a word is among others, letter by letter, each by those before it: n-grams, interpolated as Witten and Bell (1991)
//! did.

use std::collections::HashMap;

/// Stands before a word and after it.
const EDGE: u8 = u8::MAX;

/// The n-grams of some words.
pub struct Ngrams {
    order: usize,
    /// What a letter is likely where nothing is known.
    share: f64,
    /// By the letters before, the oldest first: 0 to `order` − 1 of them.
    contexts: HashMap<Vec<u8>, Context>,
}

#[derive(Default)]
struct Context {
    total: u32,
    next: HashMap<u8, u32>,
}

impl Ngrams {
    /// Counts all runs of up to `order` letters, in an alphabet of so many symbols.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a [u8]>, order: usize, symbols: usize) -> Self {
        let mut contexts: HashMap<Vec<u8>, Context> = HashMap::new();
        for word in words {
            let edged = edged(word, order);
            for at in order - 1..edged.len() {
                for before in 0..order {
                    let context = contexts.entry(edged[at - before..at].to_vec()).or_default();
                    context.total += 1;
                    *context.next.entry(edged[at]).or_default() += 1;
                }
            }
        }
        Self { order, share: 1.0 / (symbols + 1) as f64, contexts }
    }

    /// The logarithm of how likely a word is, its end included.
    pub fn log_likelihood(&self, word: &[u8]) -> f64 {
        let edged = edged(word, self.order);
        (self.order - 1..edged.len()).map(|at| self.likely(&edged[at + 1 - self.order..at], edged[at]).ln()).sum()
    }

    /// The mean of it over the letters and the end.
    pub fn mean_log_likelihood(&self, word: &[u8]) -> f64 {
        self.log_likelihood(word) / (word.len() + 1) as f64
    }

    fn likely(&self, before: &[u8], letter: u8) -> f64 {
        let mut likely = self.share;
        for known in 0..=before.len() {
            let Some(context) = self.contexts.get(&before[before.len() - known..]) else { break };
            let (kinds, count) = (context.next.len() as f64, context.next.get(&letter).copied().unwrap_or(0));
            likely = (f64::from(count) + kinds * likely) / (f64::from(context.total) + kinds);
        }
        likely
    }
}

fn edged(word: &[u8], order: usize) -> Vec<u8> {
    let mut edged = vec![EDGE; order - 1];
    edged.extend_from_slice(word);
    edged.push(EDGE);
    edged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_together_are_as_likely_as_can_be() {
        let words: [&[u8]; 4] = [&[1, 2], &[1, 3], &[2, 2, 1], &[3]];
        let ngrams = Ngrams::of(words, 3, 4);
        for before in [[EDGE, EDGE], [EDGE, 1], [1, 2], [0, 0]] {
            let sum: f64 = [0, 1, 2, 3, EDGE].iter().map(|letter| ngrams.likely(&before, *letter)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{before:?}: {sum}");
        }
    }

    #[test]
    fn words_like_those_known_are_likelier() {
        let words: [&[u8]; 3] = [&[1, 2, 1, 2], &[2, 1, 2], &[1, 2]];
        let ngrams = Ngrams::of(words, 3, 4);
        assert!(ngrams.mean_log_likelihood(&[1, 2, 1]) > ngrams.mean_log_likelihood(&[2, 2, 2]));
        assert!(ngrams.mean_log_likelihood(&[2, 2, 2]) > ngrams.mean_log_likelihood(&[0, 0, 0]));
        // A letter by hand: after 1 comes 2, always; with two edges before, 1 twice and 2 once.
        let first = (2.0 + 2.0 * ngrams.likely(&[EDGE], 1)) / 5.0;
        assert!((ngrams.likely(&[EDGE, EDGE], 1) - first).abs() < 1e-12);
    }
}
