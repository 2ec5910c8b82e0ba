//! The page without a network, and after an update.

use crate::app::{App, LONG, SHORT, worker_file};
use crate::webdriver::Gpu;
use serde_json::json;

impl App {
    /// Opens the page and waits until it says that it works without a network.
    pub fn open_kept(&self, parameters: &str) {
        self.open_ready(parameters);
        self.wait("the page to be kept", LONG, || {
            let ready = "return document.documentElement.hasAttribute('data-offline')";
            (self.browser.script(ready) == json!(true)).then_some(())
        });
    }
}

#[test]
fn a_second_visit_needs_no_network() {
    let app = App::start("offline", Gpu::None);
    if !dist_works_offline() {
        return;
    }
    app.server.let_work_offline();
    app.open_kept("backend=cpu&class=1&steps=3&seed=12");
    app.generate();
    let picture = app.picture();
    assert!(app.text().contains("works without a network"), "{}", app.text());

    app.server.be_gone(true);
    app.open_ready("backend=cpu&class=1&steps=3&seed=12");
    app.generate();
    assert_eq!(app.picture(), picture, "the same run from kept files and weights");
    for (tab, there) in [
        ("Compare", "Guidance scales"),
        ("Forward process", "Denoise from here"),
        ("Inside", "Null label"),
        ("Findings", "What conditioning does"),
    ] {
        app.click("tab", tab);
        app.wait(there, LONG, || app.text().contains(there).then_some(()));
    }
    app.browser.press("u");
    app.wait("the tour", LONG, || app.text().contains("1 of 13").then_some(()));
    app.open("");
    app.wait("the recorded run", LONG, || app.text().contains("Recorded").then_some(()));
}

#[test]
fn a_newer_build_is_said_and_never_mixed() {
    let app = App::start("offline_update", Gpu::None);
    if !dist_works_offline() {
        return;
    }
    app.server.let_work_offline();
    app.open_kept("backend=cpu&steps=3");
    // The server gets another build: here the same files under another name of the whole.
    let script = std::fs::read_to_string(crate::app::dist().join("sw.js")).expect("sw.js");
    let build = script.split("BUILD = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a build");
    app.server.rename(build, "0123456789abcdef");
    app.browser.script("return navigator.serviceWorker.getRegistration().then(r => r.update()).then(() => true)");
    let shown = "const e = document.querySelector('.updated'); return e && getComputedStyle(e).display !== 'none'";
    app.wait("a word about it", LONG, || (app.browser.script(shown) == json!(true)).then_some(()));
    let caches = || {
        app.browser
            .script("return caches.keys().then(names => names.filter(n => n.startsWith('ditscope-page')).sort())")
    };
    assert_eq!(caches().as_array().map(Vec::len), Some(2), "each build has its own");
    let before = app.server.requests(&worker_file("_loader.js"));
    app.browser.reload();
    app.wait_ready();
    let named = "return document.querySelector('meta[name=build]').content";
    assert_eq!(
        app.browser.script(named),
        json!("0123456789abcdef"),
        "the page comes from the server where there is one"
    );
    assert_eq!(app.server.requests(&worker_file("_loader.js")), before, "what did not change is kept");
}

/// `trunk build` makes none.
fn dist_works_offline() -> bool {
    let works = crate::app::dist().join("sw.js").is_file();
    if !works {
        println!("LEFT OUT: the page in dist has no sw.js; 'cargo xtask build' writes it");
    }
    works
}

/// In a private window, or where storage is refused, the page is as before.
#[test]
fn without_storage_the_page_works_and_says_nothing() {
    let app = App::start("offline_refused", Gpu::None);
    app.server.let_work_offline();
    let refuse = "Object.defineProperty(window, 'caches', { get() { throw new DOMException('no', 'SecurityError'); } });
        Object.defineProperty(Navigator.prototype, 'serviceWorker', { get() { throw new DOMException('no', 'SecurityError'); } });";
    app.before_pages(refuse);
    app.open_ready("backend=cpu&class=1&steps=3&seed=12");
    app.generate();
    std::thread::sleep(SHORT / 4);
    assert!(!app.text().contains("works without a network"));
}
