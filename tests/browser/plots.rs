//! The plots: the schedule follows the timeline and leads it, and the sizes of the latents are there after a run.

use crate::app::{App, SHORT};
use crate::webdriver::{Gpu, key};

const PLACE: &str = "Place on the schedule";

/// Where the marker of the schedule is drawn.
fn marker(app: &App) -> (f64, f64) {
    let script = "const c = document.querySelector('.inspector .plot-area[role=slider] .marker circle');
        return c ? [c.getAttribute('cx'), c.getAttribute('cy')].map(Number) : null;";
    serde_json::from_value(app.browser.script(script)).expect("a marker")
}

fn count(app: &App, selector: &str) -> usize {
    let found = app.browser.find_all(selector).expect("a selector");
    found.len()
}

/// The path drawn with this class in the schedule's plot.
fn path(app: &App, class: &str) -> String {
    let script =
        format!("return document.querySelector('.inspector .plot-area[role=slider] path.{class}')?.getAttribute('d')");
    app.browser.script(&script).as_str().unwrap_or_default().to_owned()
}

/// Presses at a share of the schedule's width, drags to another and lets go.
fn drag(app: &App, from: f64, to: f64) {
    let script = format!(
        "const area = document.querySelector('.inspector .plot-area[role=slider]'), box = area.getBoundingClientRect();
        const at = (type, share, buttons) => area.dispatchEvent(new PointerEvent(type, {{ bubbles: true, pointerId: 1,
            buttons, clientX: box.left + share * box.width, clientY: box.top + box.height / 2 }}));
        at('pointerdown', {from}, 1); at('pointermove', {to}, 1); at('pointerup', {to}, 0);
        at('pointermove', 0.2, 0);"
    );
    app.browser.script(&script);
}

#[test]
fn the_marker_follows_the_timeline_and_leads_it() {
    let app = App::start("plots", Gpu::None);
    app.open_ready("backend=cpu&class=9&steps=10&seed=7");
    app.generate();
    assert_eq!(app.slider(PLACE, "now"), 10.0);
    assert_eq!(app.slider(PLACE, "max"), 10.0);
    let at_end = marker(&app);

    app.focus("slider", PLACE);
    app.browser.press(key::HOME);
    app.wait("the first step", SHORT, || (app.slider("Timeline", "now") == 0.0).then_some(()));
    let at_start = marker(&app);
    assert!(at_start.0 < at_end.0 && at_start.1 > at_end.1, "from noise to signal: {at_start:?} to {at_end:?}");
    app.browser.press(key::RIGHT);
    app.wait("one step on", SHORT, || (app.slider("Timeline", "now") == 1.0).then_some(()));

    // The middle of the axis is t = 500: the fifth of ten steps is at 555, the sixth at 444.
    drag(&app, 0.2, 0.5);
    let reached = app.slider("Timeline", "now");
    assert!((4.0..=5.0).contains(&reached), "dragging seeks, and only while the pointer is down: {reached}");
    assert_eq!(app.slider(PLACE, "now"), reached);
    let spoken =
        app.browser.script("return document.querySelector('.inspector .plot-area').getAttribute('aria-valuetext')");
    let spoken = spoken.as_str().unwrap_or_default();
    assert!(["ᾱ = ", "β = ", "SNR = ", "t = "].iter().all(|part| spoken.contains(part)), "{spoken}");
    app.focus("slider", "Timeline");
    app.browser.press(key::END);
    app.wait("the marker at the end", SHORT, || (marker(&app) == at_end).then_some(()));

    let alpha_bar = path(&app, "curve");
    app.click("radio", "ratio SNR");
    let snr = app.wait("another curve", SHORT, || Some(path(&app, "curve")).filter(|new| *new != alpha_bar));
    app.click("radio", "step β");
    app.wait("a third curve", SHORT, || Some(path(&app, "curve")).filter(|new| *new != snr && *new != alpha_bar));
    assert_eq!(path(&app, "other"), "");
    app.click("checkbox", "Compare with the other schedule");
    app.wait("the other schedule", SHORT, || (!path(&app, "other").is_empty()).then_some(()));
    assert!(app.text().contains("linear schedule") && app.text().contains("cosine schedule"));
}

#[test]
fn chosen_steps_and_sizes_are_drawn() {
    let app = App::start("plots_sizes", Gpu::None);
    app.open_ready("backend=cpu&class=9&steps=10&seed=7");
    app.generate();
    let strokes = |app: &App| path(app, "planned").matches('M').count();
    assert_eq!((strokes(&app), path(&app, "dots").matches('M').count()), (10, 11));
    app.focus("slider", "Steps");
    app.browser.press(key::RIGHT);
    app.wait("the steps that are chosen now", SHORT, || (strokes(&app) == 11).then_some(()));
    assert_eq!(path(&app, "dots").matches('M').count(), 11, "the run stays what it was");

    for line in ["line-x", "line-eps", "line-x0"] {
        assert_eq!(count(&app, &format!(".plot path.{line}")), 1, "there is no {line}");
    }
    app.focus("slider", PLACE);
    app.browser.press(key::HOME);
    let label = "return document.querySelector('.plot-area[role=img]').getAttribute('aria-label')";
    let label = app.wait("the sizes of the first step", SHORT, || {
        let label = app.browser.script(label).as_str().unwrap_or_default().to_owned();
        label.contains("step 0").then_some(label)
    });
    let x_t: f64 = label
        .split("noisy latent ")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .and_then(|n| n.parse().ok())
        .unwrap_or_else(|| panic!("no size of x_t in {label}"));
    assert!((0.8..1.2).contains(&x_t), "pure noise has size 1, not {x_t}");
    assert!(!label.contains('–'), "all sizes are known: {label}");
}
