//! What the browser says of a visit before anything happens, and what it keeps for the next one.

use crate::timeline::Pacing;

/// What is known of the visitor from the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Visit {
    pub reduced_motion: bool,
    /// Data cost the visitor something: nothing large comes unasked.
    pub saves_data: bool,
    /// For runs, where the address brings no seed. Nothing: the model's.
    pub seed: Option<u64>,
    pub kept: Kept,
}

/// How the visitor likes the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// A changed setting is run at once.
    pub at_once: bool,
    /// How films are played and saved.
    pub pacing: Pacing,
}

const AT_ONCE: &str = "at-once";
const EVEN: &str = "even";

impl Kept {
    /// As the browser stores it: words, of which those that mean nothing are passed over.
    pub fn parse(text: &str) -> Self {
        let mut kept = Self::default();
        for word in text.split(' ') {
            match word {
                AT_ONCE => kept.at_once = true,
                EVEN => kept.pacing = Pacing::Even,
                _ => {}
            }
        }
        kept
    }

    pub fn words(self) -> String {
        let words = [self.at_once.then_some(AT_ONCE), (self.pacing == Pacing::Even).then_some(EVEN)];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        for kept in [Kept::default(), Kept { at_once: true, pacing: Pacing::Even }] {
            assert_eq!(Kept::parse(&kept.words()), kept);
        }
        assert_eq!(Kept::parse("at-once and more"), Kept { at_once: true, ..Kept::default() });
    }
}
