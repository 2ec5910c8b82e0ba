//! Taking results away, presenting, and being a part of another page.

use crate::app::{App, LONG, SHORT, decode_png, worker_file};
use crate::video::Expected;
use crate::webdriver::{Gpu, key};

#[test]
fn a_run_is_saved_as_sheet_film_and_data() {
    saves(&App::start("take", Gpu::None), true);
}

/// In every form that the browser has: not every one `encodes` video.
pub fn saves(app: &App, encodes: bool) {
    app.open_ready("backend=cpu&class=9&steps=6&seed=7&n=3");
    app.generate();
    app.click("button", "Save as…");
    app.expect("dialog", "Save and share");

    for (button, sides) in [("Contact sheet", 3), ("Sheet of all pictures", 2)] {
        let sheet = decode_png(&save(app, button, "png"));
        assert!(sheet.width() > 400 * sides && sheet.height() > 800, "{button}: {:?}", sheet.dimensions());
        assert_eq!(sheet.get_pixel(1, 1).0, [255; 4], "paper is white");
        assert!(sheet.pixels().any(|pixel| pixel.0 == [0, 0, 0, 255]), "{button} has pictures");
    }

    let film = save(app, "Animated GIF", "gif");
    let expected = Expected::of_gif(&film);
    // A quarter of a second for each step, and two for the picture.
    assert_eq!(duration_ms(&film), 3500);
    assert!(app.text().contains("a loop of 3.5 s"), "{}", app.text());
    let (size, frames) = decode_gif(&film);
    assert_eq!((size, frames.len()), ((256, 256), 7), "a frame for each step and one for the picture");
    assert!(frames.windows(2).any(|two| two[0] != two[1]), "nothing moves");
    let (size, _) = decode_gif(&save(app, "Animated GIF: All 3", "gif"));
    assert_eq!(size, (256, 256), "two by two, enlarged four times");

    let (size, _) = decode_gif(&save(app, "Animated GIF: with xₜ", "gif"));
    assert_eq!(size, (198, 96), "two pictures of 32 and a gap of 2, enlarged three times");

    if encodes {
        expected.is_shown_by(app, &save(app, "Video", "mp4"));
        let odd = save(app, "Video: with xₜ", "mp4");
        assert_eq!(odd[4..8], *b"ftyp");
    } else {
        assert!(app.text().contains("no encoder for a video that it can play"), "{}", app.text());
    }

    let json: serde_json::Value = serde_json::from_slice(&save(app, "Settings (JSON)", "json")).expect("JSON");
    assert_eq!((&json["settings"]["seed"], &json["settings"]["class"]), (&7.into(), &9.into()));
    assert_eq!(json["timesteps"].as_array().map(Vec::len), Some(6));
    assert_eq!((&json["recorded"], &json["complete"]), (&false.into(), &true.into()));

    let bytes = save(app, "Latents (safetensors)", "safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("what the safetensors crate reads");
    let shape = |name: &str| tensors.tensor(name).expect("a tensor").shape().to_vec();
    assert_eq!(shape("x_t"), [7, 3, 4, 8, 8]);
    for name in ["x0_hat", "eps_cond", "eps_uncond"] {
        assert_eq!(shape(name), [6, 3, 4, 8, 8], "{name}");
    }
    assert_eq!(shape("pictures"), [3, 32, 32, 3]);
    let x_t = tensors.tensor("x_t").expect("a tensor").data().to_vec();
    let noise = x_t[..4 * 3 * 256].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let variance = noise.map(|value| value * value).sum::<f32>() / (3.0 * 256.0);
    assert!((0.8..1.2).contains(&variance), "the first latents are noise of variance {variance}");
}

#[test]
fn a_recorded_run_can_be_saved_and_says_so() {
    let app = App::start("take_recorded", Gpu::None);
    app.open_ready("backend=cpu");
    app.wait("the recorded run", SHORT, || app.text().contains("Recorded").then_some(()));
    app.click("button", "Save");
    app.expect("dialog", "Save and share");
    let json: serde_json::Value = serde_json::from_slice(&save(&app, "Settings (JSON)", "json")).expect("JSON");
    assert_eq!(json["recorded"], true);
    let names = app.downloaded("json");
    assert!(names.iter().any(|name| name.to_string_lossy().contains("recorded")), "{names:?}");
    app.browser.press(key::ESCAPE);
    app.wait("the end of the dialog", SHORT, || (!app.text().contains("Save and share")).then_some(()));
}

#[test]
fn presenter_mode_comes_and_goes_by_key_and_keeps_the_run() {
    let app = App::start("present", Gpu::None);
    app.open_ready("backend=cpu&class=9&steps=3&seed=7");
    app.generate();
    let finished = app.picture();
    app.browser.press("f");
    let address = || app.browser.script("return location.search").as_str().unwrap_or_default().to_owned();
    app.wait("presenter mode", SHORT, || address().contains("present=1").then_some(()));
    app.wait("the class in large type", SHORT, || app.text().contains("guidance 2").then_some(()));
    let shown = |css: &str| {
        let script = format!("return document.querySelector('{css}').getClientRects().length > 0");
        app.browser.script(&script) == serde_json::Value::Bool(true)
    };
    assert!(!shown("#sampler") && !shown(".header"), "few controls");
    assert!(shown("#guidance") && shown(".tabs"), "what a lecture needs");
    assert!(shown(".stage") && shown(".timeline") && shown(".generate"), "stage, timeline and Generate");
    app.screenshot("present_page");
    app.generate();
    assert_eq!(app.picture(), finished, "the same settings");
    app.browser.press(key::ESCAPE);
    app.wait("the whole page", SHORT, || (!address().contains("present") && shown("#sampler")).then_some(()));
    assert_eq!(app.picture(), finished, "the film stays");
}

#[test]
fn an_embedded_page_shows_nothing_but_its_own_run_and_loads_when_asked() {
    let app = App::start("embed", Gpu::None);
    app.browser.resize(480, 360);
    app.open("backend=cpu&model=avatars&class=9&steps=3&seed=7&embed=1");
    app.wait("a button that runs it", LONG, || app.find("button", "Run this link").map(drop));
    assert!(!app.text().contains("Recorded"), "that is another run");
    // Long enough for a page that would load unasked to begin.
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(app.server.requests(".safetensors"), 0, "an embedded page fetches no weights unasked");
    assert_eq!(app.server.requests(&worker_file("_bg.wasm")), 0, "nor the worker");
    let link = app.browser.script("return document.querySelector('a.whole-page').href");
    let link = link.as_str().unwrap_or_default();
    assert!(link.contains("class=9") && link.contains("seed=7") && !link.contains("embed"), "{link}");
    let fits = "const root = document.documentElement;
        return root.scrollHeight <= innerHeight && root.scrollWidth <= innerWidth";
    for width in [480, 360] {
        app.browser.resize(width, 360);
        assert_eq!(app.browser.script(fits), true, "no scrolling at {width} by 360");
        app.screenshot(&format!("embed_{width}"));
    }
    app.generate();
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/avatars");
    let shards = std::fs::read_dir(model).expect("the model").flatten();
    let shards = shards.filter(|file| file.path().extension().is_some_and(|kind| kind == "safetensors")).count();
    assert_eq!(app.server.requests(".safetensors"), shards);
    assert_eq!(app.slider("Timeline", "max"), 3.0);
    assert_eq!(app.browser.script(fits), true, "no scrolling after a run");
}

/// Presses a button of the dialog and gives the file that comes.
#[track_caller]
pub fn save(app: &App, button: &str, extension: &str) -> Vec<u8> {
    let before = app.downloaded(extension);
    app.click("button", button);
    let new = || app.downloaded(extension).into_iter().find(|file| !before.contains(file));
    let file = app.wait(&format!("the file of \"{button}\""), SHORT, new);
    std::fs::read(&file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()))
}

/// How long a GIF takes until it begins again.
fn duration_ms(bytes: &[u8]) -> usize {
    let mut decoder = gif::DecodeOptions::new().read_info(bytes).expect("a GIF");
    let mut hundredths = 0;
    while let Some(frame) = decoder.read_next_frame().expect("a whole frame") {
        hundredths += usize::from(frame.delay);
    }
    10 * hundredths
}

/// The sides, and every frame as RGBA.
pub fn decode_gif(bytes: &[u8]) -> ((u16, u16), Vec<Vec<u8>>) {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes).expect("a GIF");
    let size = (decoder.width(), decoder.height());
    let mut frames = vec![];
    while let Some(frame) = decoder.read_next_frame().expect("a whole frame") {
        frames.push(frame.buffer.to_vec());
    }
    (size, frames)
}
