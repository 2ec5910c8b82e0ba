//! Training that stops and goes on: nothing is lost, whatever stopped it.

use crate::support::snapshot;
use crate::train::{SMALL_DIT, TRAINED, log, steps};
use crate::{Dit, dit, dit_on_a_full_disk};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

pub const FAST: &str = "--batch-size 8 --micro-batch-size 8 --threads 1 --warmup-steps 1";

/// `dit train dit` for a number of steps (an epoch of the 64 pictures is eight).
pub fn train(steps: usize, out: &Path) -> Dit {
    on_trained(dit(&words(steps)), out)
}

fn words(steps: usize) -> String {
    format!("train dit {FAST} {SMALL_DIT} --epochs {}", steps as f64 / 8.0)
}

pub fn on_trained(command: Dit, out: &Path) -> Dit {
    command.with("--data", &TRAINED.data).with("--autoencoder", &TRAINED.autoencoder).with("--out", out)
}

pub fn checkpoint_step(out: &Path) -> u64 {
    let json = std::fs::read(out.join("checkpoint/state.json")).expect("state.json");
    let state: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    state["step"].as_u64().expect("a step")
}

#[test]
fn more_epochs_go_on_where_the_checkpoint_stands() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    train(3, folder.path()).succeeds();
    assert_eq!(checkpoint_step(folder.path()), 3);
    let first = log(folder.path());
    train(7, folder.path()).succeeds();
    assert_eq!(checkpoint_step(folder.path()), 7);
    assert_eq!(steps(folder.path()), [1, 2, 3, 4, 5, 6, 7]);
    let all = log(folder.path());
    assert_eq!(all[..3], first[..], "what was logged stays");
    assert!(all.windows(2).all(|w| w[0][1] <= w[1][1]), "the seconds go on");
}

#[test]
fn lines_after_the_checkpoint_are_taken_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    train(2, folder.path()).succeeds();
    // A crash between two checkpoints leaves lines of steps that the checkpoint does not know, the last one cut.
    let path = folder.path().join("log.csv");
    let text = std::fs::read_to_string(&path).expect("log.csv");
    std::fs::write(&path, format!("{text}3,0.1,9,9,9,9\n4,0.2,9,9,9,9\n5,0.")).expect("log.csv");
    train(4, folder.path()).succeeds();
    assert_eq!(steps(folder.path()), [1, 2, 3, 4]);
    assert!(log(folder.path()).iter().all(|line| line[2] < 9.0));
}

#[test]
fn the_checkpoint_before_the_last_serves_when_a_swap_was_cut_short() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    train(2, folder.path()).succeeds();
    let (current, old) = (folder.path().join("checkpoint"), folder.path().join("checkpoint.old"));
    std::fs::rename(&current, &old).expect("a folder");
    train(3, folder.path()).succeeds();
    assert_eq!(steps(folder.path()), [1, 2, 3]);
    assert!(current.exists() && !old.exists());
}

#[test]
#[cfg(unix)]
fn an_interrupted_training_resumes_and_its_loss_goes_on() {
    const TOTAL: usize = 480;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    train(TOTAL, &whole).succeeds();
    let mut command = train(TOTAL, &stopped).0;
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
    wait_for_lines(&mut child, &stopped.join("log.csv"), 5);
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "the shell's code for Ctrl-C");
    let step = checkpoint_step(&stopped) as usize;
    assert!((5..TOTAL).contains(&step), "interrupted at step {step}");
    assert_eq!(steps(&stopped), (1..=step).collect::<Vec<_>>());
    assert!(!stopped.join("model").exists(), "it is not done");
    train(TOTAL, &stopped).succeeds();
    assert_eq!(steps(&stopped), (1..=TOTAL).collect::<Vec<_>>());
    for (a, b) in log(&whole).iter().zip(log(&stopped)) {
        assert!((a[2] - b[2]).abs() < 1e-3, "step {}: loss {} without and {} with the interruption", a[0], a[2], b[2]);
    }
    let weights = |out: &Path| snapshot(&out.join("model")).into_values().collect::<Vec<_>>();
    assert_eq!(weights(&whole), weights(&stopped), "the same model comes out");
    let moments = |out: &Path| {
        let files = snapshot(&out.join("growth")).into_keys();
        files.map(|path| path.file_name().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(moments(&whole), moments(&stopped), "every moment is there once");
}

/// A service manager's stop: the same as Ctrl-C, and a word of it. What `nohup` asks for is left alone.
#[test]
#[cfg(unix)]
fn both_signals_write_the_checkpoint_and_say_so() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = train(4000, folder.path()).0;
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        wait_for_lines(&mut child, &folder.path().join("log.csv"), 3);
        let kill = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{signal}: {said}");
        let step = checkpoint_step(folder.path());
        let words = format!("interrupted at step {step} of 4000: the checkpoint is written");
        assert!(said.contains(&words), "{signal}: {said}");
        assert_eq!(steps(folder.path()), (1..=step as usize).collect::<Vec<_>>());
    }
}

/// Under `nohup` a training goes on when its terminal is closed.
#[test]
#[cfg(unix)]
fn a_closed_terminal_is_none_of_its_business_under_nohup() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_dit")]).args(words(4000).split(' '));
    let mut command = on_trained(Dit(command), folder.path()).0;
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
    let log = folder.path().join("log.csv");
    wait_for_lines(&mut child, &log, 3);
    let kill = std::process::Command::new("kill").args(["-HUP", &child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
    let lines = std::fs::read_to_string(&log).expect("log.csv").lines().count();
    wait_for_lines(&mut child, &log, lines + 3);
    child.kill().expect("it runs still");
    child.wait().expect("it ends");
}

/// Waits until a file has so many lines, or the process ends.
fn wait_for_lines(child: &mut Child, file: &Path, lines: usize) {
    let start = Instant::now();
    while std::fs::read_to_string(file).unwrap_or_default().lines().count() <= lines {
        assert!(child.try_wait().expect("a child").is_none(), "it ended too early");
        assert!(start.elapsed() < Duration::from_secs(120), "no step was taken");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
#[cfg(unix)]
fn a_full_disk_leaves_the_checkpoint_that_was_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    train(2, folder.path()).succeeds();
    let checkpoint = folder.path().join("checkpoint");
    let (before, model) = (snapshot(&checkpoint), snapshot(&folder.path().join("model")));
    let command = dit_on_a_full_disk(8, &words(4));
    // What cannot be kept of its pictures does not end it.
    on_trained(command, folder.path()).refuses(&["step-000004.png", "not kept", "model.bpk", "room on the disk"]);
    assert_eq!(snapshot(&checkpoint), before);
    assert_eq!(snapshot(&folder.path().join("model")), model);
    train(4, folder.path()).succeeds();
    assert_eq!(steps(folder.path()), [1, 2, 3, 4], "with room again it goes on");
    assert!(!folder.path().join("checkpoint.tmp").exists());
}

#[test]
fn a_checkpoint_of_another_model_is_refused_and_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    train(2, folder.path()).succeeds();
    let before = snapshot(folder.path());
    for size in ["--hidden-size 64 --depth 1 --num-heads 2", "--hidden-size 32 --depth 2 --num-heads 2"] {
        let command = dit(&format!("train dit {FAST} {size} --epochs 1"));
        on_trained(command, folder.path()).refuses(&["checkpoint", "not a checkpoint of this training", "--out"]);
        assert_eq!(snapshot(folder.path()), before, "{size}");
    }
    let command = dit(&format!("train classifier {FAST} --epochs 1"));
    command
        .with("--data", &TRAINED.data)
        .with("--out", folder.path())
        .refuses(&["checkpoint", "not a checkpoint of this training"]);
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn a_damaged_checkpoint_is_refused_and_kept() {
    for name in ["model.bpk", "ema.bpk", "optimizer.bpk", "state.json"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        train(1, folder.path()).succeeds();
        let file = folder.path().join("checkpoint").join(name);
        let whole = std::fs::read(&file).expect("a file");
        for bytes in [&whole[..whole.len() / 2], &b"not a checkpoint"[..], &[]] {
            std::fs::write(&file, bytes).expect("a file");
            let before = snapshot(folder.path());
            train(3, folder.path()).refuses(&["checkpoint", "Choose another --out, or remove the folder"]);
            assert_eq!(snapshot(folder.path()), before, "{name} with {} bytes", bytes.len());
        }
        std::fs::remove_file(&file).expect("a file");
        train(3, folder.path()).refuses(&[name, "cannot read it"]);
    }
}

#[test]
fn an_output_folder_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "precious").expect("a file");
    train(1, &file).refuses(&["file", "cannot create the folder"]);
    assert_eq!(std::fs::read(&file).expect("the file"), b"precious");
}
