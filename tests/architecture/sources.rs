//! The sources as text.

use crate::cargo::root;
use std::path::{Path, PathBuf};

/// All files with one of these endings under a path of the repository, or the file itself: path from the root, and text.
pub fn sources(path: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(root().join(path), endings, &mut files);
    assert!(!files.is_empty(), "no sources in {path}: was it moved?");
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        (file.strip_prefix(root()).expect("under the root").display().to_string(), text)
    };
    files.into_iter().map(read).collect()
}

fn collect(path: PathBuf, endings: &[&str], into: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        let fits = path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending));
        into.extend(fits.then_some(path));
        return;
    }
    let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries.for_each(|entry| collect(entry.expect("an entry").path(), endings, into));
}

/// The folders of the workspace's packages, from the root.
pub fn packages() -> Vec<String> {
    let crates = std::fs::read_dir(root().join("crates")).expect("the folder of crates");
    let crates = crates.map(|entry| format!("crates/{}", entry.expect("an entry").file_name().to_string_lossy()));
    let crates = crates.filter(|folder| Path::new(&root().join(folder)).join("Cargo.toml").is_file());
    ["".to_owned(), "xtask".to_owned()].into_iter().chain(crates).collect()
}

/// Code without comments and without the unit tests at the end, line by line with its number.
pub fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_test = |line: &str| line.trim_start().starts_with("#[cfg(") && line.contains("test");
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    lines.take_while(move |(_, line)| !is_test(line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}
