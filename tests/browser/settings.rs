//! Settings come from the URL and go back into it.

use crate::app::{App, SHORT};
use crate::webdriver::Gpu;
use std::collections::HashMap;

/// What the controls show.
#[derive(Debug, PartialEq)]
pub struct Settings {
    pub class: String,
    pub guidance: f64,
    pub steps: f64,
    pub sampler: String,
    pub seed: String,
}

impl App {
    /// Reads the controls.
    #[track_caller]
    pub fn settings(&self) -> Settings {
        Settings {
            class: self.chosen_class(),
            guidance: self.slider("Guidance scale", "now"),
            steps: self.slider("Steps", "now"),
            sampler: self.value(&self.expect("combobox", "Sampler")),
            seed: self.value(&self.seed_field()),
        }
    }

    #[track_caller]
    fn seed_field(&self) -> crate::webdriver::Element {
        self.wait("the field \"Seed\"", SHORT, || {
            self.find("spinbutton", "Seed").or_else(|| self.find("textbox", "Seed"))
        })
    }

    #[track_caller]
    fn chosen_class(&self) -> String {
        let group = self.expect("radiogroup", "Class");
        let script =
            "const r = arguments[0].querySelector('input[type=radio]:checked, [role=radio][aria-checked=true]');
            return r ? String(r.value) : ''";
        let value = self.browser.try_script(script, &[&group]).unwrap_or_else(|error| panic!("{error}"));
        value.as_str().unwrap_or_default().to_owned()
    }

    fn url_parameters(&self) -> HashMap<String, String> {
        let script = "return Object.fromEntries(new URLSearchParams(location.search))";
        serde_json::from_value(self.browser.script(script)).expect("URL parameters are text")
    }
}

#[test]
fn the_url_carries_all_settings() {
    let app = App::start("url", Gpu::None);
    app.open_ready("backend=cpu&class=9&guidance=2.5&steps=12&sampler=ddpm&seed=4294967295&n=2");
    let settings = app.settings();
    let expected =
        Settings { class: "9".into(), guidance: 2.5, steps: 12.0, sampler: "ddpm".into(), seed: "4294967295".into() };
    assert_eq!(settings, expected);

    app.focus("slider", "Steps");
    app.browser.press(crate::webdriver::key::RIGHT);
    app.wait("13 steps in the URL", SHORT, || {
        (app.url_parameters().get("steps").map(String::as_str) == Some("13")).then_some(())
    });
    let seed = app.settings().seed;
    app.click("button", "Random seed");
    app.wait("another seed", SHORT, || (app.settings().seed != seed).then_some(()));

    let expected = app.settings();
    app.wait("the seed in the URL", SHORT, || (app.url_parameters().get("seed") == Some(&expected.seed)).then_some(()));
    app.browser.reload();
    app.wait_ready();
    assert_eq!(app.settings(), expected, "a reload keeps the settings");
}

/// The worker visits the timesteps that the address names, and the caption says so.
#[test]
fn a_link_may_name_the_timesteps() {
    let app = App::start("spacing", Gpu::None);
    let mut pictures = Vec::new();
    for (parameter, words) in [("", "DDIM ·"), ("&spacing=leading", "DDIM, leading")] {
        app.open_ready(&format!("backend=cpu&class=9&guidance=2&steps=4&sampler=ddim{parameter}&seed=7"));
        app.generate();
        let text = app.text();
        assert!(text.contains(words), "'{words}' is not in: {text}");
        assert_eq!(app.url_parameters().contains_key("spacing"), !parameter.is_empty());
        pictures.push(app.picture());
    }
    assert_ne!(pictures[0], pictures[1], "other timesteps, another picture");
}

#[test]
fn a_step_may_leave_something_out() {
    let app = App::start("savings", Gpu::None);
    app.open_ready("backend=cpu&class=9&steps=6&seed=7");
    app.generate();
    let whole = app.picture();
    app.expect("combobox", "Savings");
    let choose = "const s = document.querySelector('#savings'); s.selectedIndex = 2;
        s.dispatchEvent(new Event('change', { bubbles: true }));";
    app.browser.script(choose);
    app.generate();
    assert_ne!(app.picture(), whole, "what is left out shows");
    let parameters = app.url_parameters();
    assert_eq!((parameters["reuse"].as_str(), parameters["interval"].as_str()), ("2", "0,0.7"));

    // What an address asks for is shown, be it among what is offered or not.
    let shown = "return document.querySelector('#savings').selectedOptions[0].textContent";
    for (parameters, words) in [
        ("reuse=2", "Middle blocks every 2 steps"),
        ("reuse=3&interval=0.2,0.8", "Middle blocks every 3 steps; Guidance for t/T 0.2 to 0.8"),
        ("steps=6", "None: every step in full"),
    ] {
        app.open_ready(&format!("backend=cpu&{parameters}"));
        assert_eq!(app.browser.script(shown), words);
    }
}

#[test]
fn bad_url_parameters_are_mended_with_a_notice() {
    let app = App::start("bad_parameters", Gpu::None);
    for (parameters, named) in [
        ("steps=0", "steps"),
        ("steps=1000", "steps"),
        ("guidance=99", "guidance"),
        ("guidance=NaN", "guidance"),
        ("class=foo", "class"),
        ("class=10", "class"),
        ("sampler=x", "sampler"),
        ("spacing=karras", "spacing"),
        ("seed=-1", "seed"),
        ("reuse=0", "reuse"),
        ("interval=0.8,0.2", "interval"),
        ("n=17", "n"),
        ("backend=abacus", "backend"),
    ] {
        app.open(parameters);
        let mentions = |text: &str| text.to_lowercase().contains(named);
        app.wait(&format!("a notice on {parameters}"), SHORT, || mentions(&app.notices()).then_some(()));
        assert!((1.0..=250.0).contains(&app.settings().steps));
        assert!((1.0..=10.0).contains(&app.settings().guidance));
    }
}

#[test]
fn the_page_works_after_bad_url_parameters() {
    let app = App::start("bad_parameters_run", Gpu::None);
    app.open_ready("backend=cpu&steps=0&guidance=99&class=foo&sampler=x&n=0&seed=none&nonsense=%FF");
    app.generate();
}
