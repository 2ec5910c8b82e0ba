//! Training in the tab: it begins, its loss falls, samples come, it waits and goes on, a reload keeps it, and its model is the
//! page's.

use crate::app::{App, LONG, SHORT};
use crate::server::Fault;
use crate::webdriver::{Gpu, key};
use burn::tensor::Device;
use ditscope_model_dir as model_dir;
use std::io::Read;

impl App {
    /// The smoothed loss and the step, as the plot says them.
    fn loss(&self) -> Option<(f64, usize)> {
        let script = "return document.querySelector('.training-loss [role=img]')?.getAttribute('aria-label') ?? ''";
        let said = self.browser.script(script);
        let said = said.as_str()?.strip_prefix("Loss over the steps: ")?;
        let (loss, step) = said.split_once(" on average at step ")?;
        Some((loss.parse().ok()?, step.parse().ok()?))
    }

    fn step(&self) -> usize {
        self.loss().map_or(0, |(_, step)| step)
    }

    fn choose_in(&self, list: &str, value: &str) {
        let element = self.expect("combobox", list);
        let script = format!(
            "const [list] = arguments; list.value = '{value}'; list.dispatchEvent(new Event('change', {{ bubbles: true }}))"
        );
        self.browser.try_script(&script, &[&element]).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Opens the part, with what it learns from.
    fn set_up(&self) {
        self.open("backend=cpu&view=train");
        self.wait("what it learns from", LONG, || self.text().contains("It learns from").then_some(()));
    }

    /// Goes on with what is kept, and beyond this step.
    fn go_on_after_a_reload(&self, step: usize) {
        self.open("backend=cpu&view=train");
        self.wait("what was kept", LONG, || self.text().contains("kept from before: Fashion,").then_some(()));
        self.click("button", "Go on with it");
        self.wait("the same training, further", LONG, || (self.step() > step).then_some(()));
    }

    /// Opens the part, and begins with small steps.
    fn train(&self) {
        self.set_up();
        self.choose_in("Batch", "16");
        self.click("button", "Start training");
        self.wait_status("It learns.", LONG);
    }
}

#[test]
fn it_learns_waits_is_kept_and_is_used() {
    // Long: one training, which is followed to its use.
    let app = App::start("training", Gpu::None);
    app.train();
    let first = app.wait("a loss", LONG, || app.loss().filter(|(_, step)| *step >= 2));
    app.wait("a smaller one", LONG, || app.loss().filter(|(loss, _)| *loss < 0.85 * first.0));
    app.wait("exercises", LONG, || (app.browser.find_all(".training-row canvas").ok()?.len() == 9).then_some(()));
    app.wait("samples of several moments", LONG, || (app.slider("Moment", "max") >= 5.0).then_some(()));

    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);
    app.expect("img", &format!("Bag, drawn after step {}", app.text_of_moment()));
    let held = app.step();
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert_eq!(app.step(), held, "it waits");
    // The film is looked through.
    app.focus("slider", "Moment");
    app.browser.press(key::HOME);
    app.expect("img", "Bag, drawn after step 0");
    app.browser.press(key::RIGHT);
    app.expect("img", "Bag, drawn after step 1");
    app.browser.press(key::END);
    app.click("button", "Go on");
    app.wait("more steps", LONG, || (app.step() > held).then_some(()));
    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);
    let (step, rows) = (app.step(), app.slider("Moment", "max"));

    // Another part of the page, and back.
    app.click("tab", "Findings");
    app.wait("the findings", LONG, || app.text().contains("What conditioning does").then_some(()));
    app.click("tab", "Train");
    app.wait("the same training", SHORT, || (app.step() == step).then_some(()));

    app.go_on_after_a_reload(step);
    assert!(app.slider("Moment", "max") >= rows, "with its film");
    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);

    app.click("button", "Download");
    let file = app.wait("the model as a file", LONG, || app.downloaded("zip").into_iter().next());
    let folder = tempfile::tempdir().expect("a temporary folder");
    unpack(&std::fs::read(&file).expect("a file"), folder.path());
    let model = model_dir::load(&folder.path().join("ditscope-trained"), &Device::flex()).expect("a model's folder");
    assert_eq!((model.config.labels.len(), model.config.transformer.hidden_size), (10, 96));

    app.click("button", "Use this model");
    app.wait("another model", LONG, || app.text().contains("Fashion (own training)").then_some(()));
    app.wait_ready();
    app.generate();
}

/// It learns, waits, and goes on after a reload.
pub fn is_kept_over_a_reload(app: &App) {
    app.train();
    app.wait("some steps", LONG, || (app.step() >= 2).then_some(()));
    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);
    let step = app.step();
    app.go_on_after_a_reload(step);
}

#[test]
fn it_goes_back_to_a_checkpoint_and_takes_the_curve_along() {
    let app = App::start("training_back", Gpu::None);
    app.train();
    app.wait("some steps", LONG, || (app.step() >= 6).then_some(()));
    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);
    app.browser.script("document.querySelector('.training-more').open = true");
    app.choose_in("Checkpoint", "0");
    app.click("button", "Go back to it");
    app.wait("the beginning", LONG, || (app.step() == 0 && app.slider("Moment", "max") == 0.0).then_some(()));
    app.choose_in("Learning rate", "0.005");
    app.click("button", "Go on");
    app.wait("steps from there", LONG, || (app.step() > 0).then_some(()));
    app.click("button", "End and set up another");
    app.expect("button", "Start training");
    app.wait("a word on what is kept", SHORT, || app.text().contains("A training is kept").then_some(()));
}

#[test]
fn what_is_missing_is_said() {
    let app = App::start("training_missing", Gpu::None);
    app.server.break_file("latents.json", Fault::Missing);
    app.open("backend=cpu&view=train");
    app.wait("a word on it", LONG, || app.text().contains("comes without training pictures").then_some(()));
    let start = app.expect("button", "Start training");
    assert!(!app.browser.is_enabled(&start).expect("a button"), "nothing to begin with");
    app.server.heal();
    app.server.break_file("latents.bin", Fault::Truncated);
    app.train_fails("The training cannot go on");
    app.server.heal();
    app.server.break_file(&trainer_file(), Fault::Missing);
    app.train_fails("The trainer has stopped");
}

impl App {
    fn train_fails(&self, words: &str) {
        self.set_up();
        self.click("button", "Start training");
        self.wait(words, LONG, || self.failure().contains(words).then_some(()));
        self.expect("button", "Start training");
    }

    /// The step of the pictures that are shown.
    fn text_of_moment(&self) -> String {
        let script = "return document.querySelector('.training-film input').getAttribute('aria-valuetext')";
        let words = self.browser.script(script);
        let words = words.as_str().expect("a text").trim_start_matches("step ").to_owned();
        words.split(',').next().expect("a step").replace('\u{202f}', "")
    }
}

/// The name of the script that starts the trainer.
fn trainer_file() -> String {
    let files = std::fs::read_dir(crate::app::dist()).expect("the app").flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    names.into_iter().find(|name| name.starts_with("trainer") && name.ends_with("_loader.js")).expect("a trainer")
}

fn unpack(bytes: &[u8], folder: &std::path::Path) {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip");
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).expect("an entry");
        let path = folder.join(entry.enclosed_name().expect("a plain name"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let mut content = vec![];
        entry.read_to_end(&mut content).expect("its bytes");
        std::fs::write(path, content).expect("a file");
    }
}

/// The same batches, so the same losses, as far as another processor rounds alike.
#[test]
fn on_the_graphics_card_it_learns_the_same() {
    let app = App::start("training_gpu", Gpu::Software);
    let begin = |device: &str| {
        app.set_up();
        app.choose_in("It computes on", device);
        app.choose_in("Batch", "16");
        app.click("button", "Start training");
        app.wait_status("It learns.", LONG);
    };
    begin("cpu");
    app.wait("some steps", LONG, || (app.step() >= 2).then_some(()));
    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);
    let (expected, step) = app.loss().expect("a loss");
    begin("gpu");
    // In software each of its steps takes long enough to be seen.
    let found = app.wait("as many steps", LONG, || app.loss().filter(|(_, at)| *at >= step));
    assert_eq!(found.1, step, "no step went by unseen");
    assert!((found.0 - expected).abs() < 2e-3 * expected, "{} instead of {expected}", found.0);
    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);

    // What is kept of it goes on where it was.
    app.go_on_after_a_reload(step);
    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);
    app.click("button", "Use this model");
    app.wait("another model", LONG, || app.text().contains("Fashion (own training)").then_some(()));
    app.wait_ready();
}

#[test]
fn without_a_graphics_card_that_is_said() {
    let app = App::start("training_no_gpu", Gpu::None);
    app.set_up();
    app.choose_in("It computes on", "gpu");
    app.click("button", "Start training");
    app.wait("a word on it", LONG, || app.failure().contains("The training cannot go on").then_some(()));
    app.choose_in("It computes on", "cpu");
    app.click("button", "Start training");
    app.wait_status("It learns.", LONG);
}

#[test]
fn a_second_tab_trains_beside_the_first_and_says_that_it_keeps_nothing() {
    let app = App::start("training_twice", Gpu::None);
    app.train();
    app.wait("some steps", LONG, || (app.step() >= 2).then_some(()));
    app.browser.script("window.other = window.open(location.pathname + '?backend=cpu&view=train')");
    let other = |script: &str| app.browser.script(&format!("const page = window.other.document; {script}"));
    let press = |name: &str| {
        let script = format!(
            "const button = [...page.querySelectorAll('button')].find(b => b.textContent === {name:?} && !b.disabled && b.offsetParent);
            button?.click(); return !!button"
        );
        app.wait(name, LONG, || (other(&script) == true).then_some(()));
    };
    press("Start training");
    let says = |words: &str| {
        let script = format!("return page.body?.textContent.includes({words:?}) ?? false");
        app.wait(words, LONG, || (other(&script) == true).then_some(()));
    };
    says("It learns.");
    says("Another tab of this page keeps its training");
    // What the first has kept is still there.
    app.browser.script("window.other.close()");
    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);
    let step = app.step();
    app.go_on_after_a_reload(step);
}
