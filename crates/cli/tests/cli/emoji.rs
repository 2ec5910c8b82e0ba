//! `dit data emoji`: a data set from packages of icons.

use crate::{Dit, dit};
use ditscope_data::Split;
use std::path::{Path, PathBuf};

/// Subgroups of Unicode in emojibase's numbers, one or two for each class.
const SUBGROUPS: [&str; 12] = [
    "face-smiling",
    "cat-face",
    "person",
    "hands",
    "heart",
    "plant-flower",
    "food-fruit",
    "food-sweet",
    "transport-ground",
    "place-building",
    "time",
    "country-flag",
];

/// How many emojis each subgroup of the test has; a tenth, one at least, is held out.
const EMOJIS: usize = 3;

/// The name of emoji `i` of a subgroup, such that its class wants it.
fn label(subgroup: usize, i: usize) -> String {
    if SUBGROUPS[subgroup] == "cat-face" { format!("cat face {i}") } else { format!("thing {subgroup} {i}") }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// Packages with one set, `squares`: each emoji is a square whose colour tells subgroup and number.
struct Packages {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Packages {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("node_modules");
        let subgroups = SUBGROUPS.iter().enumerate().map(|(i, name)| format!(r#""{i}":"{name}""#));
        let subgroups = subgroups.collect::<Vec<_>>().join(",");
        let packages = Self { _folder: folder, root };
        packages.write("emojibase-data/meta/groups.json", &format!(r#"{{"subgroups":{{{subgroups}}}}}"#));
        let all = || (0..SUBGROUPS.len()).flat_map(|subgroup| (0..EMOJIS).map(move |i| (subgroup, i)));
        let entry = |(s, i): (usize, usize)| {
            format!(r#"{{"label":"{}","hexcode":"E{s:X}{i:X}","emoji":"x{s}y{i}","subgroup":{s}}}"#, label(s, i))
        };
        let mut entries: Vec<String> = all().map(entry).collect();
        entries.push(r#"{"label":"light skin tone","hexcode":"1F3FB","emoji":"🏻"}"#.into());
        packages.write("emojibase-data/en/data.json", &format!("[{}]", entries.join(",")));
        packages.write("emojibase-data/en/shortcodes/emojibase.json", r#"{"E00":"first","E01":["second"]}"#);
        let icon = |(s, i): (usize, usize)| {
            let name = label(s, i).replace(' ', "-");
            format!(r##""{name}":{{"body":"<path fill='#{s:02x}{i:02x}80' d='M0 0h4v8H0z'/>"}}"##)
        };
        let mut icons: Vec<String> = all().map(icon).collect();
        // Not drawable; the same picture again under another name of it; hidden; no emoji at all.
        icons.push(r#""first":{"body":"<path d="}"#.replace("<path d=\"", "<path d='\""));
        icons.push(r##""second":{"body":"<path fill='#000180' d='M0 0h4v8H0z'/>"}"##.into());
        icons.push(r#""thing-0-2-":{"body":"<g/>","hidden":true}"#.into());
        icons.push(r#""logo":{"body":"<g/>"}"#.into());
        packages.set("squares", "CC-BY-4.0", &format!(r#"{{"icons":{{{}}},"width":8,"height":8}}"#, icons.join(",")));
        packages
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.root.join(path), text);
    }

    fn set(&self, name: &str, spdx: &str, icons: &str) {
        let info = format!(
            r#"{{"prefix":"{name}","name":"The {name}","author":{{"name":"Ada","url":"https://ada.example"}},
                "license":{{"title":"Licence of {name}","spdx":"{spdx}"}}}}"#
        );
        self.write(&format!("@iconify-json/{name}/info.json"), &info);
        self.write(&format!("@iconify-json/{name}/icons.json"), icons);
        self.write(&format!("@iconify-json/{name}/package.json"), r#"{"version":"1.2.3"}"#);
    }

    fn command(&self, sets: &str) -> Dit {
        let out = self.root.join("out");
        dit("data emoji").with("--packages", &self.root).with("--out", out).with("--sets", sets)
    }
}

#[test]
fn every_emoji_with_a_class_becomes_a_picture() {
    let packages = Packages::new();
    let printed = packages.command("squares").succeeds();
    assert!(printed.contains("1 icons could not be drawn, 1 looked exactly like another"), "{printed}");
    let out = packages.root.join("out");
    let load = |split| ditscope_data::load(&out, split).expect("a data set");
    let (train, test) = (load(Split::Train), load(Split::Test));
    assert_eq!((train.len(), test.len()), (12 * (EMOJIS - 1), 12), "one emoji of each class is held out");
    assert_eq!((train.info.channels, train.info.side, train.info.labels.len()), (3, 64, 12));
    assert_eq!(train.info.license, "CC-BY-4.0");
    let mut numbers = Vec::new();
    for part in [&train, &test] {
        for (i, label) in part.labels.iter().enumerate() {
            let pixels = part.pixels(i); // [3, 64, 64]
            let at = |x: usize, y: usize| [0, 1, 2].map(|channel| pixels[(channel * 64 + y) * 64 + x]);
            let [subgroup, number, blue] = at(10, 40);
            assert_eq!((subgroup, blue, at(31, 0), at(32, 63)), (*label, 0x80, at(10, 40), [255; 3]));
            numbers.push((subgroup, number));
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 12 * EMOJIS, "no emoji is in both parts");
    let attribution = std::fs::read_to_string(out.join("ATTRIBUTION.md")).expect("a file");
    for words in ["@iconify-json/squares 1.2.3", "[Ada](https://ada.example)", "Licence of squares"] {
        assert!(attribution.contains(words), "{attribution}");
    }
    let files = || crate::support::snapshot(&out);
    let before = files();
    packages.command("squares").succeeds();
    assert!(before == files(), "the same packages give the same files");
}

#[test]
fn what_is_wrong_with_a_package_is_named() {
    let packages = Packages::new();
    let refused = |sets: &str, words: &[&str]| {
        packages.command(sets).refuses(words);
        assert!(!packages.root.join("out").exists(), "nothing is written");
    };
    refused("nowhere", &["@iconify-json/nowhere/info.json", "--packages wants the node_modules folder"]);
    packages.set("alike", "CC-BY-SA-4.0", r#"{"icons":{}}"#);
    refused("squares,alike", &["@iconify-json/alike/info.json", "CC-BY-SA-4.0", "leave the set out"]);
    for broken in ["", "{", "[]", r#"{"icons":{"a":{}}}"#, r#"{"icons":{"a":{"body":7}}}"#, "\u{0}"] {
        packages.set("broken", "MIT", broken);
        refused("broken", &["@iconify-json/broken/icons.json", "not the JSON file expected here"]);
    }
    for size in [r#""width":0"#, r#""width":-3"#, r#""height":1e999"#, r#""left":-1e39"#] {
        packages.set("sized", "MIT", &format!(r#"{{"icons":{{"cat":{{"body":"<g/>",{size}}}}}}}"#));
        refused("sized", &["@iconify-json/sized/icons.json"]);
    }
    packages.set("empty", "MIT", r#"{"icons":{}}"#);
    refused("empty", &["no picture of class Face"]);
    packages.write("emojibase-data/en/data.json", "[]");
    refused("squares", &["emojibase-data/en/data.json", "no emoji"]);
    packages.write("emojibase-data/en/data.json", r#"[{"label":"a","hexcode":"1","emoji":"a","subgroup":99}]"#);
    refused("squares", &["no subgroup 99"]);
}
