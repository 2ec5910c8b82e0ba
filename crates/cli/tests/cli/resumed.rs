//! Trainings that go on: the model stays what it was begun as; what takes minutes is not done twice; and everything is said.

use crate::checkpoints::{FAST, checkpoint_step, on_trained, train};
use crate::support::{DataFiles, snapshot};
use crate::train::{SMALL_AUTOENCODER, SMALL_DIT, TRAINED, log, steps};
use crate::{Dit, dit, dit_on_a_full_disk};
use ditscope_config::PredictionType;
use ditscope_model_dir as model_dir;
use std::path::Path;

/// `dit train dit` with these options alone, for so many steps.
fn with_options(options: &str, steps: usize, out: &Path) -> Dit {
    on_trained(dit(&format!("train dit {FAST} {options} --epochs {}", steps as f64 / 8.0)), out)
}

fn prediction(out: &Path) -> PredictionType {
    model_dir::read_config(&out.join("model")).expect("a model").scheduler.prediction_type
}

#[test]
fn options_that_are_left_out_come_from_the_checkpoint() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path();
    with_options(&format!("{SMALL_DIT} --prediction-type v --beta-schedule linear --seed 5"), 2, out).succeeds();
    let began = model_dir::read_config(&out.join("model")).expect("a model");
    let said = with_options("", 4, out).says();
    assert!(said.contains("resumed at step 2"), "{said}");
    assert_eq!(steps(out), [1, 2, 3, 4]);
    assert_eq!(model_dir::read_config(&out.join("model")).ok(), Some(began), "it is the model that it began as");
    let state = std::fs::read_to_string(out.join("checkpoint/state.json")).expect("state.json");
    assert!(state.contains("\"seed\": 5"), "the batches are those of its seed: {state}");
}

#[test]
fn a_finished_training_says_so_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path();
    with_options(&format!("{SMALL_DIT} --prediction-type v"), 2, out).succeeds();
    let before = snapshot(out);
    let said = with_options("", 2, out).says();
    assert!(said.contains("already finished, at step 2 of 2") && said.contains("--epochs"), "{said}");
    assert_eq!(snapshot(out), before);
    assert_eq!(prediction(out), PredictionType::VPrediction);
    // Stopped between the last checkpoint and the model: that is made up for.
    std::fs::remove_dir_all(out.join("model")).expect("a folder");
    with_options("", 2, out).succeeds();
    assert_eq!(snapshot(out), before);
}

#[test]
fn a_contradiction_names_what_it_began_with_and_what_was_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path();
    with_options(&format!("{SMALL_DIT} --prediction-type v"), 1, out).succeeds();
    let before = snapshot(out);
    for (options, words) in [
        ("--prediction-type epsilon", ["--prediction-type v", "--prediction-type epsilon"]),
        ("--num-heads 4", ["--num-heads 2", "--num-heads 4"]),
        ("--beta-schedule linear", ["--beta-schedule cosine", "--beta-schedule linear"]),
        ("--seed 7", ["--seed 0", "--seed 7"]),
        ("--qk-norm", ["no --qk-norm", "--qk-norm"]),
        ("--preset S", ["--depth 1", "--depth 12"]),
        ("--clip-sample-range 3", ["--clip-sample-range 4", "--clip-sample-range 3"]),
    ] {
        let train = with_options(options, 3, out);
        train.refuses(&[&words[..], &["it began with", "Leave the option out", "Choose another --out"]].concat());
        assert_eq!(snapshot(out), before, "{options}");
    }
    let other_folder = tempfile::tempdir().expect("a temporary folder");
    let data = DataFiles::new(40, 10).write(other_folder.path());
    let other = dit(&format!("train dit {FAST} --epochs 1")).with("--autoencoder", &TRAINED.autoencoder);
    other.with("--data", &data).with("--out", out).refuses(&["--data", "(64 pictures", "(40 pictures"]);
    assert_eq!(snapshot(out), before);
    assert_eq!(checkpoint_step(out), 1);
}

#[test]
fn what_does_not_make_the_model_may_change_and_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    with_options(&format!("{SMALL_DIT} --min-snr-gamma 5"), 1, folder.path()).succeeds();
    let said = with_options("--lr 1e-4", 2, folder.path()).says();
    assert!(said.contains("it goes on with --lr 0.0001; it began with --lr 0.001"), "{said}");
    assert!(said.contains("it goes on with no --min-snr-gamma; it began with --min-snr-gamma 5"), "{said}");
}

#[test]
fn other_trainings_go_on_with_what_they_began_with_as_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path();
    let train = |kind: &str, steps: usize| {
        dit(&format!("train {kind} {FAST} --epochs {}", steps as f64 / 8.0)).with("--data", &TRAINED.data)
    };
    train(&format!("autoencoder {SMALL_AUTOENCODER} --seed 3"), 1).with("--out", out).succeeds();
    let began = model_dir::read_autoencoder_config(out).expect("an autoencoder");
    let said = train("autoencoder", 2).with("--out", out).says();
    assert!(said.contains("resumed at step 1"), "{said}");
    assert_eq!(model_dir::read_autoencoder_config(out).ok(), Some(began));
    let wide = train("autoencoder --decoder-widths 8,4,4", 3).with("--out", out);
    wide.refuses(&["--decoder-widths 4,4,4", "--decoder-widths 8,4,4"]);
    let frozen = train("autoencoder", 3).with("--decoder-of", &TRAINED.autoencoder).with("--out", out);
    frozen.refuses(&["no --decoder-of", "--decoder-of (SHA-256"]);
    train("classifier", 3).with("--out", out).refuses(&["'dit train autoencoder' made it", "'dit train classifier'"]);
}

#[test]
fn a_checkpoint_of_an_older_version_goes_on_with_a_word() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    train(1, folder.path()).succeeds();
    std::fs::remove_file(folder.path().join("checkpoint/begun.json")).expect("a file");
    let said = train(2, folder.path()).says();
    assert!(said.contains("resumed at step 1") && said.contains("did not keep the options"), "{said}");
}

#[test]
fn latents_are_encoded_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (out, file) = (folder.path(), folder.path().join("latents.safetensors"));
    let said = train(1, out).says();
    assert!(said.contains("encoding 64 pictures and their mirror images"), "{said}");
    assert!(said.contains("64 of 128 pictures encoded"), "{said}");
    let kept = std::fs::read(&file).expect("latents");
    let said = train(2, out).says();
    assert!(!said.contains("encoding") && said.contains("latents.safetensors has them"), "{said}");
    for damaged in [&kept[..kept.len() / 2], b"something else".as_slice()] {
        std::fs::write(&file, damaged).expect("a file");
        // Without its model there is something left to do.
        std::fs::remove_dir_all(out.join("model")).expect("a folder");
        assert!(train(2, out).says().contains("encoding 64 pictures"));
        assert!(std::fs::read(&file).expect("latents") == kept, "encoded anew");
    }
    // Of another autoencoder they are none.
    let other = tempfile::tempdir().expect("a temporary folder");
    dit(&format!("train autoencoder {FAST} {SMALL_AUTOENCODER} --epochs 0.1 --seed 9"))
        .with("--data", &TRAINED.data)
        .with("--out", other.path())
        .succeeds();
    let fresh = tempfile::tempdir().expect("a temporary folder");
    std::fs::copy(&file, fresh.path().join("latents.safetensors")).expect("a file");
    let command = dit(&format!("train dit {FAST} {SMALL_DIT} --epochs 0.1")).with("--data", &TRAINED.data);
    let said = command.with("--autoencoder", other.path()).with("--out", fresh.path()).says();
    assert!(said.contains("encoding 64 pictures"), "{said}");
}

#[test]
fn what_is_wrong_is_told_before_the_encoding() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let before_encoding = |command: Dit, words: &[&str]| {
        let mut command = command;
        let (output, stdout, stderr) = command.run();
        assert!(!output.status.success() && !stderr.contains("encoding") && !stdout.contains("encoding"), "{stderr}");
        words.iter().for_each(|word| assert!(stderr.contains(word), "'{word}' is not in: {stderr}"));
    };
    before_encoding(train(1, Path::new("/dev/null/out")), &["/dev/null/out", "cannot create the folder"]);
    let out = folder.path().join("out");
    before_encoding(with_options("--patch-size 3", 1, &out), &["patch_size 3"]);
    before_encoding(with_options("--lr 0", 1, &out), &["--lr 0"]);
    before_encoding(with_options("--teacher nowhere", 1, &out), &["--teacher wants a model"]);
    assert!(!out.exists(), "nothing is begun");
    let words = format!("train dit {FAST} {SMALL_DIT} --epochs 1");
    before_encoding(on_trained(dit_on_a_full_disk(0, &words), &out), &["room on the disk"]);
}

#[test]
fn a_training_that_ends_by_the_clock_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let words = format!(
        "train dit --batch-size 8 --micro-batch-size 8 --threads 1 {SMALL_DIT} --epochs 1000 --max-minutes 0.02"
    );
    let said = on_trained(dit(&words), folder.path()).says();
    // A line now and then where there is no terminal.
    assert!(said.contains("1 of 8000 steps") && said.contains("loss") && said.contains("left"), "{said}");
    let done = *steps(folder.path()).last().expect("a step");
    assert!(done < 8000, "{done} steps in a second");
    assert!(said.contains(&format!("at step {done} of 8000")) && said.contains("of 1000 epochs"), "{said}");
    assert!(said.contains("--max-minutes"), "{said}");
    // The warm-up of 200 steps is over after a tenth of the time.
    let log = log(folder.path());
    let most = log.iter().map(|line| line[4]).fold(0.0, f64::max);
    assert!(done < 10 || most > 5e-4, "the learning rate came to {most} in {done} steps");
}
