//! The page as it lies on the screen and in the accessibility tree, and what it fetches.

use crate::app::App;
use crate::webdriver::Gpu;

const SCREENS: [(u32, u32); 4] = [(360, 740), (390, 844), (768, 1024), (1280, 900)];

/// What makes the page scroll sideways; empty when it does not.
const WIDE_ELEMENTS: &str = "
    const room = document.documentElement.clientWidth;
    if (document.scrollingElement.scrollWidth <= room) return [];
    const wide = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > room);
    return wide.map(e => e.outerHTML.slice(0, 100)).concat('(end of list)');";

#[test]
fn nothing_scrolls_sideways_on_any_screen() {
    let app = App::start("narrow", Gpu::None);
    app.open_ready("backend=cpu&steps=2");
    app.generate();
    for (width, height) in SCREENS {
        app.browser.resize(width, height);
        let wide: Vec<String> = serde_json::from_value(app.browser.script(WIDE_ELEMENTS)).expect("a list of texts");
        assert!(wide.is_empty(), "the page scrolls sideways at {width} px because of\n{}", wide.join("\n"));
        for scheme in ["light", "dark"] {
            app.browser.prefer_colour_scheme(scheme);
            app.screenshot(&format!("page_{width}_{scheme}"));
        }
    }
}

#[test]
fn the_accessible_names_of_the_contract_exist() {
    let app = App::start("names", Gpu::None);
    app.open_link("backend=cpu");
    app.wait_ready();
    for (role, name) in [
        ("radiogroup", "Class"),
        ("slider", "Guidance scale"),
        ("slider", "Steps"),
        ("combobox", "Sampler"),
        ("button", "Generate"),
        ("button", "Random seed"),
    ] {
        app.expect(role, name);
    }
    app.settings();
    app.generate();
    app.expect("slider", "Timeline");
    app.expect("button", "Download PNG");
}

#[test]
fn no_request_leaves_the_origin() {
    let app = App::start("requests", Gpu::None);
    for _visit in ["first", "second"] {
        app.open_ready("backend=cpu&steps=2");
        app.generate();
    }
    let origin = app.server.origin();
    let requests = app.browser.quit_and_list_requests(origin);
    let asked_for = |end: &str| requests.iter().any(|url| url.split('?').next().unwrap_or_default().ends_with(end));
    assert!(
        asked_for(".wasm") && asked_for(".safetensors"),
        "the list has the requests of page and worker: {requests:#?}"
    );
    let is_foreign = |url: &&String| url.starts_with("http") && !url.starts_with(origin);
    assert_eq!(requests.iter().filter(is_foreign).collect::<Vec<_>>(), [""; 0]);
}
