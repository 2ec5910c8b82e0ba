//! Workers that share a run's steps on the CPU: the same bits with any number of them, and whatever happens to one.

use crate::app::{App, worker_file};
use crate::server::Fault;
use crate::webdriver::Gpu;
use crate::worker::{numbers, talk};
use serde_json::Value;

const MIB: f64 = 1_048_576.0;

/// Before the worker's script, in the worker that leads and in its members: so many processors, and in the one that leads
/// a count of how often members answered, and how much memory each module has. A member may be broken when it has
/// answered a few times; those who wait for one that is silent wait a hundredth of their time.
const POOL: &str = "
    Object.defineProperty(WorkerNavigator.prototype, 'hardwareConcurrency', { get: () => PROCESSORS });
    const isMember = self.name === 'member', post = self.postMessage.bind(self);
    const members = [];
    let memory;
    for (const name of ['instantiate', 'instantiateStreaming']) {
        const real = WebAssembly[name];
        WebAssembly[name] = async (...given) => {
            const made = await real.apply(WebAssembly, given);
            memory = (made.instance ?? made).exports.memory;
            return made;
        };
    }
    if (isMember) {
        let answers = 0;
        self.postMessage = (message, ...given) => {
            if (message.header === '\"Answer\"' && ++answers > 4) BREAK;
            post({ ...message, memory: memory.buffer.byteLength }, ...given);
        };
    } else {
        const setTimer = self.setTimeout;
        self.setTimeout = (then, ms, ...given) => setTimer(then, ms / 100, ...given);
        self.Worker = class extends Worker {
            constructor(...given) {
                super(...given);
                const member = { answers: 0, memory: 0 };
                members.push(member);
                this.addEventListener('message', ({ data }) => {
                    member.answers += data.header === '\"Answer\"';
                    member.memory = data.memory;
                });
            }
        };
        self.addEventListener('message', event => {
            if (event.data !== 'members') return;
            event.stopImmediatePropagation();
            const [answers, memories] = ['answers', 'memory'].map(what => members.map(member => member[what]));
            const said = { answers, memory: [memory.buffer.byteLength, ...memories] };
            post({ header: JSON.stringify({ Members: said }), buffers: [] });
        });
    }
";

/// Runs once all members have loaded the model, and gives all that the frames hold, and how often each member answered.
const RUN: &str = "
    const members = async () => (worker.postMessage('members'), (await hear('Members')).body);
    while ((await members()).answers.includes(0)) await pause(20);
    const { memory } = await members();
    const runs = [
        { ...settings, sampler: 'ddpm' },
        { ...settings, num_images: 3, savings: { guidance_interval: [0.2, 0.8], cache_interval: 1 } },
        { ...settings, num_images: 2, savings: { guidance_interval: null, cache_interval: 2 } },
    ];
    const digest = async buffer => [...new Uint8Array(await crypto.subtle.digest('SHA-256', buffer))].join();
    const seen = [];
    for (const [run, settings] of runs.entries()) {
        send({ Generate: { run, settings } });
        const end = await hear(m => m.kind === 'Done' || m.kind === 'Failed');
        if (end.kind === 'Failed') return end.body;
        const frames = heard.splice(0).filter(m => m.kind === 'Frame');
        seen.push(await Promise.all(frames.map(async ({ body, buffers }) =>
            [body.step, body.parts, await Promise.all(buffers.map(digest))])));
    }
    return { seen, answers: (await members()).answers, memory, weights: 4 * loaded.body.num_parameters };
";

/// What is seen of the runs, and how often each member answered, with so many processors.
fn runs(name: &'static str, processors: usize, breaking: &str) -> (Value, Vec<u64>) {
    let app = App::start(name, Gpu::None);
    let pool = POOL.replace("PROCESSORS", &processors.to_string()).replace("BREAK", breaking);
    // For as long as the tests run.
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(pool.leak()));
    let mut said = talk(&app, "fashion", RUN);
    let answers = said["answers"].as_array().unwrap_or_else(|| panic!("answers, not {said}"));
    let answers = answers.iter().filter_map(Value::as_u64).collect();
    let weights = said["weights"].as_f64().unwrap_or_else(|| panic!("bytes of weights, not {said}"));
    let memory = numbers(&said["memory"]);
    assert_eq!(memory.len(), processors);
    println!("{:.0} MiB of weights, memory of each worker once they are loaded: {memory:?}", weights / MIB);
    for bytes in memory {
        assert!(bytes <= 1.3 * weights + 64.0 * MIB, "{:.0} MiB", bytes / MIB);
    }
    assert_eq!(app.server.requests(&worker_file("_bg.wasm")), 1, "members are handed the module");
    (said["seen"].take(), answers)
}

#[test]
fn any_number_of_workers_gives_the_same_bits() {
    let (alone, nobody) = runs("pool_alone", 1, "{}");
    assert!(nobody.is_empty(), "{nobody:?}");
    assert_eq!(alone.as_array().map(Vec::len), Some(3), "{alone}");
    for processors in [2, 3] {
        let (shared, answers) = runs("pool_shared", processors, "{}");
        assert!(answers.len() == processors - 1 && answers.iter().all(|answers| *answers > 0), "{answers:?}");
        assert!(shared == alone, "{processors} workers: not the same frames");
    }
}

#[test]
fn a_member_that_fails_or_falls_silent_is_gone_without() {
    let (alone, _) = runs("pool_unbroken", 1, "{}");
    for breaking in ["throw setTimeout(() => { throw Error('broken'); })", "return"] {
        let (shared, answers) = runs("pool_broken", 2, breaking);
        assert!(shared == alone, "{breaking}: not the same frames");
        assert_eq!(answers, [4], "{breaking}");
    }
}
