//! Trainings that other processes help, over the loopback.

use crate::checkpoints::{checkpoint_step, on_trained};
use crate::train::{SMALL_AUTOENCODER, SMALL_DIT, TRAINED, log, steps};
use crate::{Dit, dit};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// `dit node`, until it is dropped.
struct Node {
    process: Child,
    url: String,
}

impl Node {
    fn start(options: &str) -> Self {
        let mut command = dit(&format!("node --listen 127.0.0.1:0 {options}"));
        let mut process = command.0.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let url = line.split([' ', ',']).find(|word| word.starts_with("ws://"));
        Self { url: url.unwrap_or_else(|| panic!("no address in '{line}'")).to_owned(), process }
    }

    fn signal(&self, name: &str) {
        signal(name, self.process.id());
    }
}

fn signal(name: &str, process: u32) {
    let sent = std::process::Command::new("kill").args([name, &process.to_string()]).status();
    assert!(sent.expect("kill").success());
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A batch is eight micro-batches, so that everybody gets some.
const SHARED: &str = "--batch-size 8 --micro-batch-size 1 --threads 1 --warmup-steps 1";

/// Weights that no socket takes in whole.
const LARGE_DIT: &str = "--depth 4 --hidden-size 256 --num-heads 4";

/// `dit train dit` for a number of steps (an epoch of the 64 pictures is eight).
fn train(steps: usize, out: &Path) -> Dit {
    train_of(SMALL_DIT, steps, out)
}

fn train_of(shape: &str, steps: usize, out: &Path) -> Dit {
    on_trained(dit(&format!("train dit {SHARED} {shape} --epochs {}", steps as f64 / 8.0)), out)
}

/// How many micro-batches the nodes say to have done.
fn shares(said: &str) -> usize {
    let share = |line: &str| line.split(" did ").nth(1)?.split(' ').next()?.parse::<usize>().ok();
    said.lines().filter_map(share).sum()
}

/// Losses, step by step.
fn losses(out: &Path) -> Vec<f64> {
    log(out).iter().map(|line| line[2]).collect()
}

#[test]
fn a_training_that_nodes_help_has_the_losses_of_one_process() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (alone, helped) = (folder.path().join("alone"), folder.path().join("helped"));
    let (one, other) = (Node::start("--threads 1 --token sesame"), Node::start("--threads 2 --token sesame"));
    train(20, &alone).succeeds();
    let said =
        train(20, &helped).with("--nodes", format!("{},{}", one.url, other.url)).with("--token", "sesame").says();
    assert!(said.contains("share each batch: 3"), "{said}");
    assert!(shares(&said) > 0, "{said}");
    let (alone, helped) = (losses(&alone), losses(&helped));
    assert_eq!((alone.len(), helped.len()), (20, 20));
    let farthest = alone.iter().zip(&helped).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(farthest <= 1e-4, "{farthest}: {alone:?} {helped:?}");
}

#[test]
fn autoencoder_and_classifier_are_helped_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start("--threads 2");
    for kind in [format!("autoencoder {SMALL_AUTOENCODER}"), "classifier".into()] {
        let out = |name: &str| folder.path().join(format!("{}-{name}", &kind[..4]));
        let words = format!("train {kind} {SHARED} --epochs 0.5");
        let command = |name| dit(&words).with("--data", &TRAINED.data).with("--out", out(name));
        command("alone").succeeds();
        assert!(shares(&command("helped").with("--nodes", &node.url).says()) > 0);
        for (a, b) in losses(&out("alone")).iter().zip(losses(&out("helped"))) {
            assert!((a - b).abs() <= 1e-4, "{kind}: {a} {b}");
        }
    }
}

/// Starts a long training with this node, and does something to the node in its midst, or to the training; code and words that
/// the training ends with.
fn broken_off(shape: &str, minutes: &str, node: &Node, out: &Path, harm: impl FnOnce(&Node, u32)) -> (i32, String) {
    let mut command = train_of(shape, 8000, out).with("--nodes", &node.url).with("--node-minutes", minutes);
    let mut training = command.0.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let begun = Instant::now();
    while !out.join("log.csv").exists() || log_lines(out) < 4 {
        assert!(begun.elapsed() < Duration::from_secs(120), "no step in two minutes");
        assert!(training.try_wait().expect("a process").is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    harm(node, training.id());
    let output = training.wait_with_output().expect("a process");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code().expect("it ended by itself"), said)
}

fn log_lines(out: &Path) -> usize {
    std::fs::read_to_string(out.join("log.csv")).unwrap_or_default().lines().count()
}

#[test]
fn a_node_that_dies_ends_the_training_by_name_and_what_is_left_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path();
    let (node, rest) = (Node::start("--threads 1"), Node::start("--threads 1"));
    let (code, said) = broken_off(SMALL_DIT, "5", &node, out, |node, _| node.signal("-KILL"));
    assert!(code == 1 && said.contains(&node.url) && said.contains("is lost") && said.contains("--nodes"), "{said}");
    let step = checkpoint_step(out) as usize;
    assert!(step >= 3 && said.contains(&format!("Step {step}")), "{said}");
    train(step + 2, out).with("--nodes", &rest.url).succeeds();
    assert_eq!(steps(out), (1..=step + 2).collect::<Vec<_>>());
}

#[test]
fn a_node_that_does_not_answer_ends_it_too() {
    for shape in [SMALL_DIT, LARGE_DIT] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let node = Node::start("--threads 1");
        let (code, said) = broken_off(shape, "0.05", &node, folder.path(), |node, _| node.signal("-STOP"));
        assert!(code == 1 && said.contains(&node.url) && said.contains("not answered for 3 s"), "{said}");
        assert!(checkpoint_step(folder.path()) >= 3);
    }
}

#[test]
fn whoever_waits_for_a_node_can_be_interrupted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start("--threads 1");
    let (code, said) = broken_off(SMALL_DIT, "5", &node, folder.path(), |node, training| {
        node.signal("-STOP");
        std::thread::sleep(Duration::from_millis(500));
        signal("-INT", training);
    });
    let step = checkpoint_step(folder.path());
    assert!(code == 130 && step >= 3 && said.contains(&format!("interrupted at step {step}")), "{said}");
}

#[test]
fn mistakes_are_told_before_anything_is_done() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let node = Node::start("--threads 1 --token sesame");
    train(1, &out).with("--nodes", &node.url).refuses(&[&node.url, "--token"]);
    train(1, &out).with("--nodes", &node.url).with("--token", "open").refuses(&[&node.url, "--token"]);
    for (wrong, words) in [
        ("192.168.0.7", "ws://"),
        ("wss://192.168.0.7:7641", "not encrypted"),
        ("ws://127.0.0.1", "no such address"),
        ("ws://127.0.0.1:99999", "no such address"),
        ("ws://127.0.0.1:7641/path", "no such address"),
        (" , ", "no address"),
    ] {
        train(1, &out).with("--nodes", wrong).refuses(&["--nodes", words]);
    }
    let slashed = format!("{0}, {0}/", node.url);
    train(1, &out).with("--nodes", slashed).with("--token", "sesame").refuses(&["twice"]);
    train(1, &out).with("--nodes", &node.url).with("--node-minutes", "0").refuses(&["--node-minutes 0"]);
    train(1, &out).with("--nodes", &node.url).with("--teacher", &TRAINED.dit).refuses(&["--teacher"]);
    assert!(!out.join("log.csv").exists());
    dit("node --listen 0.0.0.0:0").refuses(&["0.0.0.0", "--token"]);
    dit("node --listen 127.0.0.1:0").with("--token", "").refuses(&["--token"]);
    let taken = node.url.trim_start_matches("ws://");
    dit("node --listen").with(taken, "--threads=1").refuses(&[taken, "cannot listen"]);
    dit("node --threads 18446744073709551615").refuses(&["--threads", "1024"]);
    // Somebody who accepts and is silent, and then nobody.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = silent.local_addr().expect("a port").to_string();
    train(1, &out).with("--nodes", format!("ws://{place}")).refuses(&[&place, "does not answer like"]);
    drop(silent);
    train(1, &out).with("--nodes", format!("ws://{place}")).refuses(&[&place, "nothing listens there"]);
}
