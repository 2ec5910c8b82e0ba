//! The page where it cannot start, or only just: each time a sentence that says what is missing and what to do.

use crate::app::{App, LONG, SHORT, dist, worker_file};
use crate::server::Fault;
use crate::webdriver::Gpu;
use serde_json::json;

/// As README's "Host it" has it.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' https:";

impl App {
    /// What stands in the page's place, once it says that something is wrong.
    fn told(&self) -> String {
        self.wait("a sentence in the page's place", SHORT, || {
            let text = "const boot = document.querySelector('#boot[role=alert]');
                return boot && boot.querySelector('button') ? boot.innerText : ''";
            let text = self.browser.script(text).as_str().unwrap_or_default().to_owned();
            (!text.is_empty()).then_some(text)
        })
    }
}

#[test]
fn the_page_opens_with_the_first_model_of_its_list() {
    let app = App::start("first_sight", Gpu::None);
    app.browser.goto(&format!("{}/?lang=en", app.server.origin()));
    app.wait("a recorded run", SHORT, || app.text().contains("Recorded").then_some(()));
    app.wait_ready();
    let index: serde_json::Value =
        serde_json::from_slice(include_bytes!("../../assets/models/index.json")).expect("the list of models");
    let first = &index["models"][0];
    let spoken = app.browser.script("return document.querySelector('header [aria-label^=\"Model: \"]').ariaLabel");
    let name = format!("Model: {}", first["name"].as_str().expect("a name"));
    assert!(spoken.as_str().is_some_and(|spoken| spoken.starts_with(&name)), "{spoken}");
    app.generate();
    app.screenshot("first_sight");
    let query = app.browser.script("return location.search");
    let named = format!("model={}", first["id"].as_str().expect("an id"));
    assert!(query.as_str().is_some_and(|query| query.contains(&named)), "{query}");
}

#[test]
fn a_browser_that_lacks_something_is_told_what() {
    let app = App::start("start_lacks", Gpu::None);
    app.before_pages("if (location.search.includes('lacks=wasm')) delete window.WebAssembly;");
    for parameters in ["lacks=wasm", "lacks=wasm&embed=1"] {
        app.open_link(parameters);
        assert!(app.told().contains("no WebAssembly"), "{}", app.told());
        app.open_link(&format!("{parameters}&lang=de"));
        assert!(app.told().contains("kein WebAssembly"), "{}", app.told());
    }
    app.browser.resize(390, 844);
    app.screenshot("start_phone");
    let no_simd = "if (location.search.includes('lacks=simd')) {
        WebAssembly.validate = () => false;
        const refuse = async () => { throw new WebAssembly.CompileError('invalid opcode'); };
        Object.assign(WebAssembly, { instantiate: refuse, instantiateStreaming: refuse });
    }";
    app.before_pages(no_simd);
    app.open_link("lacks=simd");
    assert!(app.told().contains("SIMD"), "{}", app.told());
}

#[test]
fn files_of_the_page_that_do_not_come_as_they_should_are_named() {
    let app = App::start("start_files", Gpu::None);
    let names = std::fs::read_dir(dist()).expect("the built app").flatten();
    let names: Vec<_> = names.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    let script = names.iter().find(|name| name.starts_with("app-") && name.ends_with(".js"));
    let script = script.expect("the page's script").clone();
    let module = script.replace(".js", "_bg.wasm");
    let said = |file: &str, fault: Fault| {
        app.server.heal();
        app.server.break_file(file, fault);
        app.open_link("backend=cpu");
        app.told()
    };
    for file in [&script, &module] {
        for fault in [Fault::Missing, Fault::Page] {
            let said = said(file, fault);
            assert!(said.contains("not on the server") && said.contains(file.as_str()), "{said}");
        }
    }
    let said_type = said(&script, Fault::As("text/plain"));
    assert!(said_type.contains("text/javascript") && said_type.contains("text/plain"), "{said_type}");
    for fault in [Fault::Truncated, Fault::Corrupt] {
        let said = said(&module, fault);
        assert!(said.contains("damaged") || said.contains("stopped"), "{said}");
    }
    // A script that is another than was built does not run, though it may be a sound one.
    for fault in [Fault::Truncated, Fault::Before("window.isForeign = true;")] {
        let said = said(&script, fault);
        assert!(said.contains("damaged") && said.contains(script.as_str()), "{said}");
        assert_eq!(app.browser.script("return window.isForeign === undefined"), json!(true));
    }
    app.server.heal();
    app.click("button", "Reload");
    app.wait_ready();
}

#[test]
fn as_a_file_and_in_a_sandbox_the_page_says_what_it_needs() {
    let app = App::start("start_place", Gpu::None);
    app.browser.goto(&format!("file://{}/index.html", dist().display()));
    assert!(app.told().contains("web server"), "{}", app.told());
    app.server.add_header("content-security-policy", "sandbox allow-scripts");
    app.open_link("");
    assert!(app.told().contains("allow-same-origin"), "{}", app.told());
}

#[test]
fn in_a_sandbox_that_may_read_the_page_shows_what_it_can() {
    let app = App::start("start_sandbox", Gpu::None);
    app.server.add_header("content-security-policy", "sandbox allow-scripts");
    app.server.add_header("access-control-allow-origin", "*");
    app.open_link("depth=full");
    app.wait("why there is no worker", LONG, || app.failure().contains("worker").then_some(()));
    assert!(app.failure().contains("sandboxed frame"), "{}", app.failure());
    app.wait("the recorded run", SHORT, || app.text().contains("Recorded").then_some(()));
    assert!(app.find("button", "Retry").is_none() && app.find("button", "Use the CPU").is_none());
    let styled = "return getComputedStyle(document.querySelector('.layout')).display";
    assert_eq!(app.browser.script(styled), json!("grid"));
}

#[test]
fn a_worker_of_another_build_is_refused_in_words() {
    let app = App::start("start_build", Gpu::None);
    let old = "const post = self.postMessage.bind(self);
        self.postMessage = (message, ...rest) => { message.protocol = 'old'; post(message, ...rest); };";
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(old));
    app.open("backend=cpu");
    app.wait_status("Failed", LONG);
    assert!(app.failure().contains("different versions"), "{}", app.failure());
    app.server.heal();
    app.click("button", "Reload");
    app.wait_ready();

    app.server.break_file(&worker_file("_loader.js"), Fault::Missing);
    app.open("backend=cpu");
    app.wait_status("Failed", LONG);
    app.expect("button", "Reload");
}

#[test]
fn a_part_that_an_update_took_away_is_known_as_such() {
    let app = App::start("start_updated", Gpu::None);
    if !app.is_split() {
        println!("LEFT OUT: the page in dist is one module; 'cargo xtask build' splits it");
        return;
    }
    app.open_ready("backend=cpu&class=3&steps=2&seed=5");
    app.server.break_file("split_compare.wasm", Fault::Missing);
    app.server.break_file("/", Fault::Page);
    app.click("tab", "Compare");
    app.wait("a word about it", SHORT, || app.failure().contains("was updated").then_some(()));
    app.server.heal();
    app.click("button", "Reload");
    app.wait("the part itself", LONG, || app.text().contains("Guidance scales").then_some(()));
    assert!(app.settings().class == "3" && app.settings().seed == "5", "the address is the same");
}

#[test]
fn the_page_works_under_a_strict_policy() {
    let app = App::start("start_policy", Gpu::None);
    let readme = include_str!("../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(POLICY), "README's \"Host it\" has this header");
    app.before_pages(
        "window.violations = [];
        document.addEventListener('securitypolicyviolation', e => violations.push(`${e.violatedDirective} ${e.sourceFile} ${e.sample}`));",
    );
    app.server.add_header("content-security-policy", POLICY);
    app.open_ready("backend=cpu&class=1&steps=3&seed=12");
    app.generate();
    for tab in ["Compare", "Forward process", "Inside", "Findings", "Denoise"] {
        app.click("tab", tab);
    }
    app.browser.press("u");
    app.wait("the tour", SHORT, || app.text().contains("1 of 13").then_some(()));
    let filled =
        "return getComputedStyle(document.querySelector('input[type=range]')).getPropertyValue('--fill').trim()";
    assert_ne!(app.browser.script(filled), json!(""), "styles are set");
    assert_eq!(app.browser.script("return violations"), json!([]));
    app.screenshot("start_policy_tour");
}
