//! "Measure this device": it starts at a word only, gives a table that can be copied, and leaves the page as it was.

use crate::app::{App, LONG, SHORT};
use crate::server::Fault;
use crate::tiny;
use crate::webdriver::{Gpu, key};
use crate::worker::talk_on;
use serde_json::Value;

/// The rows of the table, cell by cell.
const ROWS: &str = "return [...document.querySelectorAll('.pace-table tbody tr')]
    .map(row => [...row.children].map(cell => cell.innerText.replaceAll('\\n', ' ')))";

impl App {
    fn measured(&self) -> Vec<Vec<String>> {
        serde_json::from_value(self.browser.script(ROWS)).expect("rows of texts")
    }

    /// Leaves only those whose names begin so to be measured.
    pub fn choose_to_measure(&self, names: &[&str]) {
        self.wait("what can be measured", LONG, || {
            let labels = self.browser.script("return document.querySelector('.pace-choices')?.innerText ?? ''");
            names.iter().all(|name| labels.as_str().is_some_and(|all| all.contains(name))).then_some(())
        });
        let count = self.browser.script("return document.querySelectorAll('.pace-choices input').length");
        for i in 0..count.as_u64().expect("a number") {
            let at = format!("const box = document.querySelectorAll('.pace-choices input')[{i}];");
            let label = self.browser.script(&format!("{at} return box.getAttribute('aria-label')"));
            let wanted = names.iter().any(|name| label.as_str().is_some_and(|label| label.starts_with(name)));
            self.browser.script(&format!("{at} if (box.checked !== {wanted}) box.click()"));
        }
    }

    pub fn measure(&self) {
        self.click("button", "Start measuring");
        self.wait_status("Measured.", 2 * LONG);
    }

    fn copied(&self, button: &str) -> String {
        self.browser.script("window.copied = ''");
        self.click("button", button);
        let copied = || self.browser.script("return window.copied").as_str().map(str::to_owned);
        self.wait("what was copied", SHORT, || copied().filter(|text| !text.is_empty()))
    }
}

/// Before the page: what is copied can be looked at.
const CLIPBOARD: &str = "
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: async text => { window.copied = text; } } })";

fn start(name: &'static str, gpu: Gpu) -> App {
    let app = App::start(name, gpu);
    app.before_pages(CLIPBOARD);
    app
}

/// The number that a cell begins with.
fn number(cell: &str) -> f64 {
    let number = cell.trim_start_matches("≈ ").split(' ').next().and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("no number: {cell}"))
}

#[test]
fn a_measuring_ends_in_a_table_that_is_copied_and_leaves_the_page_as_it_was() {
    // Long: one visit.
    let app = start("pace", Gpu::None);
    app.open_ready("backend=cpu&steps=4&seed=5");
    app.generate();
    let before = app.picture();
    app.click("button", "Measure this device");
    app.expect("dialog", "Measure this device");
    app.choose_to_measure(&["Fashion:"]);
    app.measure();
    let rows = app.measured();
    assert!(rows.len() == 1 && rows[0].len() == 5 && rows[0][0].starts_with("Fashion f32"), "{rows:?}");
    let [step, gflops, gigabytes, first] = [1, 2, 3, 4].map(|i| number(&rows[0][i]));
    assert!(step > 0.0 && gflops > 0.0 && gigabytes > 0.0 && first > 0.0, "{rows:?}");

    let json: Value = serde_json::from_str(&app.copied("Copy as JSON")).expect("JSON");
    let row = &json["rows"][0];
    assert_eq!((&json["backend"], &row["model"], &row["weights"]), (&"CPU".into(), &"Fashion".into(), &"f32".into()));
    let told = row["step_ms"].as_f64().expect("a number");
    assert!((told - step).abs() < 0.01 * step, "{told} ms in JSON, {step} in the table");
    let [flops, workers] = ["gflop_a_step", "workers"].map(|field| row[field].as_f64().expect("a number"));
    assert!((gflops - flops / told * 1000.0).abs() < 0.02 * gflops && workers >= 1.0, "{row}");
    let has = |field: &str, part: &str| json[field].as_str().is_some_and(|text| text.contains(part));
    assert!(has("browser", "Chrom") && has("build", "app") && has("date", "T") && has("adapter", "flex"), "{json}");
    let table = app.copied("Copy the table");
    assert!(table.contains("\n| Fashion (f32") && table.contains("| ---: |") && table.contains("CPU: "), "{table}");
    assert_eq!(app.copied("Copy a link to this"), format!("{}/?bench=1&backend=cpu", app.server.origin()));

    // Where the browser refuses to copy, the text is there.
    app.browser.script("navigator.clipboard.writeText = async () => { throw new Error('refused') }");
    app.click("button", "Copy the table");
    app.wait("the text to be copied by hand", SHORT, || app.text().contains("| Fashion (f32").then_some(()));

    app.browser.press(key::ESCAPE);
    app.wait("the end of the dialog", SHORT, || app.find("dialog", "Measure this device").is_none().then_some(()));
    assert!(app.picture() == before && app.text().contains("Fashion"), "what the visitor had made is there");
    app.generate();
    assert!(app.picture() == before, "the same settings");
}

#[test]
fn an_address_opens_it_and_nothing_starts() {
    let app = start("pace_address", Gpu::None);
    app.open("backend=cpu&bench=1");
    app.expect("dialog", "Measure this device");
    app.wait_ready();
    app.choose_to_measure(&["Fashion:"]);
    app.expect("button", "Start measuring");
    assert!(app.measured().is_empty() && app.find("button", "Stop measuring").is_none());
    let is_inside = "return document.querySelector('#measure').contains(document.activeElement)";
    assert_eq!(app.browser.script(is_inside), true, "the focus is in the panel");
}

#[test]
fn what_cannot_be_fetched_is_a_row_with_its_reason_and_stopping_ends_it() {
    let app = start("pace_failure", Gpu::None);
    app.server.break_file("emoji/config.json", Fault::Missing);
    app.open_ready("backend=cpu&bench=1&steps=2");
    app.choose_to_measure(&["Fashion:", "Emoji"]);
    app.measure();
    let rows = app.measured();
    assert!(rows.len() == 2 && rows[0].len() == 5 && number(&rows[0][1]) > 0.0, "{rows:?}");
    assert!(rows[1].len() == 2 && rows[1][1].contains("404") && rows[1][1].contains("emoji"), "{rows:?}");

    app.server.break_file(".safetensors", Fault::Slow);
    app.choose_to_measure(&["Avatars"]);
    app.click("button", "Start measuring");
    app.wait_status("loading", LONG);
    app.screenshot("pace_loading");
    app.click("button", "Stop measuring");
    app.wait_status("Stopped", SHORT);
    app.server.heal();
    assert!(app.measured().is_empty(), "nothing was measured");
    // Closing it ends it, too.
    app.choose_to_measure(&["Fashion:"]);
    app.click("button", "Start measuring");
    app.expect("button", "Stop measuring");
    app.browser.press(key::ESCAPE);
    app.wait("the end of the dialog", SHORT, || app.find("dialog", "Measure this device").is_none().then_some(()));
    app.generate();
    app.click("button", "Measure this device");
    app.wait_status("Stopped", SHORT);
}

#[test]
fn on_the_cpu_the_largest_model_is_extrapolated_and_said_to_be() {
    let app = start("pace_xl2", Gpu::None);
    app.open_ready("backend=cpu&bench=1");
    app.choose_to_measure(&["DiT-XL/2"]);
    app.measure();
    let rows = app.measured();
    assert!(rows.len() == 1 && rows[0].len() == 5, "{rows:?}");
    assert!(rows[0][0].contains("extrapolated from 2 and 4 of 28 blocks") && rows[0][1].starts_with('≈'), "{rows:?}");
    let json: Value = serde_json::from_str(&app.copied("Copy as JSON")).expect("JSON");
    let from = &json["rows"][0]["extrapolated"]["from"];
    let ms = |i: usize| from[i]["ms"].as_f64().expect("a number");
    let whole = ms(0) + 13.0 * (ms(1) - ms(0));
    let told = json["rows"][0]["step_ms"].as_f64().expect("a number");
    assert!((told - whole).abs() < 0.001 * whole && json["rows"][0]["first_picture_ms"].is_null(), "{json}");
    println!("DiT-XL/2 here: {json:#}");
}

#[test]
fn on_webgpu_it_measures_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    let app = App::start_with_models("pace_webgpu", Gpu::Software, &[("tiny", folder.path())]);
    app.before_pages(CLIPBOARD);
    app.open_ready("backend=webgpu&model=tiny&bench=1");
    app.choose_to_measure(&["Tiny"]);
    app.measure();
    let json: Value = serde_json::from_str(&app.copied("Copy as JSON")).expect("JSON");
    assert_eq!((&json["backend"], &json["rows"][0]["backend"]), (&"WebGPU".into(), &"WebGPU".into()), "{json}");
    assert!(json["rows"][0]["step_ms"].as_f64() > Some(0.0), "{json}");
    assert_eq!(app.copied("Copy a link to this"), format!("{}/?bench=1&backend=webgpu", app.server.origin()));
}

/// The worker by itself: a model of any shape with random weights runs on either device, and nonsense is refused.
#[test]
fn a_model_of_random_weights_runs_on_either_device() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    for (gpu, backend, device) in [(Gpu::None, "cpu", "CPU"), (Gpu::Software, "webgpu", "WebGPU")] {
        let app = App::start_with_models("pace_random", gpu, &[("tiny", folder.path())]);
        let said = talk_on(
            &app,
            backend,
            "tiny",
            &"
            const shape = { sample_size: 8, patch_size: 2, in_channels: 4, hidden_size: 32, depth: 2, num_heads: 2, num_classes: 5,
                            learn_sigma: true };
            const load = async transformer => {
                send({ LoadRandom: { transformer, backend: 'BACKEND' } });
                return (await hear(m => m.kind === 'Loaded' || m.kind === 'Failed')).body;
            };
            const refused = [await load('{}'), await load(JSON.stringify({ ...shape, hidden_size: 33 }))];
            const made = await load(JSON.stringify(shape));
            send({ Generate: { run: 1, settings } });
            const frame = await hear(m => m.kind === 'Frame' && m.body.step === 5);
            await hear('Done');
            const x0 = numbers(part(frame, 'X0Hat'));
            return { device: made.backend.name, dtype: made.weights.dtype, parameters: made.num_parameters,
                     refused: refused.map(m => m.why.reason), finite: x0.every(Number.isFinite), some: x0.some(x => x !== 0),
                     shared: heard.filter(m => m.kind === 'Shared').length };
            "
            .replace("BACKEND", backend),
        );
        assert_eq!((&said["device"], &said["dtype"]), (&device.into(), &"f32".into()), "{said}");
        assert_eq!((&said["refused"][0], &said["refused"][1]), (&"Message".into(), &"BadFile".into()), "{said}");
        assert_eq!(
            (&said["finite"], &said["some"], &said["shared"]),
            (&true.into(), &true.into(), &0.into()),
            "{said}"
        );
        assert!(said["parameters"].as_u64() > Some(20_000), "{said}");
    }
}
