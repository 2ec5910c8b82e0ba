//! What Cargo cannot say of the walls: which words stand in which sources.
//!
//! The sources are read as text. Comments do not count, nor do a file's own unit tests.

use crate::sources::{code, packages, sources};

/// What the method is made of: bytes and numbers in, tensors out.
const METHOD: [&str; 4] = ["crates/core/src", "crates/audio/src", "crates/frames/src", "crates/train/src"];
const BACKENDS: [&str; 4] = ["flex", "wgpu", "vulkan", "cuda"];
const FILES: [&str; 6] = ["std::fs", "std::path", "std::io", "std::env", "PathBuf", "File"];

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
    for (file, text) in paths.into_iter().flat_map(|path| sources(path, &["rs"])) {
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
fn the_method_names_no_file_and_no_thread() {
    assert_none(found(METHOD, &FILES));
    assert_none(found(METHOD, &["std::thread"]));
    for plain in ["config", "noise", "schedule", "tensor-file", "protocol"] {
        assert_none(found([format!("crates/{plain}/src").as_str()], &FILES));
    }
}

#[test]
fn concrete_backends_are_chosen_in_one_place_a_side() {
    let allowed = [
        "src/gpu/mod.rs",
        "src/worker/device.rs",
        "src/trainer/mod.rs",
        "crates/cli/src/",
        "crates/ops/src/",
        "crates/test-support/",
    ];
    let folders: Vec<String> = packages().iter().map(|package| format!("{package}/src")).collect();
    let folders: Vec<&str> = folders.iter().map(|folder| folder.trim_start_matches('/')).collect();
    let found = found(folders, &BACKENDS).into_iter();
    let outside = found.filter(|place| !allowed.iter().any(|allowed| place.starts_with(allowed)));
    assert_none(outside.filter(|place| !place.contains("_tests.rs") && !place.starts_with("xtask/")).collect());
}

#[test]
fn the_core_is_built_from_below() {
    let above: [(&str, &[&str]); 5] = [
        ("dit", &["autoencoder", "diffusion", "weights", "generate", "selfcheck"]),
        ("autoencoder", &["dit", "diffusion", "weights", "generate", "selfcheck"]),
        ("diffusion", &["dit", "autoencoder", "weights", "generate", "selfcheck"]),
        ("weights", &["dit", "autoencoder", "diffusion", "generate", "selfcheck"]),
        ("generate", &["selfcheck"]),
    ];
    for (module, above) in above {
        let above: Vec<String> = above.iter().map(|other| format!("crate::{other}")).collect();
        let above: Vec<&str> = above.iter().map(String::as_str).collect();
        assert_none(found([format!("crates/core/src/{module}").as_str()], &above));
    }
}

#[test]
fn the_worker_names_no_view_and_the_page_no_tensor() {
    assert_none(found(["src/worker"], &["leptos", "crate::ui", "crate::trainer"]));
    assert_none(found(["src/trainer"], &["leptos", "crate::ui", "crate::worker"]));
    assert_none(found(["src/gpu"], &["leptos", "crate::ui", "crate::worker", "crate::trainer"]));
    assert_none(found(["src/files"], &["burn", "crate::ui", "crate::worker", "crate::trainer"]));
    assert_none(found(["src/ui"], &["burn", "Tensor", "ditscope_core", "crate::worker", "crate::trainer"]));
}

#[test]
fn messages_are_defined_in_one_file() {
    for message in ["enum ToWorker", "enum FromWorker", "enum ToTrainer", "enum FromTrainer"] {
        let places = found(["src", "crates"], &[message]);
        assert_eq!(places.len(), 1, "{places:?}");
        assert!(places[0].starts_with("crates/protocol/"), "{places:?}");
    }
}

#[test]
fn no_test_is_switched_off() {
    // In two parts, so that this file does not find itself. What else is left undone, the workspace's lints find.
    let needle = ["#[ig", "nore"].concat();
    for (file, text) in ["src", "crates", "xtask", "tests"].into_iter().flat_map(|path| sources(path, &["rs"])) {
        let places = text.lines().enumerate().filter(|(_, line)| line.contains(&needle));
        assert_none(places.map(|(number, _)| format!("{file}:{} has {needle}", number + 1)).collect());
    }
}

#[test]
fn files_stay_short_enough_to_read() {
    const MOST: usize = 400;
    let all = ["src", "crates", "web", "xtask", "tests"].into_iter().flat_map(|path| sources(path, &["rs", "css"]));
    let long = all.map(|(file, text)| (file, text.lines().count())).filter(|(_, lines)| *lines > MOST);
    assert_none(long.map(|(file, lines)| format!("{file} has {lines} lines")).collect());
}

/// Longer functions say why in their first line.
#[test]
fn functions_are_short_or_say_why_not() {
    const MOST: usize = 60;
    let mut long = Vec::new();
    for (file, text) in ["src", "crates", "xtask", "tests"].into_iter().flat_map(|path| sources(path, &["rs"])) {
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate().filter(|(_, line)| is_function(line)) {
            // As rustfmt writes it: the brace that ends it stands below the beginning.
            let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            let body = &lines[start..];
            let length = body.iter().position(|line| *line == end).map_or(0, |last| last + 1);
            let first = body.iter().skip_while(|line| !line.ends_with('{')).nth(1).unwrap_or(&"");
            if length > MOST && !first.trim_start().starts_with("// Long: ") {
                long.push(format!("{file}:{} has {length} lines", start + 1));
            }
        }
    }
    assert_none(long);
}

/// Whether a function with a body of several lines begins here.
fn is_function(line: &str) -> bool {
    let words = ["pub", "const", "async", "unsafe", "extern", "\"C\""];
    let mut rest = line.split_whitespace().skip_while(|word| words.contains(word) || word.starts_with("pub("));
    rest.next() == Some("fn") && !line.ends_with(['}', ';'])
}

#[test]
fn functions_are_found_where_they_begin() {
    assert!(is_function("    pub(crate) async fn a(") && is_function("fn b() {"));
    assert!(!is_function("fn c() {}") && !is_function("    fn d();") && !is_function("let fn_e = 1;"));
}
