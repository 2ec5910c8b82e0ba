//! The worker by itself, as any page could talk to it: holding a run, questions beside it, scales and starts.

use crate::app::{App, worker_file};
use crate::tiny;
use crate::webdriver::Gpu;
use serde_json::Value;

/// A conversation: `send` a message, `hear` the first one that fits and was not heard yet.
const TALK: &str = "
    const worker = new Worker('LOADER', { type: 'module' });
    const heard = [], waiting = [];
    worker.onmessage = ({ data }) => {
        const message = JSON.parse(data.header);
        const [kind, body] = typeof message === 'string' ? [message, {}] : Object.entries(message)[0];
        const arrived = { kind, body, buffers: data.buffers };
        const at = waiting.findIndex(({ fits }) => fits(arrived));
        at < 0 ? heard.push(arrived) : waiting.splice(at, 1)[0].hear(arrived);
    };
    const send = (message, ...buffers) => worker.postMessage({ header: JSON.stringify(message), buffers });
    const hear = fits => {
        const wanted = typeof fits === 'string' ? m => m.kind === fits : fits;
        const at = heard.findIndex(wanted);
        if (at >= 0) return heard.splice(at, 1)[0];
        return new Promise(hear => waiting.push({ fits: wanted, hear }));
    };
    let asked = 0;
    const ask = (ask, ...buffers) => {
        const id = ++asked;
        send({ Ask: { id, ask } }, ...buffers);
        return hear(m => m.kind === 'Answered' && m.body.id === id);
    };
    const part = (frame, name) => frame.buffers[frame.body.parts.indexOf(name)];
    const numbers = buffer => [...new Float32Array(buffer)];
    const pause = ms => new Promise(done => setTimeout(done, ms));
    await hear('Ready');
    send({ Load: { source: { Url: `${location.origin}/assets/models/MODEL` }, backend: 'BACKEND' } });
    const loaded = await hear(m => m.kind === 'Loaded' || m.kind === 'Failed');
    if (loaded.kind === 'Failed') return loaded.body;
    const settings = { class: 2, guidance_scale: 2, num_inference_steps: 6, sampler: 'ddim', seed: 5, num_images: 1 };
";

/// Runs the body of a function that begins with [`TALK`], and gives what it returns.
pub fn talk(app: &App, model: &str, body: &str) -> Value {
    talk_on(app, "cpu", model, body)
}

/// The same with the backend that is asked for.
pub fn talk_on(app: &App, backend: &str, model: &str, body: &str) -> Value {
    app.browser.goto(&format!("{}/assets/models/index.json", app.server.origin()));
    let loader = format!("{}/{}", app.server.origin(), worker_file("_loader.js"));
    let talk = TALK.replace("MODEL", model).replace("BACKEND", backend).replace("LOADER", &loader);
    app.browser.script(&format!("return (async () => {{ {talk} {body} }})()"))
}

/// Why something was refused, what it is about, and what was found there.
fn refusal(value: &Value) -> [&str; 3] {
    ["reason", "of", "found"].map(|field| value[field].as_str().unwrap_or_else(|| panic!("a refusal, not {value}")))
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("numbers, not {value}")).iter().filter_map(Value::as_f64).collect()
}

#[test]
fn a_run_is_held_between_steps_and_the_model_stays_free() {
    let app = App::start("worker_pause", Gpu::None);
    let said = talk(
        &app,
        "fashion",
        "
        send({ Generate: { run: 1, settings } });
        send('Pause');
        const paused = [(await hear('Paused')).body.step];
        await pause(300);
        const tooEarly = heard.filter(m => m.kind === 'Frame').length;
        send('StepOnce');
        const first = await hear('Frame');
        paused.push((await hear('Paused')).body.step);
        const traced = await ask({ Trace: { t: 500, class: 2, block: 0 } }, part(first, 'XT'));
        const decoded = await ask({ DecodePicture: { run: 1 } }, part(first, 'X0Hat'));
        send('StepOnce');
        send('StepOnce');
        const second = (await hear('Frame')).body.step;
        const third = (await hear('Frame')).body.step;
        paused.push((await hear('Paused')).body.step);
        send('Resume');
        await hear('Done');
        const frames = heard.filter(m => m.kind === 'Frame').map(m => m.body.step);
        const parts = [first.body.parts, heard.filter(m => m.kind === 'Frame').at(-1).body.parts];
        // A run that is held can be cancelled, and the next one is not held.
        send({ Generate: { run: 2, settings } });
        send('Pause');
        await hear('Paused');
        send('Cancel');
        const cancelled = (await hear('Cancelled')).body.run;
        send({ Generate: { run: 3, settings } });
        const done = (await hear('Done')).body.run;
        return { paused, tooEarly, traced: Object.keys(traced.body.result), decoded: decoded.body.result, second, third,
                 frames, parts, cancelled, done };
        ",
    );
    assert_eq!(
        said,
        serde_json::json!({
            "paused": [0, 1, 3], "tooEarly": 0, "traced": ["Ok"], "decoded": { "Ok": "PictureDecoded" }, "second": 1, "third": 2,
            "frames": [3, 4, 5, 6],
            "parts": [["XT", "X0Hat", "EpsCond", "EpsUncond", "State", "Pictures"], ["XT", "Pictures"]],
            "cancelled": 2, "done": 3,
        })
    );
}

#[test]
fn scales_run_side_by_side_and_what_is_shown_fits_together() {
    let app = App::start("worker_scales", Gpu::None);
    let said = talk(
        &app,
        "fashion",
        "
        send({ Generate: { run: 1, settings, guidance_scales: [1, 2, 4] } });
        const { info } = (await hear('Started')).body;
        const last = (await hear(m => m.kind === 'Frame' && m.body.step === 6)).buffers;
        const size = 4 * 8 * 8;
        let off = 0;
        for (let i = 0; i < 6; i++) {
            const frame = await hear(m => m.kind === 'Frame' && m.body.step === i);
            const of = name => numbers(part(frame, name));
            const [xt, x0, cond, uncond] = ['XT', 'X0Hat', 'EpsCond', 'EpsUncond'].map(of);
            const ab = info.alpha_bar[i];
            xt.forEach((x, at) => {
                const eps = uncond[at] + info.guidance_scales[Math.floor(at / size)] * (cond[at] - uncond[at]);
                const found = Math.max(-4, Math.min(4, (x - Math.sqrt(1 - ab) * eps) / Math.sqrt(ab)));
                off = Math.max(off, Math.abs(found - x0[at]) * Math.sqrt(ab));
            });
        }
        // The picture at scale 2 alone.
        send({ Generate: { run: 2, settings } });
        const alone = numbers((await hear(m => m.kind === 'Frame' && m.body.run === 2 && m.body.step === 6)).buffers[0]);
        const middle = numbers(last[0]).slice(size, 2 * size);
        const apart = Math.max(...alone.map((v, i) => Math.abs(v - middle[i])));
        send({ Generate: { run: 3, settings, guidance_scales: [1, 99] } });
        const failed = (await hear('Failed')).body.why;
        return { info, off, apart, failed };
        ",
    );
    assert_eq!(said["info"]["num_images"], 3);
    assert_eq!(numbers(&said["info"]["guidance_scales"]), [1.0, 2.0, 4.0]);
    assert!(said["off"].as_f64().is_some_and(|off| off < 1e-4), "x̂0 is off by {}", said["off"]);
    assert!(said["apart"].as_f64().is_some_and(|apart| apart < 1e-2), "in the batch and alone: {}", said["apart"]);
    assert_eq!(refusal(&said["failed"]), ["OutOfRange", "guidance scale", "99"]);
}

#[test]
fn a_picture_is_encoded_noised_denoised_from_there_and_looked_into() {
    // Long: one conversation with the worker.
    let app = App::start("worker_answers", Gpu::None);
    let said = talk(
        &app,
        "fashion",
        "
        const rgb = new Float32Array(3 * 32 * 32).map((_, i) => Math.sin(i / 40));
        const encoded = await ask('Encode', rgb.buffer);
        const gray = await ask('Encode', new Float32Array(32 * 32).buffer);
        const x0 = encoded.buffers[0];
        send({ Generate: { run: 1, settings, start: { step: 3 } } }, x0);
        const { info } = (await hear('Started')).body;
        const frame = await hear('Frame');
        await hear('Done');
        const t = info.timesteps[0];
        const noised = await ask({ QSample: { t, seed: settings.seed } }, x0);
        const [x_t, from] = [numbers(noised.buffers[0]), numbers(part(frame, 'XT'))];
        const traced = await ask({ Trace: { t, class: 2, block: 1 } }, noised.buffers[0]);
        const none = await ask({ Trace: { t, class: null, block: 1 } }, noised.buffers[0]);
        const modulated = await ask({ Modulation: { class: 2, timesteps: [t, 0] } });
        const [attention, norms, modulation] = traced.buffers.map(numbers);
        const rows = [];
        for (let i = 0; i < attention.length; i += 16) rows.push(attention.slice(i, i + 16).reduce((a, b) => a + b));
        const refused = await Promise.all([
            ask('Encode', new ArrayBuffer(12)), ask({ QSample: { t: 1000, seed: 1 } }, x0),
            ask({ Trace: { t: 5, class: 99, block: 0 } }, x0), ask({ Modulation: { class: 0, timesteps: [] } }),
        ]);
        refused.push(await ask({ Trace: { t: 5, class: 0, block: 6 } }, x0));
        refused.push(await ask({ QSample: { t: 5, seed: 1 } }, new Float32Array([NaN]).buffer));
        refused.push(await ask({ QSample: { t: 5, seed: 1 } }, new Float32Array(256).fill(NaN).buffer));
        return {
            answers: [encoded, gray, noised, traced, modulated].map(m => m.body.result.Ok), info,
            sizes: [encoded, gray, noised, traced, modulated].map(m => m.buffers.map(b => b.byteLength)),
            apart: Math.max(...x_t.map((v, i) => Math.abs(v - from[i]))),
            rows: [Math.min(...rows), Math.max(...rows)], norms: Math.min(...norms),
            same: modulation.every((v, i) => v === numbers(modulated.buffers[0])[i]),
            other: numbers(none.buffers[2]).some((v, i) => v !== modulation[i]),
            refused: refused.map(m => m.body.result.Err),
        };
        ",
    );
    let latent = serde_json::json!({ "Encoded": { "latent_shape": [4, 8, 8] } });
    assert_eq!(said["answers"][0], latent, "{said}");
    assert_eq!(said["answers"][1], latent);
    assert_eq!(said["answers"][2]["QSampled"]["image_shape"], serde_json::json!([32, 32]));
    assert_eq!(said["answers"][2]["QSampled"]["alpha_bar"], said["info"]["alpha_bar"][0]);
    let traced = serde_json::json!({ "Traced": { "block": 1, "heads": 6, "depth": 6, "grid": [4, 4] } });
    assert_eq!(said["answers"][3], traced);
    assert_eq!(said["answers"][4], serde_json::json!({ "Modulated": { "timesteps": 2, "depth": 6 } }));
    let sizes = [vec![1024], vec![1024], vec![1024, 4096], vec![6 * 256 * 4, 7 * 16 * 4, 144], vec![288]];
    assert_eq!(said["sizes"], serde_json::json!(sizes));
    assert_eq!((&said["info"]["steps_skipped"], numbers(&said["info"]["timesteps"]).len()), (&3.into(), 3));
    assert_eq!(said["apart"], 0.0, "the run begins with just this noise");
    assert!(numbers(&said["rows"]).iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{}", said["rows"]);
    assert!(said["norms"].as_f64().is_some_and(|least| least > 0.0));
    assert_eq!((&said["same"], &said["other"]), (&true.into(), &true.into()));
    let refused: Vec<_> = said["refused"].as_array().expect("refusals").iter().map(refusal).collect();
    let due = [
        ("bytes of a picture", "12"),
        ("timestep", "1000"),
        ("class", "99"),
        ("number of timesteps", "0"),
        ("block", "6"),
        ("bytes of a latent", "4"),
        ("a number from the page", "NaN"),
    ];
    assert_eq!(refused, due.map(|(of, found)| ["OutOfRange", of, found]));
}

#[test]
fn without_an_encoder_the_answer_says_so_and_heavy_pictures_are_previews() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write_heavy(folder.path());
    let app = App::start_with_models("worker_heavy", Gpu::None, &[("heavy", folder.path())]);
    let said = talk(
        &app,
        "heavy",
        "
        const encoded = await ask('Encode', new ArrayBuffer(4 * 3 * 16 * 16));
        const noised = await ask({ QSample: { t: 10, seed: 1 } }, new Float32Array(64).buffer);
        send({ Generate: { run: 1, settings } });
        send('Pause');
        await hear('Paused');
        send('StepOnce');
        const first = await hear('Frame');
        await hear('Paused');
        const decoded = await ask({ DecodePicture: { run: 1 } }, part(first, 'X0Hat'));
        send('Resume');
        await hear('Done');
        return { encoded: encoded.body.result, noised: noised.body.result, parts: first.body.parts,
                 decoded: decoded.buffers[0].byteLength };
        ",
    );
    assert_eq!(refusal(&said["encoded"]["Err"])[0], "NoEncoder");
    assert_eq!(said["noised"]["Ok"]["QSampled"]["preview"], true);
    assert_eq!(said["noised"]["Ok"]["QSampled"]["image_shape"], serde_json::json!([4, 4]));
    assert_eq!(said["decoded"], 4 * 16 * 16);
    assert!(said["parts"].as_array().is_some_and(|parts| parts.contains(&"X0Hat".into())));
}

#[test]
fn a_gpu_answers_while_a_run_goes_on_as_it_does_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    let app = App::start_with_models("worker_webgpu", Gpu::Software, &[("tiny", folder.path())]);
    let said = talk_on(
        &app,
        "webgpu",
        "tiny",
        "
        const x0 = new Float32Array(64).map((_, i) => Math.cos(i)).buffer;
        const both = () => Promise.all([
            ask({ Trace: { t: 300, class: 1, block: 1 } }, x0), ask({ QSample: { t: 300, seed: 2 } }, x0),
        ]);
        const run = async number => {
            send({ Generate: { run: number, settings: { ...settings, num_inference_steps: 12 } } });
            await hear('Frame');
        };
        const last = () => hear(m => m.kind === 'Frame' && m.body.step === 12);
        await run(1);
        const [trace, noised] = await both();
        const during = heard.every(m => m.kind !== 'Done');
        await hear('Done');
        const disturbed = numbers((await last()).buffers[0]);
        const [traceAlone, noisedAlone] = await both();
        await run(2);
        await hear('Done');
        const alone = numbers((await last()).buffers[0]);
        const apart = (a, b) => Math.max(...a.map((v, i) => Math.abs(v - b[i])));
        const of = answer => answer.buffers.flatMap(numbers);
        return { backend: loaded.body.backend.name, during, run: apart(disturbed, alone),
                 trace: apart(of(trace), of(traceAlone)),
                 noised: apart(numbers(noised.buffers[0]), numbers(noisedAlone.buffers[0])) };
        ",
    );
    assert_eq!((&said["backend"], &said["during"]), (&"WebGPU".into(), &true.into()), "{said}");
    for number in ["run", "trace", "noised"] {
        assert!(said[number].as_f64().is_some_and(|apart| apart < 1e-5), "{number}: {said}");
    }
}
