//! What a step asks of WebGPU, counted in the worker. The counts are the same on every machine, which times on an adapter
//! in software are not, and each dispatch costs the host time however fast the card is. To see the numbers:
//! `cargo test --release --workspace --test browser gpu_work -- --nocapture`

use crate::app::App;
use crate::server::Fault;
use crate::webdriver::Gpu;
use crate::worker::talk_on;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a step may ask for at most: (what, the first step after the model is loaded, a later step). It is what they ask
/// for today, so lower a number whenever the test prints a smaller one. The first step computes the adaLN vectors of all.
const MOST: [(&str, u64, u64); 7] = [
    ("dispatches", 120, 83),
    ("bind groups", 120, 83),
    ("pipelines", 0, 0),
    ("submits", 3, 2),
    ("uploads", 25, 3),
    ("bytes uploaded", 2144, 104),
    ("read-backs", 1, 1),
];
/// What no step does without: a zero would say that the counting does not work.
const ALWAYS: [&str; 3] = ["dispatches", "submits", "read-backs"];
const STEPS: usize = 3;
const IDLE_STEPS: usize = 20;

/// Before the worker's script: counts the calls of WebGPU, and notes the counts so far and the time whenever the worker
/// says that the model is loaded or posts a frame. The notes are told, and begun anew, when they are asked for. On demand
/// all dispatches are of size zero from then on, so that the host's share of the time is left.
const COUNTING: &str = "
    const counts = {}, noted = [];
    let idle = false;
    const add = (what, number = 1) => counts[what] = (counts[what] ?? 0) + number;
    const before = (type, name, look) => {
        const real = self[type].prototype[name];
        self[type].prototype[name] = function (...given) {
            return real.apply(this, look(...given) ?? given);
        };
    };
    const count = (type, what, ...names) => names.forEach(name => before(type, name, () => { add(what); }));
    before('GPUComputePassEncoder', 'dispatchWorkgroups', () => {
        add('dispatches');
        return idle ? [0, 0, 0] : null;
    });
    count('GPUComputePassEncoder', 'dispatches', 'dispatchWorkgroupsIndirect');
    count('GPUDevice', 'bind groups', 'createBindGroup');
    count('GPUDevice', 'pipelines', 'createComputePipeline', 'createComputePipelineAsync');
    count('GPUQueue', 'submits', 'submit');
    count('GPUBuffer', 'read-backs', 'mapAsync');
    before('GPUQueue', 'writeBuffer', (buffer, offset, data, from = 0, size = undefined) => {
        const unit = data.BYTES_PER_ELEMENT ?? 1;
        add('uploads');
        add('bytes uploaded', size === undefined ? data.byteLength - from * unit : size * unit);
    });
    const post = self.postMessage.bind(self);
    self.postMessage = (message, ...given) => {
        post(message, ...given);
        if (/^{\"(Loaded|Frame)\"/.test(message.header)) {
            noted.push({ at: performance.now(), counts: { ...counts } });
        }
    };
    self.addEventListener('message', event => {
        if (event.data === 'idle') idle = true;
        else if (event.data !== 'noted') return;
        event.stopImmediatePropagation();
        post({ header: JSON.stringify({ Noted: noted.splice(0) }), buffers: [] });
    });
";

/// What the worker had asked for in all, and when, in milliseconds.
#[derive(Deserialize)]
struct Noted {
    at: f64,
    counts: BTreeMap<String, u64>,
}

#[test]
fn a_step_asks_the_gpu_for_no_more_than_is_known() {
    let app = App::start("gpu_work", Gpu::Software);
    app.server.break_file("worker_loader.js", Fault::Before(COUNTING));
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
    // Where the model is loaded, then a frame for each step, and one for the result.
    assert_eq!((working.len(), idle.len()), (1 + STEPS + 1, IDLE_STEPS + 1), "{said}");
    println!("what a step asks for    first (at most)    later (at most)");
    let mut wrong = Vec::new();
    for (what, most_first, most_later) in MOST {
        let (first, later) = (asked(&working[0..2], what), asked(&working[1..3], what));
        println!("{what:16}{first:>13} {:>10}{later:>9} {:>10}", format!("({most_first})"), format!("({most_later})"));
        if first > most_first || later > most_later || ALWAYS.contains(&what) && (first == 0 || later == 0) {
            wrong.push(what);
        }
    }
    print_host_share(&idle);
    assert!(
        wrong.is_empty(),
        "a step asks for more than it may, or for nothing at all: {wrong:?}, see the table above"
    );
}

fn noted(value: &Value) -> Vec<Noted> {
    Deserialize::deserialize(value).unwrap_or_else(|error| panic!("{error} in the worker's notes: {value}"))
}

/// How much was asked for between two notes.
fn asked(notes: &[Noted], what: &str) -> u64 {
    let [before, after] = [0, 1].map(|at| notes[at].counts.get(what).copied().unwrap_or(0));
    after - before
}

/// Only printed: how long it takes depends on the machine and on what else it does.
fn print_host_share(idle: &[Noted]) {
    // Without the first frame, which some work goes before, and the result, which is no step.
    let steps = idle[..IDLE_STEPS].windows(2);
    let mut times: Vec<f64> = steps.map(|notes| notes[1].at - notes[0].at).collect();
    times.sort_by(f64::total_cmp);
    let [least, median, most] = [0, times.len() / 2, times.len() - 1].map(|at| times[at]);
    println!("the host's share of a step: {median:.1} ms (median of {}; {least:.1} to {most:.1})", times.len());
}
