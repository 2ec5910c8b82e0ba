//! What a step asks of WebGPU, counted in the worker. The counts are the same on every machine, which times on an adapter
//! in software are not, and each dispatch costs the host time however fast the card is. To see the numbers:
//! `cargo test --release --workspace --test browser gpu_work -- --nocapture`

use crate::app::{App, worker_file};
use crate::server::Fault;
use crate::webdriver::Gpu;
use crate::worker::talk_on;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What may be asked for at most: (what, the run's start, its first step, a later step). It is what they ask for today, so
/// lower a number whenever the test prints a smaller one. The start computes what the steps have in common.
/// Most bind groups are those of recordings, which are made once.
const MOST: [(&str, [i64; 3]); 7] = [
    ("dispatches", [43, 89, 89]),
    ("bind groups", [43, 18, 18]),
    ("pipelines", [0, 0, 0]),
    ("submits", [4, 3, 3]),
    ("uploads", [24, 2, 1]),
    ("bytes uploaded", [2084, 48, 56]),
    ("read-backs", [1, 1, 1]),
];
/// What no step does without: a zero would say that the counting does not work.
const ALWAYS: [&str; 3] = ["dispatches", "submits", "read-backs"];
const STEPS: usize = 3;
const IDLE_STEPS: usize = 20;

/// Goes before the worker's script. `cargo xtask bench` counts with it, too.
pub const COUNTING: &str = include_str!("../../tools/bench/gpu_calls.js");

/// What the worker had asked for in all, and when, in milliseconds.
#[derive(Deserialize)]
pub struct Noted {
    at: f64,
    pub counts: BTreeMap<String, i64>,
}

#[test]
fn a_step_asks_the_gpu_for_no_more_than_is_known() {
    let app = App::start("gpu_work", Gpu::Software);
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(COUNTING));
    let runs = "
        const tell = async message => (worker.postMessage(message), (await hear('Noted')).body);
        const run = async (run, num_inference_steps) => {
            send({ Generate: { run, settings: { ...settings, num_inference_steps } } });
            const end = await hear(m => m.kind === 'Done' || m.kind === 'Failed');
            if (end.kind === 'Failed') throw Error(end.body.message);
            return tell('noted');
        };
        const working = await run(1, STEPS);
        await tell('idle');
        return { backend: loaded.body.backend.name, working, idle: await run(2, IDLE) };
    ";
    let runs = runs.replace("STEPS", &STEPS.to_string()).replace("IDLE", &IDLE_STEPS.to_string());
    let said = talk_on(&app, "webgpu", "fashion", &runs);
    assert_eq!(said["backend"], "WebGPU", "{said}");
    let (working, idle) = (noted(&said["working"]), noted(&said["idle"]));
    // Where the model is loaded, then the run's start, a frame for each step, and one for the result.
    assert_eq!((working.len(), idle.len()), (2 + STEPS + 1, 1 + IDLE_STEPS + 1), "{said}");
    println!("asked for (at most)        start         first step         later step");
    let mut wrong = Vec::new();
    for (what, most) in MOST {
        let asked = [0, 1, 2].map(|at| asked(&working[at..at + 2], what));
        let cells = [0, 1, 2].map(|at| format!("{:>9} {:>9}", asked[at], format!("({})", most[at])));
        println!("{what:16}{}", cells.concat());
        let too_many = asked.iter().zip(most).any(|(asked, most)| *asked > most);
        if too_many || ALWAYS.contains(&what) && asked[1..].contains(&0) {
            wrong.push(what);
        }
    }
    print_host_share(&idle);
    assert!(
        wrong.is_empty(),
        "a step asks for more than it may, or for nothing at all: {wrong:?}, see the table above"
    );
}

pub fn noted(value: &Value) -> Vec<Noted> {
    Deserialize::deserialize(value).unwrap_or_else(|error| panic!("{error} in the worker's notes: {value}"))
}

/// How much was asked for between two notes.
pub fn asked(notes: &[Noted], what: &str) -> i64 {
    let [before, after] = [0, 1].map(|at| notes[at].counts.get(what).copied().unwrap_or(0));
    after - before
}

/// Only printed: how long it takes depends on the machine and on what else it does.
fn print_host_share(idle: &[Noted]) {
    // Without the start and the result, which are no steps.
    let steps = idle[1..=IDLE_STEPS].windows(2);
    let mut times: Vec<f64> = steps.map(|notes| notes[1].at - notes[0].at).collect();
    times.sort_by(f64::total_cmp);
    let [least, median, most] = [0, times.len() / 2, times.len() - 1].map(|at| times[at]);
    println!("the host's share of a step: {median:.1} ms (median of {}; {least:.1} to {most:.1})", times.len());
}
