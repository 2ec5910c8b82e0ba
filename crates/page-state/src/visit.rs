//! What the browser says of a visit before anything happens, and what it keeps for the next one.

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
}

const AT_ONCE: &str = "at-once";

impl Kept {
    /// As the browser stores it: words, of which those that mean nothing are passed over.
    pub fn parse(text: &str) -> Self {
        let mut kept = Self::default();
        for word in text.split(' ') {
            kept.at_once |= word == AT_ONCE;
        }
        kept
    }

    pub fn words(self) -> String {
        if self.at_once { AT_ONCE.into() } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        for kept in [Kept::default(), Kept { at_once: true }] {
            assert_eq!(Kept::parse(&kept.words()), kept);
        }
        assert_eq!(Kept::parse("at-once and more"), Kept { at_once: true });
    }
}
