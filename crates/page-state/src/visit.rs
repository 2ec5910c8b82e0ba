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

/// How much of the page there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PageDepth {
    /// What a first visit needs.
    #[default]
    Simple,
    /// Everything.
    Full,
}

impl PageDepth {
    pub const ALL: [Self; 2] = [Self::Simple, Self::Full];

    /// As in the address and in what is kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Full => "full",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|depth| depth.name() == name)
    }

    pub fn other(self) -> Self {
        if self == Self::Simple { Self::Full } else { Self::Simple }
    }
}

/// How the visitor likes the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// A changed setting is run at once.
    pub at_once: bool,
    /// How films are played and saved.
    pub pacing: Pacing,
    pub depth: Option<PageDepth>,
    /// Single letters are no keys of the page (WCAG 2.1.4).
    pub no_letters: bool,
}

const AT_ONCE: &str = "at-once";
const EVEN: &str = "even";
const NO_LETTERS: &str = "no-letters";

impl Kept {
    /// As the browser stores it: words, of which those that mean nothing are passed over.
    pub fn parse(text: &str) -> Self {
        let mut kept = Self::default();
        for word in text.split(' ') {
            match word {
                AT_ONCE => kept.at_once = true,
                EVEN => kept.pacing = Pacing::Even,
                NO_LETTERS => kept.no_letters = true,
                _ => kept.depth = PageDepth::parse(word).or(kept.depth),
            }
        }
        kept
    }

    pub fn words(self) -> String {
        let even = (self.pacing == Pacing::Even).then_some(EVEN);
        let no_letters = self.no_letters.then_some(NO_LETTERS);
        let words = [self.at_once.then_some(AT_ONCE), even, no_letters, self.depth.map(PageDepth::name)];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let all = Kept { at_once: true, pacing: Pacing::Even, depth: Some(PageDepth::Full), no_letters: true };
        for kept in [Kept::default(), all] {
            assert_eq!(Kept::parse(&kept.words()), kept);
        }
        assert_eq!(Kept::parse("at-once and more"), Kept { at_once: true, ..Kept::default() });
    }
}
