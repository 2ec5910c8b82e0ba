//! What a step of DiT-XL/2 asks of WebGPU, from models of its width with few blocks: each block asks for the same.

use crate::app::{App, worker_file};
use crate::gpu_work::{COUNTING, asked, noted};
use crate::server::Fault;
use crate::tiny;
use crate::webdriver::Gpu;
use crate::worker::talk_on;

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

fn of_depth(depth: usize) -> Asked {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write_wide(folder.path(), depth);
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
    assert_eq!(said["weights"]["dtype"], "f16", "{said}");
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

#[test]
fn a_step_of_the_largest_model_asks_for_no_more_than_is_known() {
    let (two, four) = (of_depth(2), of_depth(4));
    let extrapolated = |of: fn(&Asked) -> i64| of(&two) + (of(&four) - of(&two)) / 2 * (DEPTH - 2);
    let dispatches = extrapolated(|asked| asked.dispatches);
    let moved = extrapolated(|asked| asked.bytes_bound);
    let (memory, weights) =
        (extrapolated(|asked| asked.bytes_of_buffers), extrapolated(|asked| asked.bytes_of_weights));
    println!(
        "a guided step of DiT-XL/2 on 256 px, from 2 and 4 blocks: {dispatches} dispatches, {} MB bound",
        moved / 1_000_000
    );
    println!(
        "on the device: {} MiB for {} MiB of weights; largest buffer {} MiB",
        memory / MIB,
        weights / MIB,
        four.largest_buffer / MIB
    );
    assert!((1..=300).contains(&dispatches), "{dispatches} dispatches");
    assert!((1..=6_300_000_000).contains(&moved), "{moved} bytes");
    assert!(weights > 0 && memory <= weights * 115 / 100, "{memory} bytes on the device for {weights} of weights");
    assert!(four.largest_buffer <= 128 * MIB, "a buffer of {} bytes", four.largest_buffer);
}
