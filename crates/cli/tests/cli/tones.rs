//! `dit data tones`, and a model whose pictures are sounds.

use crate::dit;
use crate::support::{random_model, snapshot, tiny_config_json};
use crate::train::{SHORT, SMALL_DIT};
use ditscope_config::{AudioConfig, ModelConfig};
use ditscope_core::weights::Dtype;
use ditscope_data::Split;
use ditscope_model_dir as model_dir;
use std::path::Path;

/// Sample rate and samples.
fn wav(path: &Path) -> (u32, Vec<i16>) {
    let mut reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (reader.spec().sample_rate, reader.samples().map(|sample| sample.expect("a sample")).collect())
}

#[test]
fn a_data_set_of_sounds_is_the_same_every_time_and_can_be_trained_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, again, sounds) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("wav"));
    let tones = || dit("data tones --train 24 --test 16 --seed 3");
    tones().with("--out", &data).with("--wav", &sounds).succeeds();
    tones().with("--out", &again).succeeds();
    let contents = |folder: &Path| snapshot(folder).into_values().collect::<Vec<_>>();
    assert_eq!(contents(&data), contents(&again));
    let set = ditscope_data::load(&data, Split::Train).expect("a data set");
    assert_eq!((set.len(), set.info.side, set.info.labels.len(), set.info.mirror), (24, 64, 8, false));
    for kind in ["made", "griffin-lim"] {
        let (rate, samples) = wav(&sounds.join(format!("01-{kind}.wav")));
        assert_eq!((rate, samples.len()), (16_000, 16_128));
        assert!(samples.iter().any(|sample| sample.unsigned_abs() > 2000), "{kind} is silent");
    }

    let (autoencoder, out) = (folder.path().join("ae"), folder.path().join("dit"));
    let stages = "--encoder-widths 4,4,4,4 --encoder-blocks 0,0,0,0 --decoder-widths 4,4,4,4 --decoder-blocks 0,0,0,0";
    dit(&format!("train autoencoder {SHORT} {stages}")).with("--data", &data).with("--out", &autoencoder).succeeds();
    dit(&format!("train dit {SHORT} {SMALL_DIT}"))
        .with("--data", &data)
        .with("--autoencoder", &autoencoder)
        .with("--out", &out)
        .succeeds();
    let config = model_dir::read_config(&out.join("model")).expect("a model");
    assert_eq!((config.audio, config.name.as_str()), (set.info.audio, "Tones"));
    dit("data tones --train 3").with("--out", &data).refuses(&["--train 3"]);
}

#[test]
fn a_sample_is_a_picture_and_a_sound() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config: ModelConfig = serde_json::from_value(tiny_config_json()).expect("a configuration");
    config.audio = Some(AudioConfig {
        sample_rate: 1000,
        n_fft: 64,
        hop_length: 16,
        n_mels: 8,
        f_min: 0.0,
        f_max: 500.0,
        min_db: -60.0,
        max_db: 0.0,
    });
    let model = folder.path().join("model");
    model_dir::save(&model, &random_model(&config), Dtype::F32).expect("a model's folder");
    let (one, many) = (folder.path().join("one.png"), folder.path().join("many"));
    dit("sample --class 1 --steps 2").with("--model", &model).with("--out", &one).succeeds();
    let (rate, samples) = wav(&folder.path().join("one.wav"));
    assert_eq!((rate, samples.len()), (1000, 112));
    assert!(samples.iter().any(|sample| *sample != 0));
    dit("sample --class 0,1 --steps 2").with("--model", &model).with("--out", &many).succeeds();
    assert_eq!(wav(&many.join("0001.wav")).1.len(), 112);
}

#[test]
fn a_model_with_broken_audio_is_refused_by_the_field() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    model_dir::save(
        folder.path(),
        &random_model(&serde_json::from_value(tiny_config_json()).expect("a configuration")),
        Dtype::F32,
    )
    .expect("a model's folder");
    let mut config = tiny_config_json();
    config["audio"] = serde_json::json!({
        "sample_rate": 1000, "n_fft": 1_000_000_000_000u64, "hop_length": 16, "n_mels": 8,
        "f_min": 0.0, "f_max": 500.0, "min_db": -60.0, "max_db": 0.0,
    });
    std::fs::write(folder.path().join("config.json"), config.to_string()).expect("written");
    let out = folder.path().join("out.png");
    dit("sample").with("--model", folder.path()).with("--out", &out).refuses(&["config.json", "audio", "n_fft"]);
}
