//! A worker that dies in a run, and a device that is lost in one: a new worker goes on with the run, once.

use crate::app::{App, LONG, SHORT, worker_file};
use crate::server::Fault;
use crate::tiny;
use crate::webdriver::Gpu;
use serde_json::Value;

const STEPS: usize = 6;

/// Before the page: its workers are told after which of the frames to die, as `localStorage.die` lists them, and a digest
/// of each frame is noted.
const WATCH: &str = "
    const ends = (localStorage.die ?? '').split(',');
    window.workers = 0;
    window.seen = [];
    const digest = async buffer => [...new Uint8Array(await crypto.subtle.digest('SHA-256', buffer))].join();
    window.Worker = class extends Worker {
        constructor(address, ...given) {
            super(`${address}#${ends[workers++] ?? ''}`, ...given);
            this.addEventListener('message', ({ data }) => {
                const frame = JSON.parse(data.header).Frame;
                if (frame) seen.push(Promise.all([frame.step, frame.parts, ...data.buffers.map(digest)]));
            });
        }
    };
";

/// Before the worker's script: nothing is heard of it after that frame but END.
const DYING: &str = "
    const last = location.hash.slice(1), post = self.postMessage.bind(self);
    const devices = [];
    if (self.GPUAdapter) {
        const request = GPUAdapter.prototype.requestDevice;
        GPUAdapter.prototype.requestDevice = async function (...given) {
            const device = await request.apply(this, given);
            devices.push(device);
            return device;
        };
    }
    let isDead = false;
    if (last && self.name !== 'member') self.postMessage = (message, ...given) => {
        if (isDead) return;
        post(message, ...given);
        if (JSON.parse(message.header).Frame?.step === Number(last)) { END; }
    };
";
const KILLED: &str = "isDead = true; setTimeout(() => { throw Error('killed by the test'); })";
const DESTROYED: &str = "devices.forEach(device => device.destroy())";

/// An app whose workers die so.
fn start(name: &'static str, gpu: Gpu, end: &str, model: &std::path::Path) -> App {
    tiny::write(model);
    let app = App::start_with_models(name, gpu, &[("tiny", model)]);
    // For as long as the tests run.
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(DYING.replace("END", end).leak()));
    app.before_pages(WATCH);
    // A page without workers, to have a place for what they are told.
    app.browser.goto(&format!("{}/assets/models/index.json", app.server.origin()));
    app
}

/// Has workers die after these frames, on pages that are opened from now on.
fn die_after(app: &App, frames: &str) {
    app.browser.script(&format!("localStorage.die = '{frames}'"));
}

/// The frames that came, and how many workers there were.
fn seen(app: &App) -> (Vec<Value>, u64) {
    let found = app.browser.script("return Promise.all(seen).then(seen => [seen, workers])");
    (found[0].as_array().expect("frames").clone(), found[1].as_u64().expect("a number"))
}

#[test]
fn a_run_whose_worker_dies_ends_in_the_same_frames() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = start("worker_dies", Gpu::None, KILLED, folder.path());
    for sampler in ["ddim", "ddpm", "dpm%2B%2B", "unipc"] {
        let run = |frames: &str| {
            die_after(&app, frames);
            app.open_ready(&format!("backend=cpu&model=tiny&steps={STEPS}&n=2&seed=5&sampler={sampler}"));
            app.generate();
            (seen(&app), app.picture(), app.notices())
        };
        let ((whole, one), picture, silence) = run("");
        assert_eq!((whole.len(), one, silence.as_str()), (STEPS + 1, 1, ""), "{sampler}");
        for last in [0, 3, STEPS - 1] {
            let ((frames, workers), same, notices) = run(&last.to_string());
            assert_eq!(workers, 2);
            assert!(frames == whole && same == picture, "{sampler}, dead after frame {last}: not the same frames");
            let told = [format!("new worker goes on with step {}", last + 1), "killed by the test".to_owned()];
            assert!(told.iter().all(|told| notices.contains(told)), "{notices}");
        }
    }
}

#[test]
fn with_reuse_of_blocks_the_page_says_what_is_computed_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = start("worker_dies_reuse", Gpu::None, KILLED, folder.path());
    die_after(&app, "2");
    app.open_ready(&format!("backend=cpu&model=tiny&steps={STEPS}&reuse=2"));
    app.generate();
    assert!(app.notices().contains("whole"), "{}", app.notices());
    assert_eq!(seen(&app).0.len(), STEPS + 1);
}

#[test]
fn a_second_death_is_the_end_and_the_frames_stay() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = start("worker_dies_twice", Gpu::None, KILLED, folder.path());
    die_after(&app, "1,3");
    app.open_ready(&format!("backend=cpu&model=tiny&steps={STEPS}"));
    app.click("button", "Generate");
    app.wait_status("Failed", LONG);
    assert!(app.failure().contains("killed by the test"), "{}", app.failure());
    let (frames, workers) = seen(&app);
    assert_eq!((frames.len(), workers), (4, 2));
    assert_eq!(app.slider("Timeline", "now"), 3.0, "what was made stays");
    app.click("button", "Retry");
    app.wait_done();
    assert_eq!(seen(&app).0.len(), 4 + STEPS + 1, "a new run from the beginning");
}

#[test]
fn a_run_goes_on_without_a_network() {
    if !crate::app::dist().join("sw.js").is_file() {
        println!("LEFT OUT: the page in dist has no sw.js; 'cargo xtask build' writes it");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = start("worker_dies_offline", Gpu::None, KILLED, folder.path());
    app.server.let_work_offline();
    die_after(&app, "2");
    app.open_kept(&format!("backend=cpu&model=tiny&steps={STEPS}"));
    app.server.be_gone(true);
    app.generate();
    assert_eq!((seen(&app).0.len(), seen(&app).1), (STEPS + 1, 2));
}

#[test]
fn a_run_whose_gpu_is_lost_goes_on_with_another_device() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = start("device_destroyed", Gpu::Software, DESTROYED, folder.path());
    let run = |frames: &str| {
        die_after(&app, frames);
        app.open_ready(&format!("backend=webgpu&model=tiny&steps={STEPS}&seed=5&sampler=unipc"));
        app.generate();
        (seen(&app).0.len(), seen(&app).1, app.picture())
    };
    let (whole, one, picture) = run("");
    assert_eq!((whole, one), (STEPS + 1, 1));
    let (frames, workers, same) = run("2");
    app.wait("a word about it", SHORT, || app.notices().contains("new worker goes on with step").then_some(()));
    assert!(app.text().contains("WebGPU"), "the new device is a GPU again");
    assert_eq!((frames, workers), (STEPS + 1, 2));
    let off = picture.iter().zip(same.iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(off <= Some(2), "off by {off:?} of 255");
}
