//! Looking inside the Transformer: attention, token norms, adaLN-Zero.

use crate::app::{App, LONG, SHORT};
use crate::webdriver::{Gpu, key};

/// The picture of the first canvas that the selector finds; empty without one.
fn canvas(app: &App, selector: &str) -> String {
    let script = format!("return document.querySelector('{selector}')?.toDataURL() ?? ''");
    app.browser.script(&script).as_str().unwrap_or_default().to_owned()
}

/// The large map of attention.
fn map(app: &App) -> String {
    canvas(app, ".tokens canvas.heat")
}

fn attribute(app: &App, selector: &str, name: &str) -> String {
    let script = format!("return document.querySelector('{selector}')?.getAttribute('{name}') ?? ''");
    app.browser.script(&script).as_str().unwrap_or_default().to_owned()
}

/// Waits for another map than this, and gives it.
fn changed(app: &App, what: &str, map_before: &str) -> String {
    app.wait(&format!("another map: {what}"), SHORT, || Some(map(app)).filter(|new| new != map_before))
}

#[test]
fn attention_reaches_the_page_and_follows_token_head_block_class_and_step() {
    let app = App::start("inside_attention", Gpu::None);
    // The recorded run can be looked into as soon as the model is there.
    app.open_ready("backend=cpu&view=inside");
    app.wait("attention of the recorded run", LONG, || app.find("slider", "Token").map(drop));
    app.open_ready("backend=cpu&class=9&steps=4&seed=7&view=inside");
    app.generate();
    app.focus("slider", "Timeline");
    app.browser.press(key::HOME);
    app.wait("the first step", SHORT, || app.text().contains("step 0 of 4").then_some(()));
    let spoken = || attribute(&app, ".tokens", "aria-valuetext");
    app.wait("its attention", SHORT, || spoken().contains('%').then_some(()));
    assert_eq!((app.slider("Token", "now"), app.slider("Token", "max")), (0.0, 16.0), "the mean of all 16 tokens");

    let mean = map(&app);
    app.focus("slider", "Token");
    app.browser.press(key::RIGHT);
    let first = changed(&app, "of the first token", &mean);
    app.browser.press(key::DOWN);
    let fifth = changed(&app, "of the token below", &first);
    assert_eq!(app.slider("Token", "now"), 5.0);
    assert!(spoken().starts_with("Row 2, column 1"), "{}", spoken());
    assert_eq!(app.slider("Timeline", "now"), 0.0, "the timeline has no part in it");

    app.click("button", "Head 2");
    let head = changed(&app, "of one head", &fifth);
    app.focus("slider", "Block");
    app.browser.press(key::END);
    let block = changed(&app, "of the last block", &head);
    app.click("radio", "Null label");
    let null = changed(&app, "without the class", &block);
    app.focus("slider", "Timeline");
    app.browser.press(key::RIGHT);
    app.browser.press(key::RIGHT);
    let later = changed(&app, "of a later step", &null);
    app.focus("slider", "Token");
    app.browser.press(key::ESCAPE);
    changed(&app, "of all tokens", &later);
    assert_eq!(app.slider("Token", "now"), 0.0);

    // A pointer shows the token under it, and gives the map back when it leaves.
    let before = map(&app);
    let pointer = |kind: &str| {
        format!(
            "const t = document.querySelector('.tokens'), box = t.getBoundingClientRect();
            t.dispatchEvent(new PointerEvent('{kind}', {{ pointerType: 'mouse', clientX: box.right - 5,
                clientY: box.bottom - 5 }}));"
        )
    };
    app.browser.script(&pointer("pointermove"));
    changed(&app, "of the token under the pointer", &before);
    assert_eq!(app.slider("Token", "now"), 16.0);
    app.browser.script(&pointer("pointerleave"));
    app.wait("the map as before", SHORT, || (map(&app) == before).then_some(()));
}

#[test]
fn norms_and_conditioning_are_shown_and_lead_the_timeline() {
    let app = App::start("inside_adaln", Gpu::None);
    app.open_ready("backend=cpu&class=9&steps=6&seed=7&view=inside");
    app.generate();
    app.click("radio", "Token norms");
    let norms = "return [...document.querySelectorAll('.norms .head')].map(e => e.getAttribute('aria-label'))";
    let labels = app.wait("norms before and after six blocks", LONG, || {
        let labels: Vec<String> = serde_json::from_value(app.browser.script(norms)).ok()?;
        (labels.len() == 7 && labels.iter().all(|label| label.contains("mean norm"))).then_some(labels)
    });
    assert!(labels[1..].iter().all(|label| *label != labels[0]), "{labels:?}");

    app.click("radio", "adaLN-Zero");
    app.wait("the maps", LONG, || app.find("slider", "Step of the run").map(drop));
    let shapes = "return [...document.querySelectorAll('.adaln canvas')].map(c => [c.width, c.height])";
    let shapes: Vec<[u32; 2]> = serde_json::from_value(app.browser.script(shapes)).expect("canvases");
    assert_eq!(shapes, [[6, 6]; 6], "six vectors of six blocks over six steps");
    let with_class = canvas(&app, ".adaln canvas");
    app.click("radio", "Null label");
    app.wait("other maps without the class", SHORT, || (canvas(&app, ".adaln canvas") != with_class).then_some(()));

    app.focus("slider", "Step of the run");
    app.browser.press(key::HOME);
    app.wait("the first step", SHORT, || (app.slider("Timeline", "now") == 0.0).then_some(()));
    let left = || attribute(&app, ".adaln .ground", "style");
    let at_start = left();
    app.browser.press(key::RIGHT);
    app.wait("one step on", SHORT, || (app.slider("Timeline", "now") == 1.0).then_some(()));
    app.wait("the mark on the next column", SHORT, || (left() != at_start).then_some(()));
    app.browser.script(
        "const map = document.querySelectorAll('.adaln .ground')[4], box = map.getBoundingClientRect();
        map.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerId: 1, buttons: 1,
            clientX: box.left + 0.6 * box.width, clientY: box.top + 9 }));",
    );
    app.wait("the fourth column's step", SHORT, || (app.slider("Timeline", "now") == 3.0).then_some(()));
    assert_eq!(app.slider("Step of the run", "now"), 3.0);
}
