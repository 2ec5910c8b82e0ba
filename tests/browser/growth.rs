//! How a model grew: the film of its training in the findings, its two sliders and its player.

use crate::app::{App, LONG, SHORT};
use crate::server::Fault;
use crate::tiny;
use crate::webdriver::{Gpu, key};
use ditscope_config::{Growth, SamplerKind};
use image::{GrayImage, Luma};
use std::path::Path;

const SIDE: u32 = 16;
const STEPS: [usize; 5] = [0, 1, 2, 4, 6];
const PLACES: u32 = 3;

/// Writes a film of two classes, each of whose pictures has a shade of its own.
fn write_film(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    let growth = Growth {
        model: "Tiny".into(),
        width: SIDE as usize,
        height: SIDE as usize,
        classes: vec![0, 1],
        labels: vec!["Kite".into(), "Drum".into()],
        seeds: vec![0, 1],
        sampler: SamplerKind::Ddim,
        num_inference_steps: 20,
        guidance_scale: 2.0,
        timesteps: vec![950, 450],
        steps: STEPS.into(),
        loss: vec![(1, 1.0), (2, 0.8), (4, 0.5), (6, 0.4)],
        repeated: true,
    };
    std::fs::write(folder.join("growth.json"), serde_json::to_vec(&growth).expect("JSON")).expect("a file");
    let shade = |x: u32, y: u32| shade(x / SIDE / PLACES, x / SIDE % PLACES, y / SIDE);
    let (width, height) = (2 * PLACES * SIDE, STEPS.len() as u32 * SIDE);
    let sheet = GrayImage::from_fn(width, height, |x, y| Luma([shade(x, y)]));
    sheet.save(folder.join("growth.jpg")).expect("a JPEG");
}

fn shade(class: u32, place: u32, moment: u32) -> u8 {
    (8 * (moment * 2 * PLACES + class * PLACES + place)) as u8
}

/// The shade of the picture that is called so.
fn shown(app: &App, name: &str) -> u8 {
    let canvas = app.expect("img", name);
    let script =
        "const [c] = arguments; return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]";
    let value = app.browser.try_script(script, &[&canvas]).expect("a pixel");
    value.as_u64().expect("a shade") as u8
}

#[test]
fn a_training_is_walked_through_with_two_sliders_and_played() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    write_film(&folder.path().join("runs"));
    let app = App::start_with_models("growth", Gpu::None, &[("tiny", folder.path())]);
    app.open("backend=cpu&view=findings&model=tiny");
    app.wait("the film", LONG, || app.text().contains("How it grew").then_some(()));
    let near = |name: &str, expected: u8| {
        let found = shown(&app, name);
        assert!(found.abs_diff(expected) <= 3, "{name}: {found} and not {expected}");
    };
    // At first what the whole training came to.
    near("Drum at step 6 of the training: finished picture", shade(1, 2, 4));
    assert_eq!(app.slider("Training", "now"), 4.0);
    app.expect("img", "Loss over the steps of the training, on a log scale: step 6 of 6, loss 0.400");
    app.focus("slider", "Training");
    app.browser.press(key::LEFT);
    near("Kite at step 4 of the training: finished picture", shade(0, 2, 3));
    app.browser.press(key::HOME);
    near("Kite at step 0 of the training: finished picture", shade(0, 2, 0));
    app.focus("slider", "Noise level t");
    app.browser.press(key::HOME);
    near("Drum at step 0 of the training: x̂0 at t = 950", shade(1, 0, 0));
    app.expect("img", "Loss over the steps of the training, on a log scale: step 0 of 6");
    let marker = "return document.querySelector('.growth .marker circle').getAttribute('cx')";
    let before = app.browser.script(marker);
    app.click("button", "Play the training");
    app.wait("the end of the training", SHORT, || (app.slider("Training", "now") == 4.0).then_some(()));
    app.expect("button", "Play the training");
    near("Kite at step 6 of the training: x̂0 at t = 950", shade(0, 0, 4));
    assert_ne!(app.browser.script(marker), before, "the marker follows");
    assert!(app.text().contains("This is the same network, trained anew"), "whose training it was");
    // It stands beside the visitor's own training, too.
    app.open("backend=cpu&view=train&model=tiny");
    app.wait("the film", LONG, || app.text().contains("How it grew").then_some(()));
    near("Drum at step 6 of the training: finished picture", shade(1, 2, 4));
    for width in [390, 1280] {
        app.browser.resize(width, 900);
        let wide = "return document.scrollingElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(app.browser.script(wide), false, "the page scrolls sideways at {width} px");
        app.browser.script("document.querySelector('.growth').scrollIntoView()");
        app.screenshot(&format!("growth_{width}"));
    }
}

#[test]
fn a_film_that_does_not_fit_is_left_out_with_a_word_and_none_with_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    write_film(&folder.path().join("runs"));
    let app = App::start_with_models("growth_misfit", Gpu::None, &[("tiny", folder.path())]);
    for fault in [Fault::Truncated, Fault::Missing] {
        app.server.break_file(if fault == Fault::Missing { "growth.jpg" } else { "growth.json" }, fault);
        app.open("backend=cpu&view=findings&model=tiny");
        app.wait("a word about it", LONG, || app.text().contains("so it is left out").then_some(()));
        app.wait("the findings", SHORT, || app.text().contains("What conditioning does").then_some(()));
        assert!(!app.text().contains("How it grew"), "{fault:?}");
        app.server.heal();
    }
    std::fs::remove_file(folder.path().join("runs/growth.json")).expect("a file");
    app.open("backend=cpu&view=findings&model=tiny");
    app.wait("the findings", LONG, || app.text().contains("What conditioning does").then_some(()));
    app.wait("its absence", SHORT, || (app.server.requests("tiny/growth.json") > 2).then_some(()));
    assert!(!app.text().contains("How it grew") && !app.text().contains("left out"));
}
