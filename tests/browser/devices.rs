//! Which device the page chooses, and what it says about it.

use crate::app::{App, LONG, SHORT, worker_file};
use crate::server::Fault;
use crate::tiny;
use crate::webdriver::{Gpu, key};

#[test]
fn without_webgpu_the_page_takes_the_cpu_and_says_why() {
    let app = App::start("no_webgpu", Gpu::None);
    // Chromium has no flag for that.
    app.server.break_file(&worker_file("_loader.js"), Fault::Before("delete WorkerNavigator.prototype.gpu;"));
    takes_the_cpu(&app);
}

#[test]
fn without_an_adapter_the_page_takes_the_cpu_and_says_why() {
    let app = App::start("no_adapter", Gpu::None);
    takes_the_cpu(&app);
    assert!(app.notices().contains("graphics card"), "{}", app.notices());
}

#[test]
fn a_software_adapter_is_passed_over_for_the_cpu() {
    let app = App::start("software_adapter", Gpu::Software);
    takes_the_cpu(&app);
    assert!(app.notices().contains("software"), "{}", app.notices());
}

#[test]
fn the_cpu_that_was_asked_for_needs_no_notice() {
    let app = App::start("asked_for_cpu", Gpu::Software);
    app.open_ready("backend=cpu");
    assert!(app.text().contains("CPU"));
    assert_eq!(app.notices(), "");
}

#[test]
fn webgpu_and_cpu_make_the_same_picture() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    same_pictures(&App::start_with_models("webgpu", Gpu::Software, &[("tiny", folder.path())]));
}

/// On WebGPU and on the CPU, of the tiny model. Gives what the page says of each.
pub fn same_pictures(app: &App) -> [String; 2] {
    let run = |backend: &str, badge: &str| {
        app.open_ready(&format!("backend={backend}&model=tiny&class=2&steps=4&seed=5"));
        assert!(app.text().contains(badge), "a badge with {badge}");
        app.generate();
        (app.picture(), app.notices())
    };
    let ((webgpu, of_webgpu), (cpu, of_cpu)) = (run("webgpu", "WebGPU"), run("cpu", "CPU"));
    let difference = webgpu.iter().zip(cpu.iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(difference <= Some(2), "WebGPU and CPU differ by {difference:?} of 255");
    [of_webgpu, of_cpu]
}

/// One that computes something else, and one that the browser refuses.
const BROKEN_KERNELS: &str = "
    const real = GPUDevice.prototype.createShaderModule;
    GPUDevice.prototype.createShaderModule = function (given) {
        const code = given.code
            .replace('let weight = exp(score - largest);', 'let weight = 1.0;')
            .replace('// A convolution of 3x3.', 'this is no WGSL');
        return real.call(this, { ...given, code });
    };
";

#[test]
fn a_broken_kernel_is_left_out_and_the_picture_is_right() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    let app = App::start_with_models("broken_kernels", Gpu::Software, &[("tiny", folder.path())]);
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(BROKEN_KERNELS));
    let [notices, silence] = same_pictures(&app);
    assert!(notices.contains("attention") && notices.contains("convolutions"), "{notices}");
    assert!(!notices.contains("norms") && !notices.contains("linear"), "{notices}");
    assert_eq!(silence, "");
}

/// Before the worker's script: an adapter as small as any, which takes no larger workgroups either.
const SMALL_LIMITS: &str = "
    const most = {
        maxComputeWorkgroupStorageSize: 16384, maxComputeInvocationsPerWorkgroup: 128, maxComputeWorkgroupSizeX: 128,
        maxComputeWorkgroupSizeY: 128, maxComputeWorkgroupSizeZ: 64, maxStorageBufferBindingSize: 128 << 20,
        maxBufferSize: 128 << 20,
    };
    for (const type of [GPUAdapter, GPUDevice]) {
        const { get } = Object.getOwnPropertyDescriptor(type.prototype, 'limits');
        const smaller = { get: (limits, name) => Math.min(limits[name], most[name] ?? Infinity) };
        Object.defineProperty(type.prototype, 'limits', { get() { return new Proxy(get.call(this), smaller); } });
    }
    const real = GPUDevice.prototype.createShaderModule;
    GPUDevice.prototype.createShaderModule = function (given) {
        const sizes = /@workgroup_size\\(([^)]*)\\)/.exec(given.code)?.[1] ?? '1';
        const number = size => parseInt(size) || parseInt(given.code.split(`const ${size.trim()}: u32 = `)[1]);
        const units = sizes.split(',').reduce((units, size) => units * number(size), 1);
        return real.call(this, units <= 128 ? given : { ...given, code: 'a workgroup of ' + units });
    };
";

#[test]
fn a_device_with_small_limits_makes_the_same_picture() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    let app = App::start_with_models("small_limits", Gpu::Software, &[("tiny", folder.path())]);
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(SMALL_LIMITS));
    let [notices, _] = same_pictures(&app);
    assert_eq!(notices, "", "all kernels are right on it");
}

#[test]
fn a_run_outlives_the_gpu_once_and_the_cpu_makes_the_picture() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    let app = App::start_with_models("lost_device", Gpu::Software, &[("tiny", folder.path())]);
    app.open_ready("backend=webgpu&model=tiny&steps=250");
    app.click("button", "Generate");
    let steps = |more: f64| {
        let there = || (app.slider("Timeline", "max") >= 250.0 && shown_step(&app) >= more).then_some(());
        app.wait(&format!("{more} steps"), LONG, there);
    };
    steps(2.0);
    app.browser.crash_gpu();
    app.wait("a word about it", LONG, || app.notices().contains("new worker").then_some(()));
    let reached = shown_step(&app);
    steps(reached + 2.0);
    assert!(app.failure().is_empty() && reached >= 2.0, "{}", app.failure());
    app.browser.crash_gpu();
    app.wait_status("Failed", LONG);
    assert!(app.failure().contains("device"), "the message names the device: {}", app.failure());
    assert!(shown_step(&app) >= reached + 2.0, "what was made stays");
    app.focus("slider", "Steps");
    app.browser.press(key::HOME);
    // Chromium gives no adapter any more after so many crashes.
    app.click("button", "Use the CPU");
    app.wait_done();
}

fn shown_step(app: &App) -> f64 {
    app.slider("Timeline", "now")
}

fn takes_the_cpu(app: &App) {
    app.open_ready("steps=2");
    app.wait("a badge with CPU", SHORT, || app.text().contains("CPU").then_some(()));
    assert!(app.notices().contains("WebGPU"), "a notice on WebGPU: {:?}", app.notices());
    app.generate();
}
