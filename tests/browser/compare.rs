//! One seed with several settings beside each other.

use crate::app::{App, LONG, SHORT, decode_base64, decode_png};
use crate::webdriver::{Gpu, key};
use image::RgbaImage;

const BOOT: &str = "backend=cpu&class=9&seed=7";

#[test]
fn guidance_scales_run_in_step_and_make_what_plain_runs_make() {
    let app = App::start("compare_guidance", Gpu::None);
    app.open_ready(&format!("{BOOT}&steps=6&view=compare&compare=guidance:1,2,7"));
    app.generate();
    let pictures = [1, 2, 7].map(|scale| picture(&app, &format!("guidance {scale}: step 6 of 6")));
    assert!(pictures[0] != pictures[1] && pictures[1] != pictures[2], "the scales make different pictures");
    assert!(column(&app, "guidance 1").contains("reference") && column(&app, "guidance 7").contains("differs by"));

    app.click("button", "noisy latent xₜ");
    app.click("button", "class − no class Δε");
    app.expect("img", "guidance 7, xₜ: step 6 of 6");
    assert!(column(&app, "guidance 2").contains("none at the end"));
    app.click("button", "guidance 2: go to step 3");
    app.wait("step 3", SHORT, || (app.slider("Timeline", "now") == 3.0).then_some(()));
    for scale in [1, 2, 7] {
        picture(&app, &format!("guidance {scale}: step 3 of 6"));
        picture(&app, &format!("guidance {scale}, class − no class Δε: step 3 of 6"));
        assert!(column(&app, &format!("guidance {scale}")).contains("RMS 0."));
    }

    app.click("button", "+ Column");
    app.expect("spinbutton", "Guidance scale 4 of 4");
    app.click("button", "Remove column 2");
    app.wait("the new columns in the address", SHORT, || {
        address(&app).contains("compare=guidance:1,7,10").then_some(())
    });
    assert!(app.text().contains("press Generate to compare anew"), "the pictures are of the columns before");

    app.open_ready(&format!("{BOOT}&steps=6&guidance=2"));
    app.generate();
    let plain = app.picture();
    assert_eq!(plain.dimensions(), pictures[1].dimensions());
    let difference = plain.iter().zip(pictures[1].iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(difference <= Some(2), "column and plain run differ by {difference:?} of 255");
}

#[test]
fn samplers_and_numbers_of_steps_run_one_after_the_other() {
    let app = App::start("compare_runs", Gpu::None);
    app.open_ready(&format!("{BOOT}&steps=4&view=compare&compare=samplers"));
    app.generate();
    for sampler in ["DDIM", "DDPM", "DPM-Solver++"] {
        finished(&app, sampler, 4);
    }
    app.open_ready(&format!("{BOOT}&view=compare&compare=steps:2,9,3"));
    app.generate();
    for steps in [2, 3, 9] {
        finished(&app, &format!("{steps} steps"), steps);
    }
    assert!(app.text().contains("aligned by share of steps"));
    assert_eq!(app.slider("Timeline", "max"), 9.0, "the timeline is that of the longest run");
    app.click("button", "2 steps: go to step 1");
    for (column, step) in [("2 steps", "1 of 2"), ("3 steps", "1 of 3"), ("9 steps", "5 of 9")] {
        picture(&app, &format!("{column}: step {step}"));
    }
    // The last film stays there for the other modes.
    app.click("tab", "Denoise");
    assert_eq!((app.slider("Timeline", "now"), app.slider("Timeline", "max")), (5.0, 9.0));
}

#[test]
fn cancel_ends_a_comparison_and_keeps_what_was_made() {
    let app = App::start("compare_cancel", Gpu::None);
    app.open_ready(&format!("{BOOT}&steps=3&view=compare&compare=steps:2,240,250"));
    app.click("button", "Generate");
    let second = || column(&app, "240 steps").contains("/ 240");
    app.wait("a frame of the second run", LONG, || (app.text().contains("run 2 of 3") && second()).then_some(()));
    app.browser.press(key::ESCAPE);
    app.wait_status("Cancelled", SHORT);
    assert!(column(&app, "240 steps").contains("stopped"));
    assert!(column(&app, "250 steps").contains("not made yet"));
    app.focus("slider", "Timeline");
    app.browser.press(key::END);
    finished(&app, "2 steps", 2);

    app.click("button", "Samplers");
    app.generate();
    finished(&app, "DPM-Solver++", 3);
    app.click("button", "Numbers of steps");
    finished(&app, "2 steps", 2);
}

/// The column has its last picture, and says how long it took.
#[track_caller]
fn finished(app: &App, name: &str, steps: usize) {
    let picture = picture(app, &format!("{name}: step {steps} of {steps}"));
    let red = || picture.pixels().map(|pixel| pixel[0]);
    assert!(red().max() > red().min().map(|least| least.saturating_add(64)), "{name} is nearly uniform");
    let text = column(app, name);
    assert!(text.contains(" s · ") && text.contains("ms/step"), "{name} has no time: {text}");
}

/// What a column says.
#[track_caller]
fn column(app: &App, name: &str) -> String {
    let element = app.expect("group", name);
    let text = app.browser.try_script("return arguments[0].innerText", &[&element]).unwrap_or_default();
    text.as_str().unwrap_or_default().to_owned()
}

/// A picture by its accessible name, in its own pixels.
#[track_caller]
fn picture(app: &App, name: &str) -> RgbaImage {
    let canvas = app.expect("img", name);
    let data = app.browser.try_script("return arguments[0].toDataURL('image/png').split(',')[1]", &[&canvas]);
    decode_png(&decode_base64(data.unwrap_or_default().as_str().unwrap_or_default()))
}

fn address(app: &App) -> String {
    app.browser.script("return location.search").as_str().unwrap_or_default().to_owned()
}
