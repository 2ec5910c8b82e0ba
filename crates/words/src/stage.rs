//! The words of the views.

use crate::notices::notice;
use crate::{Words, say, say_with};
use ditscope_page_state::stage::{Nothing, Reading, ViewKind};

/// Its name: in words, with the symbol behind.
pub fn name(kind: ViewKind) -> Words {
    say(keys(kind)[0])
}

/// What is to be seen in it.
pub fn hint(kind: ViewKind) -> Words {
    say(keys(kind)[1])
}

/// A name in its words and its symbol, which may be missing.
pub fn with_symbol(name: &str) -> (&str, &str) {
    let at = name.rfind(' ').map_or(0, |space| space + 1);
    let (words, last) = name.split_at(at);
    let is_symbol = !last.is_ascii() && last.chars().count() <= 3;
    if is_symbol { (words, last) } else { (name, "") }
}

fn keys(kind: ViewKind) -> [&'static str; 2] {
    match kind {
        ViewKind::X0 => ["stage.x0", "stage.x0-hint"],
        ViewKind::XT => ["stage.x-t", "stage.x-t-hint"],
        ViewKind::XTDecoded => ["stage.x-t-decoded", "stage.x-t-decoded-hint"],
        ViewKind::X0Latent => ["stage.x0-latent", "stage.x0-latent-hint"],
        ViewKind::EpsCond => ["stage.eps-cond", "stage.eps-cond-hint"],
        ViewKind::EpsUncond => ["stage.eps-uncond", "stage.eps-uncond-hint"],
        ViewKind::EpsDiff => ["stage.eps-diff", "stage.eps-diff-hint"],
        ViewKind::EpsGuided => ["stage.eps-guided", "stage.eps-guided-hint"],
        ViewKind::Change => ["stage.change", "stage.change-hint"],
    }
}

/// Why a view shows nothing.
pub fn nothing(why: &Nothing) -> Words {
    match why {
        Nothing::NoNoiseLeft => say("stage.no-noise-left"),
        Nothing::NoUncond => say("stage.no-uncond"),
        Nothing::NotRecorded => say("stage.not-recorded"),
        Nothing::NothingBefore => say("stage.nothing-before"),
        Nothing::Decoding => say("stage.decoding"),
        Nothing::NotDecoded(why) => notice(why).into(),
    }
}

/// What stands at a pixel of the view of this name.
pub fn reading(name: &str, reading: &Reading) -> String {
    let Reading { channel, row, column, value } = reading;
    let place: [(&str, &dyn ToString); 4] = [("view", &name), ("row", row), ("column", column), ("value", value)];
    match channel {
        Some(channel) => say_with("stage.value-in-channel", &[&place[..], &[("channel", channel)]].concat()),
        None => say_with("stage.value", &place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_stand_behind_the_words() {
        assert_eq!(with_symbol("noisy latent xₜ"), ("noisy latent ", "xₜ"));
        assert_eq!(with_symbol("class − no class Δε"), ("class − no class ", "Δε"));
        assert_eq!(with_symbol("change"), ("change", ""));
        assert_eq!(with_symbol("Änderung"), ("Änderung", ""));
        let names = ViewKind::ALL.map(name);
        assert!(names.iter().enumerate().all(|(i, name)| !names[..i].contains(name)), "{names:?}");
    }

    #[test]
    fn a_reading_names_its_view_and_place() {
        let in_channel = Reading { channel: Some(3), row: 1, column: 0, value: "+1.750".into() };
        assert_eq!(reading("ε", &in_channel), "ε: channel 3, row 1, column 0: +1.750");
        let rgb = Reading { channel: None, row: 0, column: 1, value: "RGB 4 5 6".into() };
        assert_eq!(reading("x̂₀", &rgb), "x̂₀: row 0, column 1: RGB 4 5 6");
    }
}
