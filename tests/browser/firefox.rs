//! The page in Firefox: what a visit consists of, and the wait for its GPU. `cargo xtask test browser --engines firefox`

use crate::app::{App, LONG, worker_file};
use crate::server::Fault;
use crate::webdriver::{Engine, Gpu};
use crate::worker::{numbers, talk_on};
use crate::{devices, lab, models, runs, take, tiny, training};
use std::path::Path;

fn app(name: &'static str) -> App {
    App::start_in(Engine::Firefox, name, Gpu::None, &[])
}

fn app_with(name: &'static str, gpu: Gpu, model: &str, folder: &Path) -> App {
    tiny::write(folder);
    App::start_in(Engine::Firefox, name, gpu, &[(model, folder)])
}

#[test]
fn a_run_makes_a_picture_that_can_be_scrubbed_and_downloaded() {
    runs::makes_a_picture(&app("firefox_run"));
}

#[test]
fn cancel_keeps_what_was_made_and_another_run_follows() {
    runs::cancels(&app("firefox_cancel"));
}

#[test]
fn a_part_that_is_off_shows_what_it_was_for() {
    lab::switches_off(&app("firefox_lab"));
}

#[test]
fn a_training_is_kept_over_a_reload() {
    training::is_kept_over_a_reload(&app("firefox_training"));
}

#[test]
fn a_run_is_saved_as_sheet_film_and_data() {
    take::saves(&app("firefox_take"), true);
}

#[test]
fn a_second_visit_fetches_no_weights() {
    models::keeps_weights(&app("firefox_second_visit"));
}

#[test]
fn the_dialog_tells_what_a_model_is_and_deletes_what_is_stored() {
    models::tells_and_deletes(&app("firefox_model_dialog"));
}

#[test]
fn a_model_is_added_by_its_address() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    models::adds_by_address(&app_with("firefox_model_by_address", Gpu::None, "guest", folder.path()));
}

#[test]
fn once_loaded_it_needs_no_server() {
    let app = app("firefox_offline");
    app.open_ready("backend=cpu&steps=4");
    // What the page asks for by itself, once it is there: the code that saves, and what works offline.
    for file in ["split_save.wasm", "sw.js"] {
        app.wait(file, LONG, || (app.server.requests(file) > 0).then_some(()));
    }
    let fetched = || {
        let before = app.server.requests("");
        std::thread::sleep(std::time::Duration::from_secs(1));
        (app.server.requests("") == before).then_some(before)
    };
    let asked = app.wait("the end of fetching", LONG, fetched);
    app.server.break_file("", Fault::Missing);
    app.generate();
    let first = app.picture();
    app.click("button", "Random seed");
    app.generate();
    assert_ne!(app.picture(), first, "another seed, the same picture");
    app.download();
    assert_eq!(app.server.log()[asked..], [""; 0], "a run asked the server for something");
}

#[test]
fn webgpu_and_cpu_make_the_same_picture() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    devices::same_pictures(&app_with("firefox_webgpu", Gpu::Software, "tiny", folder.path()));
}

/// Before the worker's script: notes of each read-back how many milliseconds it was waited for, and how many empty submits
/// and how many ticks of 10 ms there were meanwhile. From "idle" on all dispatches are of size zero, so that the wait is all
/// that is left of a step; from "uncured" on the browser gets no empty submit.
const WATCHING: &str = "
    const waits = [];
    let empty = 0, idle = false, uncured = false;
    const { submit } = GPUQueue.prototype, { mapAsync } = GPUBuffer.prototype;
    const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
    GPUQueue.prototype.submit = function (buffers) {
        if (buffers.length > 0) return submit.call(this, buffers);
        empty += 1;
        if (!uncured) submit.call(this, buffers);
    };
    GPUBuffer.prototype.mapAsync = function (...given) {
        const [from, before] = [performance.now(), empty];
        let ticks = 0;
        const clock = setInterval(() => ticks += 1, 10);
        const there = mapAsync.apply(this, given);
        there.then(() => {
            clearInterval(clock);
            waits.push([performance.now() - from, empty - before, ticks]);
        });
        return there;
    };
    GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...size) {
        dispatchWorkgroups.apply(this, idle ? [0, 0, 0] : size);
    };
    self.addEventListener('message', event => {
        if (typeof event.data !== 'string') return;
        idle ||= event.data === 'idle';
        uncured ||= event.data === 'uncured';
        event.stopImmediatePropagation();
        self.postMessage({ header: JSON.stringify({ Waits: waits.splice(0) }), buffers: [] });
    });
";

const STEPS: usize = 30;

#[test]
fn no_wait_for_the_gpu_costs_a_poll_interval() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = app_with("firefox_waits", Gpu::Software, "tiny", folder.path());
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(WATCHING));
    let runs = "
        const tell = async message => (worker.postMessage(message), (await hear('Waits')).body);
        const run = async run => {
            send({ Generate: { run, settings: { ...settings, num_inference_steps: STEPS } } });
            const end = await hear(m => m.kind === 'Done' || m.kind === 'Failed');
            if (end.kind === 'Failed') throw Error(end.body.message);
        };
        await run(1);
        const working = await tell('idle');
        await run(2);
        const cured = await tell('uncured');
        await run(3);
        return { backend: loaded.body.backend.name, working, cured, uncured: await tell('end') };
    ";
    let said = talk_on(&app, "webgpu", "tiny", &runs.replace("STEPS", &STEPS.to_string()));
    assert_eq!(said["backend"], "WebGPU", "{said}");
    let [working, cured, uncured] = ["working", "cured", "uncured"].map(|run| {
        said[run].as_array().unwrap_or_else(|| panic!("waits, not {said}")).iter().map(numbers).collect::<Vec<_>>()
    });
    // Each step waits, and so does the result.
    assert!(cured.len() > STEPS && uncured.len() > STEPS, "{said}");
    // While a load or a run waited for the GPU and the worker had nothing else to do.
    let long = working.iter().filter(|wait| wait[2] >= 5.0);
    println!("{} waits while loading and in a run, {} of them long", working.len(), long.clone().count());
    for wait in long {
        assert!(wait[1] > 0.0, "the GPU was waited for {} ms without an empty submit", wait[0]);
    }
    let (with, without) = (median(&cured), median(&uncured));
    println!("a read-back with nothing to compute: {with} ms (median of {}), uncured {without} ms", cured.len());
    // Uncured, it is Firefox's interval of 100 ms.
    assert!(with <= without / 3.0, "a read-back with nothing to compute takes {with} ms, and uncured {without} ms");
}

fn median(waits: &[Vec<f64>]) -> f64 {
    let mut times: Vec<f64> = waits.iter().map(|wait| wait[0]).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
