//! The walls between the layers (see ARCHITECTURE.md), as far as Cargo's features cannot hold them.
//!
//! The sources are read as text. Comments do not count, nor do a file's own unit tests.

use std::path::{Path, PathBuf};

/// What the method is made of: bytes and numbers in, tensors out.
const METHOD: [&str; 7] =
    ["src/audio", "src/dit", "src/autoencoder", "src/diffusion", "src/generate", "src/weights", "src/selfcheck.rs"];
const BROWSER: [&str; 5] = ["web_sys", "js_sys", "wasm_bindgen", "gloo", "leptos"];
const BACKENDS: [&str; 5] = ["flex", "wgpu", "vulkan", "cuda", "ndarray"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files and style sheets under a path of the repository, or the file itself, by their path from the root.
fn sources(path: &str) -> Vec<(String, String)> {
    fn collect(path: PathBuf, into: &mut Vec<PathBuf>) {
        match path.is_dir() {
            true => {
                let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                entries.for_each(|entry| collect(entry.expect("an entry").path(), into));
            }
            false if path.extension().is_some_and(|e| e == "rs" || e == "css") => into.push(path),
            false => {}
        }
    }
    let mut files = Vec::new();
    collect(root().join(path), &mut files);
    assert!(!files.is_empty(), "no sources in {path}: was it moved?");
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        (file.strip_prefix(root()).expect("under the root").display().to_string(), text)
    };
    files.into_iter().map(read).collect()
}

/// Code without comments and without the unit tests at the end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_test = |line: &str| line.trim_start().starts_with("#[cfg(") && line.contains("test");
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    lines.take_while(move |(_, line)| !is_test(line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Whether a line has `name` as a whole word.
fn names(line: &str, name: &str) -> bool {
    let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(name).any(|(at, _)| {
        !part_of_word(line[..at].chars().next_back()) && !part_of_word(line[at + name.len()..].chars().next())
    })
}

/// Every place in the code under `paths` that names one of `words`.
fn found<'a>(paths: impl IntoIterator<Item = &'a str>, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in paths.into_iter().flat_map(sources) {
        for (number, line) in code(&text) {
            found.extend(
                words.iter().filter(|word| names(line, word)).map(|word| format!("{file}:{number} names {word}")),
            );
        }
    }
    found
}

fn assert_none(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_search_sees_whole_words_in_code_only() {
    let text = "use std::path::Path;\n// burn\nlet a = burner + 1;\nlet b: burn::Tensor;\n#[cfg(test)]\nuse burn;\n";
    let lines = |word: &str| code(text).filter(|(_, line)| names(line, word)).map(|(i, _)| i).collect::<Vec<_>>();
    assert_eq!(lines("std::path"), [1]);
    assert_eq!(lines("burn"), [4]);
}

#[test]
fn the_method_names_no_browser() {
    assert_none(found(METHOD, &BROWSER));
}

#[test]
fn the_method_names_no_backend() {
    assert_none(found(METHOD, &BACKENDS));
}

#[test]
fn the_method_names_no_file() {
    assert_none(found(METHOD, &["std::fs", "std::path", "std::io", "std::env", "PathBuf", "File"]));
}

#[test]
fn plain_data_names_neither_tensor_nor_browser() {
    let plain =
        ["src/config.rs", "src/protocol.rs", "src/pixels.rs", "src/tensor_file.rs", "src/diffusion/schedule.rs"];
    assert_none(found(plain, &["burn", "std::fs"]));
    assert_none(found(plain, &BROWSER));
}

#[test]
fn the_page_names_no_tensor_and_the_worker_no_page() {
    assert_none(found(["src/ui", "src/bin/app.rs"], &["burn", "Tensor", "safetensors"]));
    assert_none(found(["src/worker", "src/bin/worker.rs"], &["leptos"]));
    assert_none(found(["src/native", "src/bin/dit.rs"], &BROWSER));
}

#[test]
fn concrete_backends_are_chosen_in_one_place_a_side() {
    let allowed = |place: &String| place.starts_with("src/worker/device.rs") || place.starts_with("src/native/");
    let tests = |place: &String| place.contains("_tests.rs");
    let found = found(["src"], &BACKENDS).into_iter().filter(|place| !allowed(place) && !tests(place));
    assert_none(found.collect());
}

#[test]
fn layers_use_only_what_is_below_them() {
    let layers =
        ["audio", "dit", "autoencoder", "diffusion", "generate", "weights", "selfcheck", "ui", "worker", "native"];
    let may_use: [(&str, &[&str]); 10] = [
        ("audio", &["diffusion"]),
        ("dit", &[]),
        ("autoencoder", &[]),
        ("diffusion", &[]),
        ("weights", &[]),
        ("generate", &["diffusion", "dit", "autoencoder", "weights"]),
        ("selfcheck", &["diffusion", "dit", "autoencoder"]),
        ("ui", &["diffusion"]),
        ("worker", &["audio", "generate", "weights", "selfcheck", "diffusion", "autoencoder", "dit"]),
        ("native", &["audio", "generate", "weights", "diffusion", "autoencoder", "dit"]),
    ];
    let mut wrong = Vec::new();
    for (layer, below) in may_use {
        let file = format!("src/{layer}.rs");
        let path = if root().join(&file).exists() { file } else { format!("src/{layer}") };
        let above = layers.iter().filter(|other| **other != layer && !below.contains(other));
        let above: Vec<String> = above.map(|other| format!("crate::{other}")).collect();
        wrong.extend(found([path.as_str()], &above.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    assert_none(wrong);
    assert_none(found(
        ["src/ui"],
        &["diffusion::sampler", "diffusion::noise", "diffusion::prediction", "diffusion::guidance"],
    ));
}

#[test]
fn messages_are_defined_in_one_file() {
    for message in ["enum ToWorker", "enum FromWorker"] {
        let places = found(["src"], &[message]);
        assert_eq!(places.len(), 1, "{places:?}");
        assert!(places[0].starts_with("src/protocol.rs"), "{places:?}");
    }
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    // In two parts, so that this file does not find itself.
    let needles =
        [("to", "do!("), ("unimpl", "emented!("), ("#[ig", "nore"), ("db", "g!(")].map(|(a, b)| format!("{a}{b}"));
    let mut left = Vec::new();
    for (file, text) in ["src", "xtask", "tests"].into_iter().flat_map(sources) {
        for (number, line) in text.lines().enumerate() {
            left.extend(needles.iter().filter(|n| line.contains(*n)).map(|n| format!("{file}:{} has {n}", number + 1)));
        }
    }
    assert_none(left);
}

#[test]
fn files_stay_short_enough_to_read() {
    const MOST: usize = 400;
    let all =
        ["src", "web", "xtask", "tests"].into_iter().flat_map(sources).map(|(file, text)| (file, text.lines().count()));
    assert_none(
        all.filter(|(_, lines)| *lines > MOST).map(|(file, lines)| format!("{file} has {lines} lines")).collect(),
    );
}
