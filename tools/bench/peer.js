// onnxruntime-web at the steps of a run, the way it is fastest: a whole guided step with its picture is one graph, which
// tools/export_onnx.py makes; on WebGPU the graph is recorded once and replayed, and all that is read comes back at once.
// peer.html?backend=wasm|webgpu&threads=1&pictures=1&capture=1 beside step-1.onnx, with the app at /app/.

const parameters = new URLSearchParams(location.search);
const number = (name, usual) => Number(parameters.get(name) ?? usual);
const [backend, pictures] = [parameters.get("backend"), number("pictures", 1)];
const isGpu = backend === "webgpu";
const app = "/app/assets";

const ort = await import(`./onnxruntime-web/${isGpu ? "ort.webgpu" : "ort.wasm"}.min.mjs`);
ort.env.wasm.wasmPaths = new URL("./onnxruntime-web/", location.href).href;
ort.env.wasm.numThreads = number("threads", 1);

// ---- The run that is repeated: the recorded one of the shipped model

const fetched = async path => {
    const answer = await fetch(path);
    if (!answer.ok) throw Error(`${path}: ${answer.status}`);
    return answer;
};
const run = await (await fetched(`${app}/runs/fashion/run.json`)).json();
const recorded = await (await fetched(`${app}/runs/fashion/run.bin`)).arrayBuffer();
const config = await (await fetched(`${app}/models/fashion/config.json`)).json();
const { info } = run;
const latent = info.latent_shape.reduce((a, b) => a * b);
const channels = config.autoencoder.in_channels;
const pixels = channels * info.image_shape.reduce((a, b) => a * b);
const repeat = values => Float32Array.from({ length: pictures * values.length }, (_, i) => values[i % values.length]);
// Before a step: a frame has four parts like the latents, which come first, and the picture, 4 bytes a pixel.
const before = step => repeat(new Float32Array(recorded, step * 4 * (4 * latent + pixels / channels), latent));
const start = before(0);
if (config.scheduler.prediction_type !== "v_prediction") throw Error("factors are known for v-prediction only");

// The single numbers of step i, as tools/export_onnx.py names them: a DDIM step.
const factors = info.timesteps.map((t, i) => {
    const [[signal, noise], [nextSignal, nextNoise]] =
        [info.alpha_bar[i], info.alpha_bar[i + 1] ?? 1].map(value => [Math.sqrt(value), Math.sqrt(1 - value)]);
    return {
        t, guidance: info.settings.guidance_scale, x0_x: signal, x0_out: -noise,
        next_x: nextNoise / noise, next_x0: nextSignal - signal * nextNoise / noise,
    };
});
const classes = Int32Array.from({ length: 2 * pictures }, (_, i) =>
    i < pictures ? info.settings.class : config.transformer.num_classes);
const shapes = {
    x: [pictures, ...info.latent_shape], y: [2 * pictures], picture: [pictures, channels, ...info.image_shape],
};

// ---- A step on the CPU

async function onCpu() {
    const session = await ort.InferenceSession.create(`step-${pictures}.onnx`, {
        executionProviders: ["wasm"], graphOptimizationLevel: "all",
    });
    const tensor = (values, dims = [values.length]) =>
        new ort.Tensor(values instanceof Int32Array ? "int32" : "float32", values, dims);
    return async (x, step) => {
        const given = { x: tensor(x, shapes.x), y: tensor(classes) };
        for (const [name, value] of Object.entries(step)) given[name] = tensor(Float32Array.of(value));
        const { next, picture } = await session.run(given);
        await picture.getData();
        return next.getData();
    };
}

// ---- A step on the GPU

async function onGpu() {
    const session = await ort.InferenceSession.create(`step-${pictures}.onnx`, {
        executionProviders: [{ name: "webgpu", validationMode: "disabled" }],
        graphOptimizationLevel: "all", enableGraphCapture: number("capture", 1) === 1, preferredOutputLocation: "gpu-buffer",
    });
    const device = await ort.env.webgpu.device;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffers = {};
    const tensor = (name, dims, dataType = "float32") => {
        const size = 4 * dims.reduce((a, b) => a * b);
        buffers[name] = device.createBuffer({ size: Math.max(16, size), usage });
        return ort.Tensor.fromGpuBuffer(buffers[name], { dataType, dims });
    };
    const given = { x: tensor("x", shapes.x), y: tensor("y", shapes.y, "int32") };
    for (const name of Object.keys(factors[0])) given[name] = tensor(name, [1]);
    const made = { next: tensor("next", shapes.x), picture: tensor("picture", shapes.picture) };
    const sizes = [4 * pictures * latent, 4 * pictures * pixels];
    const staging = device.createBuffer({
        size: sizes[0] + sizes[1], usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    device.queue.writeBuffer(buffers.y, 0, classes);
    let last = null;
    return async (x, step) => {
        // Where the step before has left its result, it is there already.
        if (x !== last) device.queue.writeBuffer(buffers.x, 0, x);
        for (const [name, value] of Object.entries(step)) device.queue.writeBuffer(buffers[name], 0, Float32Array.of(value));
        await session.run(given, made);
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(buffers.next, 0, buffers.x, 0, sizes[0]);
        encoder.copyBufferToBuffer(buffers.next, 0, staging, 0, sizes[0]);
        encoder.copyBufferToBuffer(buffers.picture, 0, staging, sizes[0], sizes[1]);
        device.queue.submit([encoder.finish()]);
        await staging.mapAsync(GPUMapMode.READ);
        last = new Float32Array(staging.getMappedRange().slice(0));
        staging.unmap();
        last = last.subarray(0, pictures * latent);
        return last;
    };
}

// ---- What is asked for

const step = isGpu ? await onGpu() : await onCpu();
let [x, at] = [start, 0];

async function steps(count) {
    const times = [];
    for (let i = 0; i < count; i++, at++) {
        if (at === factors.length) [x, at] = [start, 0];
        const began = performance.now();
        x = await step(x, factors[at]);
        times.push(performance.now() - began);
        gpuCalls.note();
    }
    return times;
}

self.peer = {
    steps,
    // Takes the last steps of the recorded run, and says by how much the result is another, relative to the largest number.
    async difference(count) {
        at = factors.length - count;
        x = before(at);
        await steps(count);
        const expected = before(factors.length);
        const largest = values => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        return largest(x.map((value, i) => value - expected[i])) / largest(expected);
    },
    calls: gpuCalls.tell,
    idle: gpuCalls.idle,
    threads: ort.env.wasm.numThreads,
    isolated: crossOriginIsolated,
};
