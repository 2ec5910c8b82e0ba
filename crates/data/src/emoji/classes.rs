//! The classes: Unicode's subgroups, put together or cut down to what looks alike.

use super::names::{Emoji, EmojiTable};
use crate::Split;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// One class of pictures.
struct Class {
    label: &'static str,
    /// Unicode's subgroups that belong to it.
    subgroups: &'static [&'static str],
    members: Members,
}

/// Which emojis of the subgroups.
enum Members {
    All,
    /// Only those with one of these words in their name.
    Only(&'static [&'static str]),
    /// All but those with one of these words in their name.
    Without(&'static [&'static str]),
}

/// In the order of their numbers.
const CLASSES: [Class; 12] = [
    Class {
        label: "Face",
        subgroups: &[
            "face-smiling",
            "face-affection",
            "face-tongue",
            "face-hand",
            "face-neutral-skeptical",
            "face-sleepy",
            "face-unwell",
            "face-hat",
            "face-glasses",
            "face-concerned",
            "face-negative",
        ],
        members: Members::Without(&["skull"]),
    },
    Class {
        label: "Animal face",
        subgroups: &["cat-face", "monkey-face", "animal-mammal", "animal-amphibian", "animal-reptile", "animal-bird"],
        members: Members::Only(&[
            "face",
            "cat with",
            "grinning cat",
            "smiling cat",
            "kissing cat",
            "weary cat",
            "crying cat",
            "pouting cat",
            "evil monkey",
            "wolf",
            "fox",
            "raccoon",
            "lion",
            "moose",
            "unicorn",
            "zebra",
            "boar",
            "hamster",
            "bear",
            "koala",
            "panda",
            "frog",
            "chicken",
        ]),
    },
    Class {
        label: "Person",
        subgroups: &["person", "person-role", "person-gesture"],
        members: Members::Without(&["bowing", "levitating", "breast-feeding", "feeding baby"]),
    },
    Class {
        label: "Hand",
        subgroups: &[
            "hand-fingers-open",
            "hand-fingers-partial",
            "hand-single-finger",
            "hand-fingers-closed",
            "hands",
            "hand-prop",
        ],
        members: Members::All,
    },
    Class { label: "Heart", subgroups: &["heart"], members: Members::Without(&["letter"]) },
    Class {
        label: "Plant",
        subgroups: &["plant-flower", "plant-other"],
        members: Members::Without(&["nest", "mushroom"]),
    },
    Class { label: "Fruit", subgroups: &["food-fruit", "food-vegetable"], members: Members::All },
    Class { label: "Food", subgroups: &["food-prepared", "food-asian", "food-sweet"], members: Members::All },
    Class {
        label: "Vehicle",
        subgroups: &["transport-ground"],
        members: Members::Without(&[
            "station",
            "wheelchair",
            "skate",
            "stop",
            "motorway",
            "track",
            "drum",
            "pump",
            "wheel",
            "light",
            "construction",
            "mountain railway",
        ]),
    },
    Class {
        label: "Building",
        subgroups: &["place-building", "place-religious"],
        members: Members::Without(&["construction", "brick", "rock", "wood", "statue", "tower"]),
    },
    Class { label: "Clock", subgroups: &["time"], members: Members::Without(&["hourglass", "watch"]) },
    Class { label: "Flag", subgroups: &["country-flag", "subdivision-flag"], members: Members::All },
];

/// One in how many emojis of a class is held out.
const HELD_OUT: usize = 10;

impl Class {
    fn holds(&self, emoji: &Emoji) -> bool {
        let label = emoji.label.to_lowercase();
        let named = |words: &[&str]| words.iter().any(|word| label.contains(word));
        self.subgroups.contains(&emoji.subgroup.as_str())
            && match self.members {
                Members::All => true,
                Members::Only(words) => named(words),
                Members::Without(words) => !named(words),
            }
    }
}

/// Class names, by class number.
pub fn labels() -> Vec<String> {
    CLASSES.iter().map(|class| class.label.to_string()).collect()
}

/// Class number and split of every emoji that has a class, by its code.
///
/// In every class the tenth of the emojis whose SHA-256 is smallest is held out, with all its pictures: what the test
/// pictures show was never seen in training, in any style.
pub fn assign(table: &EmojiTable) -> HashMap<String, (u8, Split)> {
    let mut assigned = HashMap::new();
    for (number, class) in CLASSES.iter().enumerate() {
        let mut codes: Vec<&String> = table.emojis.iter().filter(|e| class.holds(e)).map(|e| &e.code).collect();
        codes.sort_by_key(|code| <[u8; 32]>::from(Sha256::digest(code.as_bytes())));
        let held_out = codes.len().div_ceil(HELD_OUT);
        for (rank, code) in codes.into_iter().enumerate() {
            let split = if rank < held_out { Split::Test } else { Split::Train };
            assigned.insert(code.clone(), (number as u8, split));
        }
    }
    assigned
}
