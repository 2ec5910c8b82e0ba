//! What a step of DiT-XL/2 asks of WebGPU, from models of its width with few blocks: each block asks for the same.

use crate::app::{App, worker_file};
use crate::gpu_work::{COUNTING, asked, noted};
use crate::server::Fault;
use crate::tiny;
use crate::webdriver::Gpu;
use crate::worker::{numbers, talk_on};
use ditscope_core::weights::Dtype;

/// Blocks of DiT-XL/2.
const DEPTH: i64 = 28;
const MIB: i64 = 1 << 20;

/// Behind the counting: once the kernels are checked, nothing is computed.
const IDLE: &str = "
    const said = self.postMessage;
    self.postMessage = (message, ...given) => {
        if (/^{\"LoadProgress\":{\"stage\":\"Weights\"/.test(message.header)) gpuCalls.idle();
        said(message, ...given);
    };
";

/// What is asked for by a step, and what lies on the device once the model is loaded.
struct Asked {
    dispatches: i64,
    bytes_bound: i64,
    bytes_of_buffers: i64,
    largest_buffer: i64,
    bytes_of_weights: i64,
}

/// Of a model whose weights are stored, and lie on the device, as `dtype`.
fn of_depth(depth: usize, stored: Dtype, dtype: &str) -> Asked {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write_wide(folder.path(), depth, stored);
    let app = App::start_with_models("gpu_large", Gpu::Software, &[("wide", folder.path())]);
    let counting = format!("{COUNTING}{IDLE}");
    // For as long as the tests run.
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(counting.leak()));
    let run = "
        send({ Generate: { run: 1, settings: { ...settings, num_inference_steps: 3 } } });
        const end = await hear(m => m.kind === 'Done' || m.kind === 'Failed');
        if (end.kind === 'Failed') return end.body;
        worker.postMessage('noted');
        return { weights: loaded.body.weights, noted: (await hear('Noted')).body };
    ";
    let said = talk_on(&app, "webgpu", "wide", run);
    assert_eq!(said["weights"]["dtype"], dtype, "{said}");
    let notes = noted(&said["noted"]);
    let loaded = |what: &str| notes[0].counts.get(what).copied().unwrap_or(0);
    Asked {
        dispatches: asked(&notes[2..4], "dispatches"),
        bytes_bound: asked(&notes[2..4], "bytes bound"),
        bytes_of_buffers: loaded("bytes of buffers"),
        largest_buffer: loaded("largest buffer"),
        bytes_of_weights: said["weights"]["fetched_bytes"].as_i64().unwrap_or(0),
    }
}

/// For all blocks, by a line through what was found of two models.
fn extrapolated([two, four]: [&Asked; 2], of: fn(&Asked) -> i64) -> i64 {
    of(two) + (of(four) - of(two)) / 2 * (DEPTH - 2)
}

/// Checks that it takes the device little more than the weights, and gives the bytes that a step binds.
fn check_memory(what: &str, models: [&Asked; 2], most_percent: i64) -> i64 {
    let moved = extrapolated(models, |asked| asked.bytes_bound);
    let memory = extrapolated(models, |asked| asked.bytes_of_buffers);
    let weights = extrapolated(models, |asked| asked.bytes_of_weights);
    let largest = models[1].largest_buffer;
    println!("DiT-XL/2 at 256 px in {what}, from 2 and 4 blocks: a guided step binds {} MB", moved / 1_000_000);
    println!(
        "on the device: {} MiB for {} MiB of weights; largest buffer {} MiB",
        memory / MIB,
        weights / MIB,
        largest / MIB
    );
    assert!(
        weights > 0 && memory <= weights * most_percent / 100,
        "{memory} bytes on the device for {weights} of weights"
    );
    assert!(largest <= 128 * MIB, "a buffer of {largest} bytes");
    moved
}

#[test]
fn a_step_of_the_largest_model_asks_for_no_more_than_is_known() {
    let (two, four) = (of_depth(2, Dtype::F16, "f16"), of_depth(4, Dtype::F16, "f16"));
    let dispatches = extrapolated([&two, &four], |asked| asked.dispatches);
    println!("a guided step of DiT-XL/2, from 2 and 4 blocks: {dispatches} dispatches");
    assert!((1..=300).contains(&dispatches), "{dispatches} dispatches");
    let moved = check_memory("f16", [&two, &four], 115);
    assert!((1..=6_300_000_000).contains(&moved), "{moved} bytes");
}

#[test]
fn weights_in_8_bits_lie_on_the_device_as_they_are_stored() {
    let (two, four) = (of_depth(2, Dtype::Int8, "int8"), of_depth(4, Dtype::Int8, "int8"));
    // What a step needs beside the weights is the same: 131 MiB and the scales' other half.
    check_memory("int8", [&two, &four], 125);
}

/// A browser that does not know how to read 8 bits.
const WITHOUT_INT8: &str = "
    const real = GPUDevice.prototype.createShaderModule;
    GPUDevice.prototype.createShaderModule = function (given) {
        return real.call(this, { ...given, code: given.code.replaceAll('unpack4x8snorm', 'unknown') });
    };
";

#[test]
fn weights_in_8_bits_give_what_they_give_on_the_cpu_and_where_they_cannot_be_read_so_become_f16() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write_wide_in_8_bits(folder.path());
    let app = App::start_with_models("int8", Gpu::Software, &[("wide", folder.path())]);
    let latents = |backend: &str, dtype: &str| {
        let run = "
            send({ Generate: { run: 1, settings: { ...settings, num_inference_steps: 3 } } });
            const end = await hear(m => m.kind === 'Done' || m.kind === 'Failed');
            if (end.kind === 'Failed') return end.body;
            const last = heard.filter(m => m.kind === 'Frame').at(-1);
            return { weights: loaded.body.weights, latents: numbers(part(last, 'XT')) };
        ";
        let said = talk_on(&app, backend, "wide", run);
        assert_eq!(said["weights"]["dtype"], dtype, "{said}");
        numbers(&said["latents"])
    };
    let right = latents("cpu", "f32");
    let most = right.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let near = |found: Vec<f64>| {
        let off = found.iter().zip(&right).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
        off / most
    };
    let as_stored = near(latents("webgpu", "int8"));
    assert!(right.len() == 256 && most > 0.1, "{} numbers up to {most}", right.len());
    println!("8 bits on the GPU and f32 of the same on the CPU differ by {as_stored:e} of the largest latent");
    assert!(as_stored < 1e-4, "off by {as_stored}");
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(WITHOUT_INT8));
    let in_f16 = near(latents("webgpu", "f16"));
    println!("f16 on the GPU by {in_f16:e}");
    assert!(in_f16 < 2e-3, "off by {in_f16}");
}
