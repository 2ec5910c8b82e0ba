// Before a script that uses WebGPU: counts its calls, and notes the counts so far and the time whenever a worker says that
// the model is loaded, that a run has started, or posts a frame, or `gpuCalls.note` is called. The notes are told, and begun
// anew, when a worker is sent "noted"; after "idle" all dispatches are of size zero, so that the host's share of the time is
// left.
{
    const counts = {}, noted = [];
    let idle = false;
    const add = (what, number = 1) => counts[what] = (counts[what] ?? 0) + number;
    const before = (type, name, look, after = () => {}) => {
        const of = self[type]?.prototype;
        if (!of) return;
        const real = of[name];
        of[name] = function (...given) {
            const made = real.apply(this, look.apply(this, given) ?? given);
            after(made, ...given);
            return made;
        };
    };
    // Of bind groups, and which one a pass has.
    const bytes = new WeakMap(), bound = new WeakMap();
    const count = (type, what, ...names) => names.forEach(name => before(type, name, () => { add(what); }));
    const dispatched = pass => {
        add('dispatches');
        add('bytes bound', bytes.get(bound.get(pass)) ?? 0);
    };
    before('GPUComputePassEncoder', 'dispatchWorkgroups', function () {
        dispatched(this);
        return idle ? [0, 0, 0] : null;
    });
    before('GPUComputePassEncoder', 'dispatchWorkgroupsIndirect', function () { dispatched(this); });
    before('GPUComputePassEncoder', 'setBindGroup', function (_, group) { bound.set(this, group); });
    const sizeOf = ({ buffer, offset = 0, size }) => size ?? (buffer ? buffer.size - offset : 0);
    before('GPUDevice', 'createBindGroup', () => { add('bind groups'); }, (group, { entries }) =>
        bytes.set(group, entries.reduce((sum, { resource }) => sum + sizeOf(resource), 0)));
    before('GPUDevice', 'createBuffer', ({ size }) => {
        add('bytes of buffers', size);
        counts['largest buffer'] = Math.max(counts['largest buffer'] ?? 0, size);
    });
    before('GPUBuffer', 'destroy', function () { add('bytes of buffers', -this.size); });
    count('GPUDevice', 'pipelines', 'createComputePipeline', 'createComputePipelineAsync');
    count('GPUQueue', 'submits', 'submit');
    count('GPUBuffer', 'read-backs', 'mapAsync');
    before('GPUQueue', 'writeBuffer', (buffer, offset, data, from = 0, size = undefined) => {
        const unit = data.BYTES_PER_ELEMENT ?? 1;
        add('uploads');
        add('bytes uploaded', size === undefined ? data.byteLength - from * unit : size * unit);
    });
    self.gpuCalls = {
        note: () => { noted.push({ at: performance.now(), counts: { ...counts } }); },
        tell: () => noted.splice(0),
        idle: () => { idle = true; },
    };
    const post = self.postMessage.bind(self);
    self.postMessage = (message, ...given) => {
        post(message, ...given);
        if (/^{"(Loaded|Started|Frame)"/.test(message.header)) gpuCalls.note();
    };
    self.addEventListener('message', event => {
        if (event.data === 'idle') gpuCalls.idle();
        else if (event.data !== 'noted') return;
        event.stopImmediatePropagation();
        post({ header: JSON.stringify({ Noted: gpuCalls.tell() }), buffers: [] });
    });
}
