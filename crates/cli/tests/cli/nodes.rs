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
        let sent = std::process::Command::new("kill").args([name, &self.process.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A batch is eight micro-batches, so that everybody gets some.
const SHARED: &str = "--batch-size 8 --micro-batch-size 1 --threads 1 --warmup-steps 1";

/// `dit train dit` for a number of steps (an epoch of the 64 pictures is eight).
fn train(steps: usize, out: &Path) -> Dit {
    on_trained(dit(&format!("train dit {SHARED} {SMALL_DIT} --epochs {}", steps as f64 / 8.0)), out)
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
    assert!(said.contains("3 devices of other machines"), "{said}");
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

/// Starts a long training with this node, and does something to the node in its midst; the words that the training ends with.
fn broken_off(node: &Node, out: &Path, harm: impl FnOnce(&Node)) -> String {
    let mut command = train(8000, out).with("--nodes", &node.url).with("--node-minutes", "0.05");
    let mut training = command.0.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let begun = Instant::now();
    while !out.join("log.csv").exists() || log_lines(out) < 4 {
        assert!(begun.elapsed() < Duration::from_secs(120), "no step in two minutes");
        assert!(training.try_wait().expect("a process").is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    harm(node);
    let output = training.wait_with_output().expect("a process");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn log_lines(out: &Path) -> usize {
    std::fs::read_to_string(out.join("log.csv")).unwrap_or_default().lines().count()
}

#[test]
fn a_node_that_dies_ends_the_training_by_name_and_what_is_left_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path();
    let (node, rest) = (Node::start("--threads 1"), Node::start("--threads 1"));
    let said = broken_off(&node, out, |node| node.signal("-KILL"));
    assert!(
        said.contains(&node.url) && said.contains("is lost") && said.contains("the same command goes on"),
        "{said}"
    );
    let step = checkpoint_step(out) as usize;
    assert!(step >= 3 && said.contains(&format!("step {step}")), "{said}");
    train(step + 2, out).with("--nodes", &rest.url).succeeds();
    assert_eq!(steps(out), (1..=step + 2).collect::<Vec<_>>());
}

#[test]
fn a_node_that_does_not_answer_ends_it_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start("--threads 1");
    let said = broken_off(&node, folder.path(), |node| node.signal("-STOP"));
    assert!(said.contains(&node.url) && said.contains("no answer"), "{said}");
}

#[test]
fn mistakes_are_told_before_anything_is_done() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let node = Node::start("--threads 1 --token sesame");
    train(1, &out).with("--nodes", &node.url).refuses(&[&node.url, "--token"]);
    train(1, &out).with("--nodes", &node.url).with("--token", "open").refuses(&[&node.url, "--token"]);
    train(1, &out).with("--nodes", "192.168.0.7").refuses(&["192.168.0.7", "ws://"]);
    train(1, &out).with("--nodes", "ws://a:1,ws://a:1").refuses(&["twice"]);
    train(1, &out).with("--nodes", &node.url).with("--node-minutes", "0").refuses(&["--node-minutes 0"]);
    train(1, &out).with("--nodes", &node.url).with("--teacher", &TRAINED.dit).refuses(&["--teacher"]);
    assert!(!out.join("log.csv").exists());
    dit("node --listen 0.0.0.0:0").refuses(&["0.0.0.0", "--token"]);
    dit("node --listen 127.0.0.1:0").with("--token", "").refuses(&["--token"]);
    let taken = node.url.trim_start_matches("ws://");
    dit("node --listen").with(taken, "--threads=1").refuses(&[taken, "cannot listen"]);
    // Nobody listens there: the port was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    train(1, &out).with("--nodes", format!("ws://{port}")).refuses(&[&port.to_string(), "nothing answers"]);
}
