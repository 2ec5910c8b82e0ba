//! `dit data avatars`: a data set from lines of SVGs.

use crate::dit;
use ditscope_data::Split;
use std::path::{Path, PathBuf};

fn style(name: &str, license: &str) -> String {
    format!(
        r#"{{"style":"{name}","package":"@faces/{name}","version":"1.2.3","core":"4.5.6","title":"Work {name}",
            "creator":"Ada","homepage":"https://ada.example","license":{{"name":"{license}"}}}}"#
    )
    .replace('\n', " ")
}

/// A face whose left half has this colour.
fn face(style: &str, split: &str, seed: usize, colour: &str) -> String {
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><path fill='#{colour}' d='M0 0h4v8H0z'/></svg>"
    );
    format!(r#"{{"face":"{style}","seed":"{split}-{seed}","split":"{split}","svg":"{svg}"}}"#)
}

struct Faces {
    folder: tempfile::TempDir,
}

impl Faces {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, lines: &[String], out: &Path) -> crate::Dit {
        let file = self.folder.path().join("faces.ndjson");
        std::fs::write(&file, lines.join("\n")).expect("a file");
        dit("data avatars").with("--faces", file).with("--out", out)
    }
}

/// Two styles; the second test face of the first one looks like a training face.
fn lines() -> Vec<String> {
    vec![
        style("Round", "CC0 1.0"),
        face("Round", "train", 0, "102030"),
        face("Round", "test", 0, "405060"),
        face("Round", "test", 1, "102030"),
        style("Pixel Art", "CC BY 4.0"),
        face("Pixel Art", "train", 0, "aa0000"),
        face("Pixel Art", "test", 0, "00aa00"),
    ]
}

#[test]
fn a_face_becomes_a_picture_of_its_style_and_no_test_face_is_a_training_face() {
    let faces = Faces::new();
    let (out, again) = (faces.out("a"), faces.out("b"));
    let printed = faces.command(&lines(), &out).succeeds();
    assert!(printed.contains("1 faces looked exactly like another"), "{printed}");
    faces.command(&lines(), &again).succeeds();
    let contents = |folder: &Path| crate::support::snapshot(folder).into_values().collect::<Vec<_>>();
    assert!(contents(&out) == contents(&again), "the same lines give the same files");

    let load = |split| ditscope_data::load(&out, split).expect("a data set");
    let (train, test) = (load(Split::Train), load(Split::Test));
    assert_eq!(train.info.labels, ["Round", "Pixel Art"]);
    assert_eq!((train.info.channels, train.info.side, train.info.mirror), (3, 64, false));
    assert_eq!((&train.labels[..], &test.labels[..]), (&[0, 1][..], &[0, 1][..]));
    let at = |pixels: &[u8], x: usize| [0, 1, 2].map(|channel| pixels[(channel * 64 + 5) * 64 + x]);
    assert_eq!((at(train.pixels(0), 31), at(train.pixels(0), 32)), ([0x10, 0x20, 0x30], [255; 3]));
    assert_eq!(at(test.pixels(1), 0), [0, 0xaa, 0]);

    let attribution = std::fs::read_to_string(out.join("ATTRIBUTION.md")).expect("a file");
    for words in ["@faces/Pixel Art 1.2.3", "[Ada](https://ada.example)", "CC BY 4.0", "@dicebear/core 4.5.6"] {
        assert!(attribution.contains(words), "{attribution}");
    }
}

#[test]
fn what_is_wrong_with_the_lines_is_named() {
    let faces = Faces::new();
    let out = faces.out("out");
    let refused = |lines: &[String], words: &[&str]| {
        faces.command(lines, &out).refuses(words);
        assert!(!out.exists(), "nothing is written");
    };
    let with = |line: String| [lines(), vec![line]].concat();
    refused(&with("{}".into()), &["faces.ndjson", "line 8", "neither a style nor a face"]);
    refused(&with(face("Square", "train", 0, "000")), &["line 8", "the style \"Square\""]);
    refused(&with(style("Closed", "CC BY-NC 4.0")), &["@faces/Closed", "CC BY-NC 4.0", "leave the style out"]);
    refused(&with(face("Round", "train", 7, "fff")), &["the face \"train-7\"", "shows nothing"]);
    refused(&with(style("Empty", "CC0 1.0")), &["no training face of the style Empty"]);
    refused(&[], &["no style in it"]);
    dit("data avatars --faces nowhere.ndjson --out out").refuses(&["nowhere.ndjson", "cannot read it"]);
}
