//! Names for classes.

use anyhow::{Context, Result, bail, ensure};
use ditscope_config::DitConfig;
use ditscope_model_dir as model_dir;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// ImageNet's 1000 classes by number (see `assets/labels/README.md` for source and licence).
const IMAGENET: &str = include_str!("../../../assets/labels/imagenet-1k.txt");
pub const NUM_IMAGENET: usize = 1000;

/// The names in the file that was given, else the source's own, else ImageNet's for 1000 classes, else numbers.
///
/// # Errors
/// The file cannot be read, or has another number of names.
pub fn labels(file: Option<&Path>, own: Option<Vec<String>>, transformer: &DitConfig) -> Result<Vec<String>> {
    let num_classes = transformer.num_classes;
    let labels = match (file, own) {
        (Some(path), _) => read(path)?,
        (None, Some(own)) => own,
        (None, None) if num_classes == NUM_IMAGENET => IMAGENET.lines().map(str::to_owned).collect(),
        (None, None) => (0..num_classes).map(|class| format!("Class {class}")).collect(),
    };
    let source = file.map_or("the source".to_owned(), |path| path.display().to_string());
    let rows = transformer.label_rows();
    let hint = match labels.len() == rows {
        true => format!(
            ". The label table has {rows} rows, the last for 'no class'; if the model was trained without label dropout, give \
             --num-classes {rows}"
        ),
        false => String::new(),
    };
    ensure!(labels.len() == num_classes, "{source}: {} labels for {num_classes} classes{hint}", labels.len());
    Ok(labels)
}

/// The names in a file: one a line, or JSON.
///
/// # Errors
/// Names the file, and the line that is wrong.
pub fn read(path: &Path) -> Result<Vec<String>> {
    let parse = || -> Result<Vec<String>> {
        let text = text(&model_dir::read_file(path)?)?;
        match text.trim_start().chars().next() {
            Some('[' | '{') => of_json(&serde_json::from_str(&text).context("not JSON")?),
            _ => of_lines(&text),
        }
    };
    parse().with_context(|| path.display().to_string())
}

/// As a list of names, by number (`{"0": "tench"}`), by number with another name before it (Keras'
/// `{"0": ["n01440764", "tench"]}`), or by name (`{"tench": 0}`).
///
/// # Errors
/// Names the entry that is missing or something else.
pub fn of_json(json: &Value) -> Result<Vec<String>> {
    match json {
        Value::Array(names) => names.iter().enumerate().map(|(class, name)| of_entry(class, name)).collect(),
        Value::Object(entries) => {
            let mut by_class = BTreeMap::new();
            for (key, value) in entries {
                let (class, name) = match (key.parse::<usize>(), value.as_u64()) {
                    (Ok(class), None) => (class, of_entry(class, value)?),
                    (Err(_), Some(class)) => (class as usize, key.clone()),
                    _ => bail!("the entry {key:?}: {value} is neither NUMBER: NAME nor NAME: NUMBER"),
                };
                ensure!(by_class.insert(class, name).is_none(), "class {class} is there twice");
            }
            let missing = (0..by_class.len()).find(|class| !by_class.contains_key(class));
            missing.map_or(Ok(by_class.into_values().collect()), |class| bail!("class {class} is missing"))
        }
        _ => bail!("neither a JSON list of names nor an object of them by number"),
    }
}

/// A name, or the last of several.
fn of_entry(class: usize, value: &Value) -> Result<String> {
    let name = match value {
        Value::Array(names) => names.last().and_then(Value::as_str),
        value => value.as_str(),
    };
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    name.map(str::to_owned).with_context(|| format!("class {class} has no name, but {value}"))
}

/// One name a line. Empty lines at the end do not count; one before would shift all names that follow.
fn of_lines(text: &str) -> Result<Vec<String>> {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    if let Some(at) = lines.iter().position(|line| line.is_empty()) {
        bail!("line {} is empty: is a name missing, or is the line too many?", at + 1);
    }
    Ok(lines.into_iter().map(str::to_owned).collect())
}

/// UTF-8, or UTF-16 with the mark that editors write first.
fn text(bytes: &[u8]) -> Result<String> {
    let utf_16 = |bytes: &[u8], number: fn([u8; 2]) -> u16| -> Result<String> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        ensure!(rest.is_empty(), "UTF-16 that ends in the middle of a letter");
        let letters: Vec<u16> = pairs.iter().map(|pair| number(*pair)).collect();
        String::from_utf16(&letters).context("broken UTF-16")
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => match std::str::from_utf8(rest) {
            // UTF-16 without its mark has one in every Latin letter.
            Ok(text) if text.contains('\0') => bail!("it holds zero bytes: save the file in UTF-8"),
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let line = 1 + rest[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
                bail!("line {line} is not text in UTF-8 (or UTF-16 with its mark): save the file in UTF-8")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Result<Vec<String>, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("a file");
        read(file.path()).map_err(|error| format!("{error:#}"))
    }

    fn fish() -> Result<Vec<String>, String> {
        Ok(vec!["tench".into(), "große Forelle".into()])
    }

    #[test]
    fn names_are_read_as_programs_and_editors_write_them() {
        let lines = "tench\r\n  große Forelle \n\n \n";
        assert_eq!(of(lines.as_bytes()), fish());
        assert_eq!(of(format!("\u{feff}{lines}").as_bytes()), fish());
        for to_bytes in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            let bytes: Vec<u8> = format!("\u{feff}{lines}").encode_utf16().flat_map(to_bytes).collect();
            assert_eq!(of(&bytes), fish());
        }
        for json in [
            r#"["tench", "große Forelle"]"#,
            r#" {"1": "große Forelle", "0": "tench"}"#,
            r#"{"0": ["n01440764", "tench"], "1": ["n01", " große Forelle "]}"#,
            r#"{"große Forelle": 1, "tench": 0}"#,
        ] {
            assert_eq!(of(json.as_bytes()), fish(), "{json}");
        }
        let many: Vec<String> = (0..12).map(|class| format!("\"{class}\": \"name {class}\"")).collect();
        assert_eq!(
            of(format!("{{{}}}", many.join(",")).as_bytes()).map(|names| names[10].clone()),
            Ok("name 10".into())
        );
    }

    #[test]
    fn what_would_shift_or_lose_names_is_refused_with_its_place() {
        for (bytes, words) in [
            (b"tench\n\nshark\n".as_slice(), "line 2 is empty"),
            (b"\ntench", "line 1 is empty"),
            (b"tench\nk\xe4se", "line 2 is not text in UTF-8"),
            (b"\xff\xfet\0e", "middle of a letter"),
            (b"t\0e\0n\0c\0h\0", "save the file in UTF-8"),
            (br#"{"0": "tench", "2": "shark"}"#, "class 1 is missing"),
            (br#"{"tench": 0, "shark": 0}"#, "class 0 is there twice"),
            (br#"["tench", 7]"#, "class 1 has no name, but 7"),
            (br#"["tench", ""]"#, "class 1 has no name"),
            (br#"{"0": "tench", "shark": "1"}"#, "neither NUMBER: NAME nor NAME: NUMBER"),
            (b"[\"tench\"", "not JSON"),
        ] {
            let said = of(bytes).expect_err(words);
            assert!(said.contains(words), "'{words}' is not in: {said}");
        }
        assert_eq!(of(b"  \n \n"), Ok(vec![]));
    }
}
