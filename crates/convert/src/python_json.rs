//! JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` stand where numbers may, which JSON itself forbids.
//!
//! diffusers' scheduler files have them. They are read as texts of the same letters, so that whoever asks for a number is
//! told by name what is there.

use anyhow::{Context, Result};
use serde_json::Value;

const WORDS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Reads JSON, or Python's dialect of it.
///
/// # Errors
/// It is neither, or not text.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let text = std::str::from_utf8(bytes).context("not text in UTF-8")?;
    Ok(serde_json::from_str(&plain(text))?)
}

/// The same with the words in quotation marks.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut rest, mut in_text) = (text, false);
    while let Some(c) = rest.chars().next() {
        let word = WORDS.iter().find(|word| !in_text && rest.starts_with(**word));
        let length = match word {
            Some(word) => {
                plain.push_str(&format!("\"{word}\""));
                word.len()
            }
            // What is escaped does not end a text.
            None if in_text && c == '\\' => {
                let length = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
                plain.push_str(&rest[..length]);
                length
            }
            None => {
                in_text ^= c == '"';
                plain.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error:#}"))
    }

    #[test]
    fn python_s_words_for_numbers_are_read_by_their_names() {
        let file = r#"{"lambda_min_clipped": -Infinity, "all": [NaN, Infinity,-Infinity, 1e-4], "eta": null}"#;
        let expected = json!({
            "lambda_min_clipped": "-Infinity", "all": ["NaN", "Infinity", "-Infinity", 1e-4], "eta": null,
        });
        assert_eq!(read(file), expected);
    }

    #[test]
    fn texts_stay_as_they_are() {
        for text in [r#"{"a": "NaN -Infinity", "b\"Infinity": "\\"}"#, r#"["\u00e9 NaN", "Überschuh NaN"]"#] {
            assert_eq!(read(text), serde_json::from_str::<Value>(text).expect("plain JSON"));
        }
        let mixed = r#"{"say \"NaN\"": NaN, "\\": Infinity, "é": "Infinity"}"#;
        assert_eq!(read(mixed), json!({"say \"NaN\"": "NaN", "\\": "Infinity", "é": "Infinity"}));
    }

    #[test]
    fn what_is_no_json_is_none_here_either() {
        for text in ["{", "nan", "{\"a\": infinity}", "NaNs", "<html>", "", "\"\\", "[1,]"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }
}
