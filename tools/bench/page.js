// Before the page's own scripts: notes when frames of a run arrive, and lets `cargo xtask bench` start runs.
{
    const workers = [];
    let frames = [], wanted = () => {};
    const heard = new Map();
    const hear = (data, stop) => {
        if (typeof data?.header !== "string") return;
        const message = JSON.parse(data.header);
        const [kind, body] = typeof message === "string" ? [message, {}] : Object.entries(message)[0];
        if (kind === "Frame") frames.push({ at: performance.now(), ms: body.ms });
        // Nothing that the page has asked for.
        if (kind === "Noted") stop();
        heard.set(kind, body);
        wanted(kind);
    };
    const Real = self.Worker;
    self.Worker = class extends Real {
        constructor(...given) {
            super(...given);
            workers.push(this);
            this.addEventListener("message", event => hear(event.data, () => event.stopImmediatePropagation()));
        }
    };
    const until = (...kinds) => new Promise((done, fail) => {
        wanted = kind => {
            if (kind === "Failed") fail(Error(JSON.stringify(heard.get(kind))));
            else if (kinds.includes(kind)) done(heard.get(kind));
        };
    });
    const pause = ms => new Promise(done => setTimeout(done, ms));
    const button = () => [...document.querySelectorAll("button")].find(one => one.textContent.includes("Generate"));

    self.bench = {
        // Waits until a run can be started, and says on what it will be.
        async ready() {
            while (!heard.has("Loaded") || !button() || button().disabled) {
                if (heard.has("Failed")) throw Error(JSON.stringify(heard.get("Failed")));
                await pause(50);
            }
            return heard.get("Loaded").backend;
        },
        // A run: the times between the frames of its steps, and those that these frames themselves report. The last frame is
        // the result, which takes no step.
        async run() {
            frames = [];
            const done = until("Done");
            button().click();
            await done;
            const steps = frames.slice(1, -1);
            return { gaps: steps.map((frame, i) => frame.at - frames[i].at), reported: steps.map(frame => frame.ms) };
        },
        // What the worker noted of its calls of WebGPU since it was last asked.
        async calls() {
            const noted = until("Noted");
            workers.at(-1).postMessage("noted");
            return noted;
        },
        idle() {
            workers.at(-1).postMessage("idle");
        },
    };
}
