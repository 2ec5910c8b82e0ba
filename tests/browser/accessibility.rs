//! What axe-core, an accessibility checker, finds in every part of the page: in each mode, dialog and chapter, on a
//! phone's and a desk's screen, light and dark.

use crate::app::{App, LONG, SHORT};
use crate::webdriver::{Gpu, key};
use std::path::{Path, PathBuf};

const SCREENS: [(u32, u32); 2] = [(390, 844), (1280, 900)];

/// Runs the checker; its findings as texts.
const CHECK: &str = "
    return axe.run().then(result => result.violations.map(v =>
        v.id + ' (' + v.impact + '): ' + v.help + '\\n' + v.nodes.map(n => '    ' + n.html).join('\\n')))";

/// A page with the checker in it.
struct Checker {
    app: App,
    source: String,
}

impl Checker {
    /// Nothing where axe-core is not installed.
    fn start(name: &'static str) -> Option<Self> {
        let Ok(source) = std::fs::read_to_string(checker_file()) else {
            println!("LEFT OUT: axe-core is not installed; 'cargo xtask setup --browser' installs it where npm is");
            return None;
        };
        Some(Self { app: App::start(name, Gpu::None), source })
    }

    /// What is to be checked, where the page is already open.
    #[track_caller]
    fn check(&self, part: &str) {
        let is_loaded = self.app.browser.script("return typeof axe === 'object'");
        if is_loaded != true {
            self.app.browser.script(&self.source);
        }
        for (width, height) in SCREENS {
            self.app.browser.resize(width, height);
            for scheme in ["light", "dark"] {
                self.app.browser.prefer_colour_scheme(scheme);
                let violations: Vec<String> =
                    serde_json::from_value(self.app.browser.script(CHECK)).expect("a list of texts");
                assert!(violations.is_empty(), "{part}, {width} px, {scheme}:\n{}", violations.join("\n"));
                self.app.screenshot(&format!("{part}_{width}_{scheme}"));
            }
        }
    }

    #[track_caller]
    fn close_dialog(&self) {
        self.app.browser.press(key::ESCAPE);
        let open = || self.app.browser.script("return document.querySelector('dialog[open]') === null");
        self.app.wait("the end of the dialog", SHORT, || (open() == true).then_some(()));
    }

    /// Clicks where the accessible name is not the same everywhere.
    #[track_caller]
    fn click_css(&self, css: &str) {
        let found = self.app.browser.find_all(css).expect("a selector");
        let button = found.first().unwrap_or_else(|| panic!("there is no {css}"));
        self.app.browser.click(button).unwrap_or_else(|error| panic!("{css}: {error}"));
    }
}

#[test]
fn nothing_is_found_in_any_mode() {
    // Long: one visit, mode by mode.
    let Some(checker) = Checker::start("accessible_modes") else { return };
    let app = &checker.app;
    app.open_ready("backend=cpu&steps=4&n=2");
    checker.check("denoise_recorded");
    app.generate();
    checker.check("denoise");
    for view in
        ["decoded noisy latent xₜ", "noise with class ε", "noise without class ε", "class − no class Δε", "change"]
    {
        app.browser.script(&format!(
            "[...document.querySelectorAll('.chooser button')].find(b => b.textContent === '{view}').click()"
        ));
    }
    app.browser.press(key::LEFT);
    checker.check("denoise_all_views");

    app.click("tab", "Compare");
    checker.check("compare_before");
    for kind in ["Guidance scales", "Samplers", "Numbers of steps"] {
        app.click("button", kind);
        app.generate();
        checker.check(&format!("compare_{}", kind.to_lowercase().replace(' ', "_")));
    }

    app.click("tab", "Forward process");
    app.expect("img", "The picture under noise at t = 400");
    app.click("button", "Denoise from here");
    app.wait("the result", LONG, || app.find("img", "Denoised from here").map(drop));
    checker.check("forward");

    app.click("tab", "Inside");
    app.wait("attention", LONG, || app.find("slider", "Token").map(drop));
    checker.check("inside_attention");
    app.click("radio", "Token norms");
    app.wait("norms", LONG, || (!app.browser.find_all(".norms .head").ok()?.is_empty()).then_some(()));
    checker.check("inside_norms");
    app.click("radio", "adaLN-Zero");
    app.wait("its maps", LONG, || app.find("slider", "Step of the run").map(drop));
    checker.check("inside_adaln");

    app.click("tab", "Lab");
    for (kind, words) in [
        ("One step", "Several noises"),
        ("Paint", "Mark what may change"),
        ("Edit", "Find its noise"),
        ("Break it", "What does the model miss least?"),
        ("Ideal denoiser", "What the ideal denoiser mixes"),
    ] {
        app.click("radio", kind);
        app.wait(kind, LONG, || app.text().contains(words).then_some(()));
        checker.check(&format!("lab_{}", kind.to_lowercase().replace(' ', "_")));
    }

    app.click("tab", "Findings");
    app.wait("the tables", LONG, || app.text().contains("What conditioning does").then_some(()));
    checker.check("findings");

    app.click("tab", "Train");
    app.wait("what it learns from", LONG, || app.text().contains("It learns from").then_some(()));
    checker.check("train_before");
    app.click("button", "Start training");
    app.wait("exercises", LONG, || (app.browser.find_all(".training-row canvas").ok()?.len() == 9).then_some(()));
    app.click("button", "Pause");
    app.wait_status("It waits.", LONG);
    app.browser.script("document.querySelector('.training-more').open = true");
    checker.check("train");
}

#[test]
fn nothing_is_found_in_any_dialog_and_way_to_show_the_page() {
    let Some(checker) = Checker::start("accessible_dialogs") else { return };
    let app = &checker.app;
    app.open_ready("backend=cpu&steps=2&n=2");
    app.generate();
    app.browser.press("m");
    app.expect("dialog", "Models");
    app.wait("what is stored", SHORT, || app.text().contains("used of about").then_some(()));
    checker.check("models");
    checker.close_dialog();
    app.click("button", "Measure this device");
    app.expect("dialog", "Measure this device");
    app.choose_to_measure(&["Fashion:"]);
    app.measure();
    checker.check("measure");
    checker.close_dialog();
    app.browser.press("?");
    app.expect("dialog", "Help");
    checker.check("help");
    checker.close_dialog();
    app.click("button", "Save as…");
    app.expect("dialog", "Save and share");
    app.click("button", "Settings (JSON)");
    app.wait("a saved file", SHORT, || app.text().contains(".json").then_some(()));
    checker.check("save");
    checker.close_dialog();
    app.browser.press("f");
    app.expect("button", "Leave");
    checker.check("present");

    app.open("backend=cpu&embed=1");
    app.wait("the recorded run", LONG, || app.text().contains("Recorded").then_some(()));
    checker.check("embed");
    app.open("backend=cpu&steps=many&model=nowhere");
    app.wait("the failure", LONG, || app.find("button", "Retry").map(drop));
    checker.check("failure");
    app.open("backend=cpu&steps=2&lang=de&view=forward");
    app.wait_status("Bereit", LONG);
    checker.check("german");
}

#[test]
fn nothing_is_found_in_the_tour() {
    let Some(checker) = Checker::start("accessible_tour") else { return };
    let app = &checker.app;
    app.open("backend=cpu&tour=noise");
    let chapters = || app.browser.find_all("#tour .tour-nav option").map_or(0, |options| options.len());
    app.wait("the chapters", LONG, || (chapters() > 0).then_some(()));
    for chapter in 1..=chapters() {
        app.wait("the chapter's place", LONG, || app.text().contains("The page shows this now.").then_some(()));
        for depth in ["Words", "Pictures", "Maths"] {
            app.click("radio", depth);
            checker.check(&format!("tour_{chapter}_{}", depth.to_lowercase()));
        }
        checker.click_css("#tour .tour-nav .primary");
    }
}

#[test]
fn nothing_is_found_in_the_pages_for_teachers() {
    let Some(checker) = Checker::start("accessible_lessons") else { return };
    for page in ["teaching", "teaching.de"] {
        checker.app.browser.goto(&format!("{}/{page}.html", checker.app.server.origin()));
        checker.check(&page.replace('.', "_"));
    }
}

/// Where `cargo xtask setup --browser` puts it.
fn checker_file() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = std::env::var_os("DITSCOPE_TOOLS").map_or_else(|| root.join(".tools"), |folder| root.join(folder));
    tools.join("node_modules/axe-core/axe.min.js")
}
