//! Many runs in a row: the memory of the page and of its workers comes to rest. For a longer rest:
//! `DITSCOPE_SOAK_RUNS=1000 cargo test --release --test browser soak -- --nocapture`

use crate::app::{App, worker_file};
use crate::server::Fault;
use crate::tiny;
use crate::webdriver::Gpu;
use crate::worker::numbers;

/// So many in a row in which nothing grows. Memory comes in pages of 64 KiB, so what loses more than 364 bytes a run grows
/// in fewer.
const REST: usize = 180;
/// Runs until it must have come to that, in rests: the first ones come to have all that a run needs, and a page more may be
/// wanted by chance, where the last one is all but full.
const RESTS: usize = 3;

/// Before the page and before the worker's script: the memory of the module, which is made once.
const MEMORY: &str = "
    let memory;
    for (const name of ['instantiate', 'instantiateStreaming']) {
        const real = WebAssembly[name];
        WebAssembly[name] = async (...given) => {
            const made = await real.apply(WebAssembly, given);
            memory ??= (made.instance ?? made).exports.memory;
            return made;
        };
    }
";

/// Each message of the worker tells what memory it and its helper have.
const IN_WORKERS: &str = "
    Object.defineProperty(WorkerNavigator.prototype, 'hardwareConcurrency', { get: () => 2 });
    const post = self.postMessage.bind(self);
    let helper = 0;
    self.Worker = class extends Worker {
        constructor(...given) {
            super(...given);
            this.addEventListener('message', ({ data }) => helper = data.memory[0]);
        }
    };
    self.postMessage = (message, ...given) => post({ ...message, memory: [memory.buffer.byteLength, helper] }, ...given);
";

/// `run()` presses Generate, and gives the bytes of the page, of the worker and of its helper when all is done.
const IN_PAGE: &str = "
    let end;
    window.Worker = class extends Worker {
        constructor(...given) {
            super(...given);
            this.addEventListener('message', ({ data }) => {
                const { Done, Failed } = JSON.parse(data.header);
                if (Done || Failed) end(data);
            });
        }
    };
    window.run = async () => {
        const ended = new Promise(resolve => end = resolve);
        [...document.querySelectorAll('button')].find(button => button.textContent.trim() === 'Generate').click();
        const { header, memory: workers } = await ended;
        // The page hears of it after this.
        await new Promise(resolve => setTimeout(resolve));
        return [memory.buffer.byteLength, ...workers, Number(header.includes('Done'))];
    };
";

#[test]
fn the_memory_does_not_grow_from_run_to_run() {
    let rest = std::env::var("DITSCOPE_SOAK_RUNS").map_or(REST, |runs| runs.parse().expect("a number of runs"));
    assert!(rest > 0, "no runs");
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    let app = App::start_with_models("soak", Gpu::None, &[("tiny", folder.path())]);
    let in_workers = format!("{MEMORY}{IN_WORKERS}");
    // For as long as the tests run.
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(in_workers.leak()));
    app.before_pages(&format!("{MEMORY}{IN_PAGE}"));
    app.open_ready("backend=cpu&model=tiny&steps=3&n=2");
    let (mut memory, mut grew) = (Vec::new(), 0);
    for run in 0..RESTS * rest {
        let found = numbers(&app.browser.script("return run()"));
        assert_eq!(found[3], 1.0, "run {run} failed");
        assert!(found[..3].iter().all(|bytes| *bytes > 0.0), "no memory: {found:?}");
        if memory != found {
            println!("run {run}: page, worker and helper have {:?} bytes", &found[..3]);
            (memory, grew) = (found, run);
        }
        if run - grew == rest {
            return;
        }
    }
    panic!("after {} runs the memory still grows, the last time in run {grew}", RESTS * rest);
}
