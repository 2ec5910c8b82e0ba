//! The worker's pace: what a run's times count, and that questions are answered between two steps.

use crate::app::{App, worker_file};
use crate::server::Fault;
use crate::webdriver::Gpu;
use crate::worker::{numbers, talk};

/// Before the worker's script: a clock on which only two things take time, the copying of bytes out of the module, 1 ms
/// a byte, and the posting of a message, [`POSTING`]; on demand, a long time passes. And a count of the timers that are
/// set, told when it is asked for. And one processor, so that no other worker helps.
const CLOCK: &str = "
    Object.defineProperty(WorkerNavigator.prototype, 'hardwareConcurrency', { get: () => 1 });
    let clock = 0, timers = 0;
    performance.now = () => clock;
    self.Uint8Array = new Proxy(Uint8Array, {
        construct(type, given) {
            if (ArrayBuffer.isView(given[0])) clock += given[0].byteLength;
            return Reflect.construct(type, given);
        },
    });
    const post = self.postMessage.bind(self);
    self.postMessage = (...given) => (clock += 1000, post(...given));
    const setTimer = self.setTimeout;
    self.setTimeout = (...given) => (timers++, setTimer(...given));
    self.addEventListener('message', event => {
        if (event.data === 'let time pass') clock += 1e6;
        else if (event.data !== 'timers') return;
        event.stopImmediatePropagation();
        post({ header: JSON.stringify({ Timers: { timers } }), buffers: [] });
    });
";
const POSTING: f64 = 1000.0;

#[test]
fn the_times_of_the_frames_are_the_time_of_the_run_and_no_timer_delays_it() {
    let app = App::start("worker_clock", Gpu::None);
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(CLOCK));
    let said = talk(
        &app,
        "fashion",
        "
        const timersSet = async () => (worker.postMessage('timers'), (await hear('Timers')).body.timers);
        const before = await timersSet();
        send({ Generate: { run: 1, settings: { ...settings, num_images: 2 } } });
        send('Pause');
        await hear('Paused');
        worker.postMessage('let time pass');
        await hear('Timers');
        send('Resume');
        const { total_ms } = (await hear('Done')).body;
        const frames = heard.filter(m => m.kind === 'Frame');
        return {
            timers: await timersSet() - before, total_ms, ms: frames.map(m => m.body.ms),
            bytes: frames.map(m => m.buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0)),
        };
        ",
    );
    assert_eq!(said["timers"], 0, "{said}");
    let (ms, bytes) = (numbers(&said["ms"]), numbers(&said["bytes"]));
    assert_eq!(ms.len(), 7);
    // What it takes to post a frame is known to the next one only. Before the first, the run posts that it has started and
    // that it is held; how long it is held does not count.
    let expected = bytes.iter().enumerate().map(|(i, bytes)| bytes + POSTING * if i == 0 { 2.0 } else { 1.0 });
    assert_eq!(ms, expected.collect::<Vec<_>>());
    assert_eq!(said["total_ms"].as_f64(), Some(ms.iter().sum::<f64>() + POSTING), "{said}");
}

#[test]
fn questions_during_a_run_do_not_delay_what_comes_after_them() {
    let app = App::start("worker_questions", Gpu::None);
    let said = talk(
        &app,
        "fashion",
        "
        let frames = 0;
        worker.addEventListener('message', ({ data }) => data.header.startsWith('{\"Frame\"') && frames++);
        send({ Generate: { run: 1, settings: { ...settings, num_inference_steps: 250, num_images: 4 } } });
        const latent = part(await hear('Frame'), 'XT').slice(0, 1024);
        const until = async answered => {
            const before = frames;
            await answered;
            return frames - before;
        };
        const waited = [];
        for (let question = 0; question < 20; question++) {
            waited.push(await until(ask({ Trace: { t: 500, class: 2, block: 0 } }, latent.slice())));
        }
        send('Cancel');
        return { waited, cancelled: await until(hear('Cancelled')), frames };
        ",
    );
    let waited = numbers(&said["waited"]);
    assert_eq!(waited.len(), 20);
    // A step that is under way, and one that a busy machine lets come between.
    assert!(waited.iter().all(|frames| *frames <= 3.0), "{said}");
    assert!(said["cancelled"].as_f64().is_some_and(|frames| frames <= 3.0), "{said}");
    assert!(said["frames"].as_f64().is_some_and(|frames| frames < 250.0), "{said}");
}

/// Before the worker's script: a message that keeps it busy, so that what comes in the meantime waits.
const BUSY: &str = "
    self.addEventListener('message', event => {
        if (event.data !== 'busy') return;
        event.stopImmediatePropagation();
        for (const began = Date.now(); Date.now() - began < 300;);
    });
";

#[test]
fn of_questions_that_wait_only_the_newest_is_answered() {
    let app = App::start("worker_row", Gpu::None);
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(BUSY));
    let said = talk(
        &app,
        "fashion",
        "
        const x0 = new Float32Array(256).buffer;
        worker.postMessage('busy');
        const many = await Promise.all([...Array(10).keys()].map(t => ask({ QSample: { t, seed: 1 } }, x0)));
        return many.map(m => m.body.result.Err?.reason ?? 'answered');
        ",
    );
    let many = said.as_array().expect("ten of a kind in a row");
    assert!(many[..9].iter().all(|said| said == "Newer"), "{many:?}");
    assert_eq!(many[9], "answered");
}
