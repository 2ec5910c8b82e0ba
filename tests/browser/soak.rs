//! Many runs in a row: the memory of the page and of its workers stays as it is. For a longer one, with what it is after
//! every tenth of the runs: `DITSCOPE_SOAK_RUNS=1000 cargo test --release --test browser soak -- --nocapture`

use crate::app::{App, worker_file};
use crate::server::Fault;
use crate::tiny;
use crate::webdriver::Gpu;
use crate::worker::numbers;

const RUNS: usize = 200;
/// Those before it come to have all that a run needs.
const WARM_UP: usize = 20;

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
    let runs = std::env::var("DITSCOPE_SOAK_RUNS").map_or(RUNS, |runs| runs.parse().expect("a number of runs"));
    assert!(runs > WARM_UP, "fewer runs than the {WARM_UP} that come first");
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    let app = App::start_with_models("soak", Gpu::None, &[("tiny", folder.path())]);
    let in_workers = format!("{MEMORY}{IN_WORKERS}");
    // For as long as the tests run.
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(in_workers.leak()));
    app.before_pages(&format!("{MEMORY}{IN_PAGE}"));
    app.open_ready("backend=cpu&model=tiny&steps=3&n=2");
    let mut memory = Vec::new();
    for run in 1..=runs {
        let found = numbers(&app.browser.script("return run()"));
        assert_eq!(found[3], 1.0, "run {run} failed");
        assert!(found[..3].iter().all(|bytes| *bytes > 0.0), "no memory: {found:?}");
        if run % (runs / 10).max(1) == 0 || run == WARM_UP {
            println!("after {run} runs: page, worker and helper have {:?} bytes", &found[..3]);
        }
        memory.push(found);
    }
    let (warm, end) = (&memory[WARM_UP - 1], &memory[runs - 1]);
    assert_eq!(warm, end, "bytes of the page, of the worker and of its helper after {WARM_UP} and after {runs} runs");
}
