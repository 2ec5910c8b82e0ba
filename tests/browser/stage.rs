//! The timeline with its player, holding a run, and the views of a step.

use crate::app::{App, LONG, SHORT};
use crate::webdriver::{Gpu, key};
use std::time::Duration;

/// The views by their names in the page and on their buttons.
const VIEWS: [(&str, &str); 9] = [
    ("x0", "prediction x̂₀"),
    ("x_t", "noisy latent xₜ"),
    ("x_t-decoded", "decoded noisy latent xₜ"),
    ("x0-latent", "latent prediction x̂₀"),
    ("eps-cond", "noise with class ε"),
    ("eps-uncond", "noise without class ε"),
    ("eps-diff", "class − no class Δε"),
    ("eps-guided", "predicted noise ε̂"),
    ("change", "change"),
];

impl App {
    /// How many colours a view's canvas has; 0 without one.
    fn colours(&self, view: &str) -> u64 {
        let script = format!(
            "const canvas = document.querySelector('[data-view=\"{view}\"] canvas');
            if (!canvas || canvas.offsetParent === null) return 0;
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return new Set(new Uint32Array(data.buffer)).size;"
        );
        self.browser.script(&script).as_u64().unwrap_or_default()
    }

    /// The line that reads a value off a view.
    fn reading(&self) -> String {
        let text = self.browser.script("return document.querySelector('.probed').textContent");
        text.as_str().unwrap_or_default().to_owned()
    }

    fn position(&self) -> f64 {
        self.slider("Timeline", "now")
    }

    /// The step before which the run is held.
    fn held_before(&self) -> Option<f64> {
        self.status().lines().find_map(|line| line.strip_prefix("Paused before step ")?.trim().parse().ok())
    }
}

#[test]
fn a_run_is_held_between_two_steps_stepped_let_go_and_cancelled() {
    let app = App::start("hold", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=250&seed=1");
    assert!(app.find("button", "Hold").is_none(), "there is nothing to hold");
    app.browser.press("g");
    app.wait("3 steps", LONG, || (app.slider("Timeline", "max") == 250.0 && app.position() >= 3.0).then_some(()));

    app.click("button", "Hold");
    let held = app.wait("a held run", SHORT, || app.held_before());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!((app.position(), app.held_before()), (held - 1.0, Some(held)), "nothing goes on");

    app.click("button", "Step once");
    app.wait("one more step", SHORT, || (app.held_before() == Some(held + 1.0)).then_some(()));
    app.browser.press("n");
    app.wait("another step", SHORT, || (app.held_before() == Some(held + 2.0)).then_some(()));
    assert_eq!(app.position(), held + 1.0, "the stage goes along");

    // The player looks back while the run is held, and does not touch it.
    app.browser.press(key::HOME);
    app.click("button", "Play");
    app.wait("a film that plays", SHORT, || (app.position() > 0.0).then_some(()));
    assert_eq!(app.held_before(), Some(held + 2.0));
    app.browser.press(key::END);

    app.click("button", "Resume");
    app.wait("a run that goes on", SHORT, || (app.position() > held + 3.0).then_some(()));
    app.browser.press("p");
    app.wait("a run that is held again", SHORT, || app.held_before());
    app.click("button", "Cancel");
    app.wait_status("Cancelled", SHORT);
    assert!(app.find("button", "Resume").is_none() && app.find("button", "Step once").is_none());

    app.focus("slider", "Steps");
    app.browser.press(key::HOME);
    app.generate();
}

#[test]
fn the_player_loops_and_has_a_speed() {
    let app = App::start("player", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=6&seed=1");
    app.generate();
    assert!(app.text().contains("every frame"), "the memory of the film is told");
    let pressed = || {
        let script = "return document.querySelector('.loop').getAttribute('aria-pressed')";
        app.browser.script(script).as_str() == Some("true")
    };
    assert!(!pressed(), "an own film plays once");
    app.browser.press(">");
    app.browser.press(">");
    let speed = app.expect("combobox", "Speed");
    app.wait("four times the speed", SHORT, || (app.value(&speed) == "4×").then_some(()));

    app.browser.press(key::HOME);
    app.click("button", "Play");
    app.wait("the end", SHORT, || (app.position() == 6.0 && app.find("button", "Play").is_some()).then_some(()));

    app.browser.press("l");
    app.wait("a loop", SHORT, || pressed().then_some(()));
    app.click("button", "Play");
    app.wait("the end of the loop", SHORT, || (app.position() == 6.0).then_some(()));
    app.wait("the loop's next round", SHORT, || (app.position() < 6.0).then_some(()));
    app.click("button", "Pause");
    app.click("button", "Loop");
    assert!(!pressed());

    app.browser.press("<");
    app.wait("half of that", SHORT, || (app.value(&speed) == "2×").then_some(()));
}

#[test]
fn every_view_of_a_step_shows_something_and_its_values_can_be_read() {
    // Long: one visit, view by view.
    let app = App::start("views", Gpu::None);
    app.open_ready("backend=cpu&class=9&steps=6&seed=7&n=2");
    app.generate();
    app.browser.press(key::HOME);
    (0..3).for_each(|_| app.browser.press(key::RIGHT));
    app.wait("step 3", SHORT, || (app.position() == 3.0).then_some(()));
    // The strip is there; what lies behind its parts is opened there, and all else by its name.
    let strip = ["x0", "x_t", "eps-guided", "x0-latent"];
    let rest = VIEWS.iter().filter(|(view, _)| !strip.contains(view));
    rest.clone().for_each(|(view, _)| assert_eq!(app.colours(view), 0, "{view} is off"));
    app.click("button", "model");
    app.wait("the model's part", SHORT, || (app.colours("eps-diff") > 8).then_some(()));
    app.click("button", "model");
    app.wait("none of it", SHORT, || (app.colours("eps-cond") == 0).then_some(()));
    rest.for_each(|(_, button)| app.click("button", button));
    for (view, _) in VIEWS {
        app.wait(&format!("colours in {view}"), SHORT, || (app.colours(view) > 8).then_some(()));
    }
    app.screenshot("views_all");

    // Another picture is another latent, and a step on the way shows its own.
    app.click("button", "Picture 2 of 2");
    app.wait("the second picture's noise", SHORT, || (app.colours("x_t-decoded") > 8).then_some(()));

    // By pointer, then by keys.
    app.browser.script(
        "const canvas = document.querySelector('[data-view=\"eps-diff\"] canvas'), at = canvas.getBoundingClientRect();
        canvas.dispatchEvent(new PointerEvent('pointermove',
            { bubbles: true, clientX: at.left + 2, clientY: at.top + 2, pointerType: 'mouse' }));",
    );
    app.wait("a value under the pointer", SHORT, || {
        app.reading().starts_with("class − no class Δε: channel 0, row 0, column 0: ").then_some(())
    });
    app.browser.script("document.querySelector('[data-view=\"x_t-decoded\"]').focus()");
    (0..2).for_each(|_| app.browser.press(key::RIGHT));
    app.browser.press(key::DOWN);
    app.wait("a value under the keys", SHORT, || {
        app.reading().starts_with("decoded noisy latent xₜ: row 1, column 1: RGB ").then_some(())
    });
    assert_eq!(app.position(), 3.0, "the timeline is left alone");

    // Colours: the legend says how far they reach.
    let legends = |how: &str| app.text().lines().filter(|line| line.contains(how)).count();
    assert!(legends("fixed") > 1);
    assert_eq!(legends("fitted"), 1, "the difference alone, which would be pale");
    app.click("button", "fit");
    app.wait("fitted ranges", SHORT, || (legends("fixed") == 0 && legends("fitted") > 1).then_some(()));
    app.click("button", "gray");

    // One view always stays, and the choice outlives a look elsewhere.
    for (_, button) in &VIEWS[..8] {
        app.click("button", button);
    }
    app.click("button", VIEWS[8].1);
    app.wait("the last view", SHORT, || (app.colours("change") > 4 && app.colours("x0") == 0).then_some(()));
    app.browser.press(key::END);
    app.wait("the last step", SHORT, || (app.position() == 6.0).then_some(()));
    app.click("button", VIEWS[7].1);
    app.wait("words where there is nothing", SHORT, || app.text().contains("No noise is left").then_some(()));
}
