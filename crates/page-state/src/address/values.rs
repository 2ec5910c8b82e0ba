//! Reading the values of parameters.

use crate::{Allowed, Notice};
use std::ops::RangeInclusive;

/// What is wrong with a value.
pub enum Problem {
    /// It makes no sense: it was left out.
    Ignored(Allowed),
    /// It was brought to this, the nearest that is possible.
    Changed(String),
}

pub type Read = Result<(), Problem>;

impl Problem {
    /// What the visitor is told.
    pub fn notice(self, key: &str, value: &str) -> Notice {
        let (key, value) = (key.to_owned(), shorten(value));
        match self {
            Self::Ignored(allowed) => Notice::Ignored { key, value, allowed },
            Self::Changed(kept) => Notice::Changed { key, value, kept },
        }
    }
}

/// What came from an address is quoted, but not at any length, and without signs that are not seen or turn the text around.
pub fn shorten(text: &str) -> String {
    let mut chars = text.chars();
    let short: String = chars.by_ref().take(40).map(|c| if is_seen(c) { c } else { '\u{FFFD}' }).collect();
    if chars.next().is_some() { format!("{short}…") } else { short }
}

/// Whether a sign is shown as itself: control characters, zero-width ones and those that change the direction are not.
fn is_seen(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// A whole number, brought into its range.
pub fn whole(value: &str, range: RangeInclusive<u64>, mut take: impl FnMut(u64)) -> Read {
    let (least, most) = (*range.start(), *range.end());
    let Ok(number) = value.parse::<i128>() else { return Err(Problem::Ignored(Allowed::WholeNumber(least, most))) };
    let kept = number.clamp(least.into(), most.into());
    take(kept as u64);
    told(kept == number, &kept)
}

/// The same for a count.
pub fn count(value: &str, range: RangeInclusive<usize>, mut take: impl FnMut(usize)) -> Read {
    whole(value, *range.start() as u64..=*range.end() as u64, |number| take(number as usize))
}

/// One of some names; `parse` knows which.
pub fn one_of<T>(found: Option<T>, names: &[&'static str]) -> Result<T, Problem> {
    found.ok_or_else(|| Problem::Ignored(Allowed::OneOf(names.to_vec())))
}

/// `1` or `0`.
pub fn switch(value: &str) -> Result<bool, Problem> {
    let found = match value {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    };
    one_of(found, &["1", "0"])
}

/// Nothing, where the value was kept as it is.
pub fn told(is_kept: bool, kept: &dyn ToString) -> Read {
    if is_kept { Ok(()) } else { Err(Problem::Changed(kept.to_string())) }
}
