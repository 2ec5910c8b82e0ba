//! A word on the stage, for those who do not see it.

use crate::{say, say_with};
use ditscope_config::{Letter, capitalised};

/// From here on a letter counts as sure.
const SURE: f32 = 0.95;
/// So many letters are told one by one.
const MOST: usize = 4;

/// A blank has nothing to be seen.
pub fn shown(symbol: char) -> String {
    if symbol.is_whitespace() { "·".into() } else { symbol.to_string() }
}

/// The word, and which of its letters are not sure: the least sure first.
pub fn spoken(letters: &[Letter]) -> String {
    let symbols: String = letters.iter().map(|letter| letter.symbol).collect();
    let word = capitalised(symbols.trim());
    let mut open: Vec<(usize, &Letter)> =
        letters.iter().enumerate().filter(|(_, letter)| letter.confidence < SURE).collect();
    if open.is_empty() {
        return say_with("word.sure", &[("word", &word)]);
    }
    open.sort_by(|a, b| a.1.confidence.total_cmp(&b.1.confidence));
    let one = |(place, letter): &(usize, &Letter)| {
        let symbol = if letter.symbol.is_whitespace() { say("word.blank").into() } else { letter.symbol.to_string() };
        let percent = (100.0 * letter.confidence).round();
        say_with("word.letter", &[("place", &(place + 1)), ("letter", &symbol), ("percent", &percent)])
    };
    let told: Vec<String> = open.iter().take(MOST).map(one).collect();
    let (sure, count) = (letters.len() - open.len(), letters.len());
    say_with("word.open", &[("word", &word), ("sure", &sure), ("count", &count), ("letters", &told.join("; "))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(word: &[(char, f32)]) -> Vec<Letter> {
        word.iter().map(|(symbol, confidence)| Letter { symbol: *symbol, confidence: *confidence }).collect()
    }

    #[test]
    fn what_is_not_sure_is_told_the_least_sure_first() {
        crate::add(crate::word());
        let sure = spoken(&letters(&[('ó', 1.0), ('d', 0.99), (' ', 1.0)]));
        assert!(sure.starts_with("Ód."), "{sure}");
        let open = spoken(&letters(&[('o', 0.9), ('d', 1.0), (' ', 0.314)]));
        assert!(open.contains("1 of 3") && open.contains("3, blank, 31 %; 1, o, 90 %"), "{open}");
    }
}
