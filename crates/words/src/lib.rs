//! The page's words, in the visitor's language.
//!
//! They are data: `web/texts/<part>.<language>.json`, flat keys like `stage.noisy-latent` and, for what is put in,
//! names like `%{step}`. CONTRIBUTING.md says how a language is added; tests hold every language to the same keys.
//!
//! It knows the page's state and no browser: [`notices`] has the words for what the visitor is told, [`text`] those that
//! are put together, [`stage`] those of the views of a step, [`hints`] those for a first visit.

pub mod hints;
pub mod notices;
pub mod pace;
pub mod stage;
pub mod text;
pub mod word;

use ditscope_page_state::Language;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, RwLock};

/// A text that is shown.
pub type Words = Cow<'static, str>;

/// The files of a language, as they are.
pub type Files = &'static [&'static str];

macro_rules! files {
    ($language:literal: $($part:literal)*) => {
        &[$(include_str!(concat!("../../../web/texts/", $part, ".", $language, ".json"))),*]
    };
}

macro_rules! languages {
    (first: $($first:literal)*; later: $($later:ident $name:literal)*) => {
        fn english() -> Files {
            files!("en": $($first)*)
        }

        $(
            /// English, for a part of the page that comes later: [`add`] takes it in.
            pub fn $later() -> Files {
                files!("en": $name)
            }
        )*

        /// A visitor who reads English does not wait for it.
        pub fn german() -> Files {
            files!("de": $($first)* $($name)*)
        }
    };
}

languages! {
    first: "address" "controls" "failures" "inspector" "models" "modes" "page" "run" "sound" "stage" "take" "timeline"
        "tour";
    later: compare "compare" findings "findings" forward "forward" growth "growth" guide "guide" inside "inside" keys "keys" lab "lab" pace "pace" picker "picker"
        plots "plots" save "save" terms "terms" training "training" word "word"
}

type Texts = HashMap<String, &'static str>;

/// The texts that were loaded, by language.
static LOADED: [OnceLock<Texts>; 2] = [const { OnceLock::new() }; 2];
/// English texts that came with a part of the page.
static ADDED: RwLock<Option<Texts>> = RwLock::new(None);
static CHOSEN: AtomicUsize = AtomicUsize::new(Language::English as usize);

/// The language of [`say`].
pub fn chosen() -> Language {
    Language::ALL[CHOSEN.load(Ordering::Relaxed)]
}

/// Makes this the language of [`say`] from now on; texts that are not loaded are given in English.
pub fn choose(language: Language) {
    CHOSEN.store(language as usize, Ordering::Relaxed);
}

/// Whether the words of a language are there.
pub fn is_loaded(language: Language) -> bool {
    language == Language::English || LOADED[language as usize].get().is_some()
}

/// Loads the words of a language.
pub fn load(language: Language, files: Files) {
    LOADED[language as usize].get_or_init(|| read(files));
}

fn texts(language: Language) -> Option<&'static Texts> {
    match language {
        Language::English => Some(LOADED[0].get_or_init(|| read(english()))),
        Language::German => LOADED[1].get(),
    }
}

/// The texts by their keys. They are kept for as long as the page lives.
fn read(files: &[&str]) -> Texts {
    let maps = files.iter().filter_map(|file| match serde_json::from_str(file) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    });
    let text = |(key, value): (String, Value)| match value {
        Value::String(text) => Some((key, &*text.leak())),
        _ => None,
    };
    maps.flatten().filter_map(text).collect()
}

/// The text with this key.
pub fn say(key: &'static str) -> Words {
    Cow::Borrowed(find(key))
}

fn find(key: &str) -> &'static str {
    let among = |language: Language| texts(language)?.get(key).copied();
    let added = || ADDED.read().ok()?.as_ref()?.get(key).copied();
    among(chosen()).or_else(|| among(Language::English)).or_else(added).unwrap_or_default()
}

/// Takes in the English texts of a part of the page that has come.
pub fn add(files: Files) {
    if let Ok(mut added) = ADDED.write() {
        added.get_or_insert_default().extend(read(files));
    }
}

/// The text with this key, with what is put in for `%{name}`.
pub fn say_with(key: &str, values: &[(&str, &dyn ToString)]) -> String {
    let mut rest = find(key);
    let mut text = String::new();
    // Placeholders in what is put in are left as they are.
    while let Some((before, after)) = rest.split_once("%{") {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            text.push_str(&value.to_string());
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
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
    fn every_file_is_in_the_list_of_its_language() {
        let all_english = [
            english(),
            compare(),
            findings(),
            forward(),
            growth(),
            guide(),
            inside(),
            keys(),
            lab(),
            pace(),
            picker(),
            plots(),
            save(),
            terms(),
            training(),
            word(),
        ]
        .concat();
        for (language, files) in [(Language::English, all_english.as_slice()), (Language::German, german())] {
            let read = read(files).into_iter().map(|(key, text)| (key, text.to_owned()));
            assert_eq!(read.collect::<BTreeMap<_, _>>(), texts(language), "{language:?}");
        }
    }

    #[test]
    fn values_are_put_in() {
        let step = say_with("run.step-of", &[("step", &3), ("steps", &"%{step}")]);
        assert!(step.contains('3') && step.contains("%{step}"), "{step}");
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
        let folders = ["src/ui", "crates/words/src", "crates/export/src"].map(|folder| root().join(folder));
        let code: Vec<String> = folders
            .iter()
            .flat_map(|folder| files(folder, "rs"))
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
}
