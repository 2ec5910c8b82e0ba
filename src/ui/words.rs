//! The page's words, in the visitor's language.
//!
//! They are data: `web/texts/<part>.<language>.json`, flat keys like `stage.noisy-latent` and, for what is put in,
//! names like `%{step}`. Another language is a set of such files, one of the tour (`web/tour`), and an entry in
//! [`Language`]. Tests hold every language to the same keys.

use std::borrow::Cow;

/// A text that is shown.
pub type Words = Cow<'static, str>;

/// The languages of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    English,
    German,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// As in `lang` attributes, in the address and in file names.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What the language calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// From a tag such as `de` or `de-AT`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        Self::ALL.into_iter().find(|language| language.code() == primary)
    }

    /// The language of [`say`].
    pub fn spoken() -> Self {
        Self::from_tag(&rust_i18n::locale()).unwrap_or_default()
    }

    /// Makes this the language of [`say`] from now on.
    pub fn speak(self) {
        rust_i18n::set_locale(self.code());
    }
}

/// The text with this key.
pub fn say(key: &'static str) -> Words {
    t!(key)
}

/// The text with this key, with what is put in for `%{name}`.
pub fn say_with(key: &str, values: &[(&str, &dyn ToString)]) -> String {
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = values.iter().map(|(_, value)| value.to_string()).collect();
    rust_i18n::replace_patterns(&t!(key), &names, &values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value};
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        let files = files.into_iter().filter(|path| path.extension().is_some_and(|e| e == extension));
        files.chain(folders.iter().flat_map(|folder| self::files(folder, extension))).collect()
    }

    /// Every text of a language by its key.
    fn texts(language: Language) -> BTreeMap<String, String> {
        let end = format!(".{}.json", language.code());
        let files = files(&root().join("web/texts"), "json");
        let mut all = BTreeMap::new();
        for file in files.into_iter().filter(|file| file.to_string_lossy().ends_with(&end)) {
            let text = std::fs::read_to_string(&file).expect("a file");
            let map: Map<String, Value> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{file:?}: {e}"));
            for (key, value) in map {
                let value = value.as_str().unwrap_or_else(|| panic!("{file:?}: {key} is no text")).to_owned();
                assert!(!value.trim().is_empty(), "{file:?}: {key} is empty");
                assert_eq!(all.insert(key.clone(), value), None, "{file:?}: {key} is there twice");
            }
        }
        all
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split("%{").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    #[test]
    fn every_language_has_every_text() {
        let english = texts(Language::English);
        assert!(!english.is_empty());
        for language in Language::ALL {
            let texts = texts(language);
            assert_eq!(texts.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language:?}");
            for (key, text) in texts {
                assert_eq!(placeholders(&text), placeholders(&english[&key]), "{key} in {language:?}");
            }
        }
    }

    /// A key in the code is a literal: `say("…")`, `say_with("…", …)`, or a literal that looks like a known key.
    #[test]
    fn every_text_is_used_and_every_key_is_known() {
        let texts = texts(Language::English);
        let code: Vec<String> = files(&root().join("src/ui"), "rs")
            .iter()
            .map(|file| std::fs::read_to_string(file).expect("a file"))
            .collect();
        for text in &code {
            for call in ["say(\"", "say_with(\""] {
                for rest in text.split(call).skip(1).filter(|rest| !rest.starts_with('…')) {
                    let key = rest.split('"').next().unwrap_or_default();
                    assert!(texts.contains_key(key), "there is no text {key}");
                }
            }
        }
        for key in texts.keys() {
            let literal = format!("\"{key}\"");
            assert!(code.iter().any(|code| code.contains(&literal)), "nothing says {key}");
        }
    }

    #[test]
    fn tags_of_browsers_are_understood() {
        assert_eq!(Language::from_tag("de-AT"), Some(Language::German));
        assert_eq!(Language::from_tag("EN"), Some(Language::English));
        assert_eq!(Language::from_tag("fr"), None);
    }
}
