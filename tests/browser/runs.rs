//! From Generate to the finished picture.

use crate::app::{App, LONG, SHORT, decode_png};
use crate::webdriver::{Gpu, key};
use clap::Parser;
use ditscope_cli::cli::Cli;
use image::RgbaImage;
use std::ffi::OsStr;

#[test]
fn a_run_on_the_cpu_makes_a_picture_that_can_be_scrubbed_and_downloaded() {
    makes_a_picture(&App::start("run_on_cpu", Gpu::None));
}

/// Which can be scrubbed and downloaded.
pub fn makes_a_picture(app: &App) {
    app.open_ready("backend=cpu&class=9&steps=10&seed=7");
    app.generate();

    let finished = app.picture();
    assert!(contrast(&finished) > 64, "the finished picture is nearly uniform");
    assert_eq!(app.slider("Timeline", "min"), 0.0);
    assert_eq!(app.slider("Timeline", "max"), 10.0, "a position for each step and one for the finished picture");
    assert_eq!(app.slider("Timeline", "now"), 10.0, "the finished picture is shown");

    app.focus("slider", "Timeline");
    app.browser.press(key::HOME);
    app.wait("the first step's picture", SHORT, || (app.picture() != finished).then_some(()));
    assert_eq!(app.slider("Timeline", "now"), 0.0);
    app.browser.press(key::END);
    app.wait("the finished picture again", SHORT, || (app.picture() == finished).then_some(()));

    let downloaded = decode_png(&app.download());
    assert!(contrast(&downloaded) > 64, "the downloaded picture is nearly uniform");
}

#[test]
fn page_and_command_line_make_the_same_pictures() {
    let app = App::start("same_as_command_line", Gpu::None);
    for (class, sampler, seed) in [(9, "ddim", 7), (0, "ddpm", 8), (5, "dpm++", 4_000_000_000_u32)] {
        let encoded = sampler.replace('+', "%2B");
        app.open_ready(&format!("backend=cpu&class={class}&guidance=4&steps=10&seed={seed}&sampler={encoded}"));
        app.generate();
        let expected = sample(class, sampler, seed);
        let found = shrink(&decode_png(&app.download()), expected.dimensions());
        let difference = expected.iter().zip(found.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(difference <= Some(2), "{sampler}: page and dit sample differ by {difference:?} of 255");
    }
}

#[test]
fn cancel_keeps_what_was_made_and_another_run_follows() {
    cancels(&App::start("cancel", Gpu::None));
}

/// And keeps what was made.
pub fn cancels(app: &App) {
    app.open_ready("backend=cpu&class=1&steps=250&seed=1");
    app.click("button", "Generate");
    wait_for_steps(app, 3.0, 250.0);

    app.click("button", "Cancel");
    app.wait_status("Cancelled", SHORT);
    let reached = app.slider("Timeline", "now");
    assert!((3.0..250.0).contains(&reached), "the timeline stays where the run stopped, not at {reached}");
    assert!(contrast(&app.picture()) > 8, "the frames stay");

    app.focus("slider", "Steps");
    app.browser.press(key::HOME);
    app.generate();
    assert_eq!(app.slider("Timeline", "max"), 1.0, "the new run has one step");
}

#[test]
fn a_new_run_replaces_the_one_under_way() {
    let app = App::start("replace", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=250&seed=1");
    app.browser.press("g");
    wait_for_steps(&app, 2.0, 250.0);
    app.focus("slider", "Steps");
    app.browser.press(key::HOME);
    app.browser.press("g");
    app.wait_done();
    assert_eq!(app.slider("Timeline", "max"), 1.0, "the new run has one step");
}

#[test]
fn a_whole_run_by_keyboard() {
    let app = App::start("keyboard", Gpu::None);
    app.open_ready("backend=cpu&class=2&steps=250&seed=3");
    app.browser.press("g");
    wait_for_steps(&app, 2.0, 250.0);
    app.browser.press(key::ESCAPE);
    app.wait_status("Cancelled", SHORT);

    let reached = app.slider("Timeline", "now");
    app.browser.press(key::LEFT);
    app.wait("the step before", SHORT, || (app.slider("Timeline", "now") == reached - 1.0).then_some(()));
    app.browser.press(key::HOME);
    app.wait("the first step", SHORT, || (app.slider("Timeline", "now") == 0.0).then_some(()));
    app.browser.press(key::RIGHT);
    app.wait("the second step", SHORT, || (app.slider("Timeline", "now") == 1.0).then_some(()));
    app.browser.press(key::END);
    app.wait("the last step made", SHORT, || (app.slider("Timeline", "now") == reached).then_some(()));

    app.browser.press("?");
    app.wait("the table of keys", SHORT, || app.text().contains("Esc").then_some(()));
    app.browser.press(key::ESCAPE);
    app.wait("the end of the table of keys", SHORT, || (!app.text().contains("Esc")).then_some(()));

    let seed = app.settings().seed;
    app.browser.press("d");
    app.wait("another seed", SHORT, || (app.settings().seed != seed).then_some(()));
}

/// Waits until a run of `of` steps has made some of them. (Before it the stage shows a recorded run.)
fn wait_for_steps(app: &App, steps: f64, of: f64) {
    let there = || app.slider("Timeline", "max") == of && app.slider("Timeline", "now") >= steps;
    app.wait(&format!("{steps} steps of {of}"), LONG, || there().then_some(()));
}

/// Brightest minus darkest red value.
fn contrast(picture: &RgbaImage) -> u8 {
    let red = || picture.pixels().map(|pixel| pixel[0]);
    red().max().unwrap_or(0) - red().min().unwrap_or(0)
}

/// The same picture from `dit sample`.
fn sample(class: usize, sampler: &str, seed: u32) -> RgbaImage {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("picture.png");
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/fashion");
    let (class, seed) = (class.to_string(), seed.to_string());
    let settings = ["--class", &class, "--guidance-scale", "4", "--steps", "10", "--sampler", sampler, "--seed", &seed];
    let files = [OsStr::new("--model"), model.as_os_str(), OsStr::new("--out"), file.as_os_str()];
    let words = ["dit", "sample"].into_iter().chain(settings).map(OsStr::new).chain(files);
    Cli::parse_from(words).run().unwrap_or_else(|error| panic!("dit sample failed: {error:#}"));
    decode_png(&std::fs::read(&file).expect("dit sample writes its picture"))
}

/// Undoes an enlargement by whole numbers.
fn shrink(picture: &RgbaImage, (width, height): (u32, u32)) -> RgbaImage {
    let scale = picture.width() / width;
    assert_eq!(picture.dimensions(), (width * scale, height * scale), "the download is a whole multiple in size");
    RgbaImage::from_fn(width, height, |x, y| *picture.get_pixel(x * scale, y * scale))
}
