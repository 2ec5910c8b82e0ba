//! Models by address that mean harm, and servers and workers that do not answer.

use crate::app::{App, LONG, SHORT, worker_file};
use crate::server::{Fault, Server};
use crate::tiny;
use crate::webdriver::Gpu;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const CONFIG: &str = "guest/config.json";
const INDEX: &str = "guest/model.safetensors.index.json";
const SHARD: &str = "guest/model-00001-of-00001.safetensors";

/// In a program whose waits are over soon, the long ones.
const IMPATIENT: &str = "{
    const later = self.setTimeout;
    self.setTimeout = (task, ms, ...rest) => later(task, ms >= 10000 ? 500 : ms, ...rest);
}";

/// The app with a small model of another's, and the folder of that.
fn guest(name: &'static str) -> (App, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    (App::start_with_models(name, Gpu::None, &[("guest", folder.path())]), folder)
}

fn change(file: PathBuf, change: impl FnOnce(&mut Value)) {
    let text = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut json = serde_json::from_slice(&text).expect("JSON");
    change(&mut json);
    std::fs::write(&file, json.to_string()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

impl App {
    /// Opens the guest and waits until the page has said why it cannot be used.
    fn fails_with(&self, named: &[&str]) {
        self.open("backend=cpu&steps=2&model=guest");
        self.wait_status("Failed", LONG);
        let failure = self.failure();
        assert!(named.iter().all(|word| failure.contains(word)), "{named:?} in: {failure}");
        assert!(failure.len() < 2000, "a message of {} bytes", failure.len());
    }
}

#[test]
fn files_that_never_end_and_lead_nowhere_are_named() {
    let (app, _folder) = guest("hostile_files");
    for (file, fault, named) in [
        (CONFIG, Fault::Endless, ["config.json", "16777216"]),
        (INDEX, Fault::Endless, ["index.json", "16777216"]),
        (SHARD, Fault::Endless, ["safetensors", " B"]),
        (CONFIG, Fault::Circle, ["config.json", "connection"]),
        (SHARD, Fault::Circle, ["safetensors", "connection"]),
    ] {
        app.server.break_file(file, fault);
        app.fails_with(&named);
        app.server.heal();
    }
    app.click("button", "Retry");
    app.wait_ready();
    app.generate();
}

#[test]
fn descriptions_out_of_all_measure_are_refused() {
    let (app, folder) = guest("hostile_sizes");
    let config = folder.path().join("config.json");
    for field in ["/name", "/license", "/labels/1"] {
        change(config.clone(), |json| *json.pointer_mut(field).expect(field) = "x".repeat(1 << 20).into());
        app.fails_with(&["1048576 characters"]);
        change(config.clone(), |json| *json.pointer_mut(field).expect(field) = "short".into());
    }
    change(config.clone(), |json| json["labels"][1] = "\u{202e}gnp.exe".into());
    app.fails_with(&["U+202E"]);
    change(config.clone(), |json| json["labels"][1] = "short".into());
    let (index, shards) = (folder.path().join("model.safetensors.index.json"), "/metadata/shards");
    let whole = std::fs::read(&index).expect("the index");
    change(index.clone(), |json| {
        let all = json.pointer_mut(shards).and_then(Value::as_object_mut).expect("shards");
        all.extend((0..200_000).map(|i| (format!("{i}.safetensors"), json!({ "size": 1, "sha256": "0" }))));
    });
    app.fails_with(&["200001 shards", "4096"]);
    assert_eq!(app.server.requests(".safetensors"), 0, "a shard was fetched");
    std::fs::write(&index, whole).expect("the index");
    app.click("button", "Retry");
    app.wait_ready();
}

#[test]
fn html_in_names_labels_and_licences_is_text() {
    let (app, folder) = guest("hostile_html");
    let image = "<img src=x onerror=\"window.harmed=1\">";
    change(folder.path().join("config.json"), |json| {
        json["name"] = format!("<b>{image}</b>").into();
        json["labels"][0] = image.into();
        json["labels"][1] = "\u{200b}".into();
        json["license"] = format!("<a href=\"javascript:window.harmed=1\">CC-BY-NC</a>{image}").into();
    });
    app.open_ready("backend=cpu&steps=2&class=0&model=guest");
    app.generate();
    assert!(app.text().contains(image), "the label is shown as it is");
    app.click("button", "Save as…");
    app.expect("dialog", "Save and share");
    app.browser.press("\u{E00C}");
    let harm =
        "return [window.harmed === undefined, document.querySelectorAll('img[src=x], a[href^=javascript]').length]";
    assert_eq!(app.browser.script(harm), json!([true, 0]));
}

#[test]
fn a_line_on_which_nothing_comes_is_said_to_be_silent() {
    let (app, _folder) = guest("hostile_silence");
    for (file, fault, named) in [
        (CONFIG, Fault::Unanswered, "config.json"),
        (INDEX, Fault::Stalled, "index.json"),
        (SHARD, Fault::Stalled, "safetensors"),
    ] {
        app.server.break_file(&worker_file("_loader.js"), Fault::Before(IMPATIENT));
        app.server.break_file(file, fault);
        app.fails_with(&[named, "nothing came for 60 seconds"]);
        app.server.heal();
    }
    app.click("button", "Retry");
    app.wait_ready();
}

#[test]
fn an_address_that_may_not_be_read_is_named_as_such() {
    let (app, folder) = guest("hostile_address");
    let elsewhere = Server::start(vec![("/guest/".into(), folder.path().to_owned())]);
    let parameters = format!("backend=cpu&model={}/guest", elsewhere.origin());
    app.open(&parameters);
    app.wait_status("Failed", LONG);
    assert!(app.failure().contains("CORS") && app.failure().contains("config.json"), "{}", app.failure());
    app.server.add_header("content-security-policy", "connect-src 'self'");
    app.open(&parameters);
    app.wait_status("Failed", LONG);
    assert!(app.failure().contains("content security policy"), "{}", app.failure());
}

#[test]
fn a_worker_that_hangs_is_replaced_at_cancel() {
    let (app, _folder) = guest("hostile_worker");
    let hangs = "{
        const post = self.postMessage;
        self.postMessage = (message, ...rest) => {
            post.call(self, message, ...rest);
            if (message.header?.startsWith('{\"Frame\"') && JSON.parse(message.header).Frame.step === 2) for (;;);
        };
    }";
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(hangs));
    app.before_pages(IMPATIENT);
    app.open_ready("backend=cpu&steps=20&model=guest");
    app.server.heal();
    app.click("button", "Generate");
    app.wait("the second step", SHORT, || app.text().contains("step 2/20").then_some(()));
    app.click("button", "Cancel");
    app.wait_status("Cancelled", SHORT);
    assert!(app.notices().contains("did not answer"), "{}", app.notices());
    app.wait("the run's own frames", SHORT, || (app.slider("Timeline", "max") >= 2.0).then_some(()));
    app.wait("the model again", LONG, || app.find("button", "Cancel loading").is_none().then_some(()));
    app.generate();
}

#[test]
fn a_worker_that_is_late_is_said_to_be() {
    let app = App::start("hostile_late", Gpu::None);
    app.before_pages(IMPATIENT);
    app.server.break_file(&worker_file("_bg.wasm"), Fault::Unanswered);
    app.open("backend=cpu");
    app.wait("a word about it", SHORT, || app.notices().contains("still on its way").then_some(()));
}

#[test]
fn a_browser_that_never_offers_its_graphics_card_computes_on_the_cpu() {
    let app = App::start("hostile_adapter", Gpu::Software);
    let hangs = format!("{IMPATIENT} GPU.prototype.requestAdapter = () => new Promise(() => {{}});");
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(hangs.leak()));
    app.open_ready("steps=2");
    assert!(app.notices().contains("CPU computes instead"), "{}", app.notices());
    app.generate();
}

#[test]
fn two_folders_of_one_name_are_two_models() {
    let parents = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let [first, second] = parents.each_ref().map(|parent| parent.path().join("guest"));
    tiny::write(&first);
    tiny::write_heavy(&second);
    let app = App::start("hostile_folders", Gpu::None);
    app.open_ready("backend=cpu&steps=2");
    for (folder, name) in [(&first, "Tiny"), (&second, "Heavy")] {
        choose_folder(&app, folder);
        app.click("button", &app.wait("its button", SHORT, || app.button_that_starts("Use", name)));
        app.wait("the model in use", LONG, || {
            app.button_that_starts("Model", "").filter(|model| model.contains(name))?;
            app.button_that_starts("Cancel", "").is_none().then_some(())
        });
        app.generate();
    }
    // What was changed since it was chosen is not what was chosen.
    choose_folder(&app, &first);
    let button = app.wait("its button", SHORT, || app.button_that_starts("Use", "Tiny"));
    std::fs::write(first.join("model-00001-of-00001.safetensors"), "other").expect("a file");
    app.click("button", &button);
    app.wait_status("Failed", LONG);
    assert!(app.failure().contains("model-00001"), "{}", app.failure());
}

/// As the button does, before it opens the system's dialog, which no test can use.
fn choose_folder(app: &App, folder: &Path) {
    app.click("button", &app.button_that_starts("Model", "").expect("the model's button"));
    app.expect("dialog", "Models");
    let input = app.wait("the field for files", SHORT, || app.browser.find_all("input[type=file]").ok()?.pop());
    app.browser.script("document.querySelector('input[type=file]').webkitdirectory = true");
    app.browser.type_into(&input, &folder.display().to_string());
}
