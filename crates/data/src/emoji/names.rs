//! Which emoji a picture's name means, after emojibase's table of Unicode's groups and names.

use super::read_json;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// One emoji of Unicode's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emoji {
    /// Its code points in hexadecimal, with dashes between them.
    pub code: String,
    /// The short name, as in CLDR.
    pub label: String,
    /// Unicode's subgroup, as `face-smiling`.
    pub subgroup: String,
}

/// All emojis, found by any of their names.
#[derive(Debug)]
pub struct EmojiTable {
    pub emojis: Vec<Emoji>,
    by_name: HashMap<String, usize>,
}

/// An entry of `en/data.json`. Components (the skin tones by themselves and the like) have no subgroup.
#[derive(Deserialize)]
struct Entry {
    label: String,
    hexcode: String,
    emoji: String,
    subgroup: Option<u32>,
}

#[derive(Deserialize)]
struct Groups {
    subgroups: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Shortcodes {
    One(String),
    Many(Vec<String>),
}

impl EmojiTable {
    /// Reads the npm package `emojibase-data` from its folder.
    ///
    /// # Errors
    /// Names the file that is missing or is not what it should be.
    pub fn load(dir: &Path) -> Result<Self> {
        let groups: Groups = read_json(&dir.join("meta/groups.json"))?;
        let entries: Vec<Entry> = read_json(&dir.join("en/data.json"))?;
        let shortcodes: HashMap<String, Shortcodes> = read_json(&dir.join("en/shortcodes/emojibase.json"))?;
        let mut emojis = Vec::new();
        let mut other_names = Vec::new(); // [len of emojis]
        for entry in entries {
            let Some(number) = entry.subgroup else { continue };
            let subgroup = groups.subgroups.get(&number.to_string());
            let subgroup = subgroup.with_context(|| format!("{}: no subgroup {number}", entry.label))?.clone();
            let mut names: Vec<String> = unicode_name(&entry.emoji).into_iter().collect();
            match shortcodes.get(&entry.hexcode) {
                Some(Shortcodes::One(name)) => names.push(name.clone()),
                Some(Shortcodes::Many(many)) => names.extend(many.iter().cloned()),
                None => {}
            }
            other_names.push(names);
            emojis.push(Emoji { code: entry.hexcode, label: entry.label, subgroup });
        }
        ensure!(!emojis.is_empty(), "{}: no emoji with a subgroup in it", dir.join("en/data.json").display());
        Ok(Self::new(emojis, &other_names))
    }

    /// Where a name means two emojis, the short names win over the others, and the first over the later.
    fn new(emojis: Vec<Emoji>, other_names: &[Vec<String>]) -> Self {
        let mut by_name = HashMap::new();
        for (index, emoji) in emojis.iter().enumerate() {
            by_name.entry(normalized(&emoji.label)).or_insert(index);
        }
        for (index, names) in other_names.iter().enumerate() {
            for name in names {
                by_name.entry(normalized(name)).or_insert(index);
            }
        }
        Self { emojis, by_name }
    }

    /// The emoji that an icon shows: names as of CLDR (`red-heart`), of Unicode (`heavyblackheart`), flags with
    /// `flag-for-` before them, numbered variants (`birthday-cake-3`).
    pub fn find(&self, icon: &str) -> Option<&Emoji> {
        let flag = icon.strip_prefix("flag-for-").map(|rest| format!("flag-{}", rest.trim_start_matches("flag-")));
        let variant = icon.trim_end_matches(|c: char| c.is_ascii_digit()).strip_suffix('-');
        let candidates = [Some(icon), flag.as_deref(), variant];
        let index = candidates.into_iter().flatten().find_map(|name| self.by_name.get(&normalized(name)));
        index.map(|index| &self.emojis[*index])
    }
}

/// The name of a single code point, as `HEAVY BLACK HEART`; none for a sequence.
fn unicode_name(emoji: &str) -> Option<String> {
    const VARIATION_SELECTOR: char = '\u{fe0f}';
    let mut chars = emoji.chars().filter(|c| *c != VARIATION_SELECTOR);
    match (chars.next(), chars.next()) {
        (Some(c), None) => unicode_names2::name(c).map(|name| name.to_string()),
        _ => None,
    }
}

/// Letters and digits alone, in lower case, accents off: what the sets' ways to write a name have in common.
fn normalized(name: &str) -> String {
    let plain = |c: char| match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        c => c,
    };
    let name = name.to_lowercase().replace('&', "and");
    name.chars().map(plain).filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emoji(code: &str, label: &str) -> Emoji {
        Emoji { code: code.into(), label: label.into(), subgroup: "any".into() }
    }

    #[test]
    fn an_icon_is_found_by_every_way_to_write_its_name() {
        let emojis = vec![
            emoji("2764", "red heart"),
            emoji("1F1F8-1F1F9", "flag: São Tomé & Príncipe"),
            emoji("1F382", "birthday cake"),
            emoji("1F947", "1st place medal"),
        ];
        let hearts = vec![unicode_name("\u{2764}\u{fe0f}").expect("a name")];
        let table = EmojiTable::new(emojis, &[hearts, vec![], vec!["cake".into(), "red_heart".into()], vec![]]);
        let code = |icon: &str| table.find(icon).map(|emoji| emoji.code.as_str());
        assert_eq!(code("red-heart"), Some("2764"), "a short name wins over another's shortcode");
        assert_eq!(code("heavyblackheart"), Some("2764"));
        assert_eq!(code("flag-for-sao-tome-and-principe"), Some("1F1F8-1F1F9"));
        assert_eq!(code("flag-for-flag-sao-tome-and-principe"), Some("1F1F8-1F1F9"));
        assert_eq!(code("birthday-cake-3"), Some("1F382"));
        assert_eq!(code("cake"), Some("1F382"));
        assert_eq!(code("1st-place-medal"), Some("1F947"));
        assert_eq!(code("red-heart-dark-skin-tone"), None);
        assert_eq!(unicode_name("🇸🇹"), None, "a sequence has no name of its own");
    }
}
