//! The forward process: pictures from everywhere, under noise, and denoised from there.

use crate::app::{App, LONG, SHORT};
use crate::webdriver::{Gpu, key};
use ditscope_config::ModelConfig;
use ditscope_noise::gaussian;
use ditscope_schedule::training_schedule;
use image::{Rgb, RgbImage};
use serde_json::Value;
use std::path::Path;

const REBUILT: &str = "Encoded, decoded";
const RESULT: &str = "Denoised from here";

fn noised(t: usize) -> String {
    format!("The picture under noise at t = {t}")
}

/// The pixels of a named picture; nothing while it is not there.
fn pixels(app: &App, name: &str) -> Option<Vec<u8>> {
    let script = format!(
        "const c = [...document.querySelectorAll('canvas')].find(c => c.ariaLabel === {name:?});
        return c && !c.hidden ? [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data] : null"
    );
    let value = app.browser.script(&script);
    value.as_array().map(|values| values.iter().filter_map(Value::as_u64).map(|value| value as u8).collect())
}

#[track_caller]
fn expect_picture(app: &App, name: &str) -> Vec<u8> {
    app.wait(&format!("the picture \"{name}\""), LONG, || pixels(app, name))
}

/// The largest and the mean difference of two pictures, of 255.
fn difference(a: &[u8], b: &[u8]) -> (u8, f64) {
    assert_eq!(a.len(), b.len());
    let apart: Vec<u8> = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).collect();
    (apart.iter().copied().max().unwrap_or(0), apart.iter().map(|d| f64::from(*d)).sum::<f64>() / a.len() as f64)
}

fn open(app: &App, parameters: &str) {
    app.open_ready(&format!("backend=cpu&view=forward&{parameters}"));
    expect_picture(app, &noised(400));
    expect_picture(app, REBUILT);
}

#[test]
fn a_training_picture_is_noised_as_the_formula_says() {
    // Long: one visit, step by step.
    let app = App::start("forward_noised", Gpu::None);
    open(&app, "class=9&steps=10&seed=7");
    // Listens along from here on.
    app.browser.script(
        "window.said = { asks: {}, answers: {} };
        const post = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message, ...rest) {
            const ask = JSON.parse(message.header).Ask;
            if (ask) said.asks[ask.id] = ask.ask;
            if (!this.heard) {
                this.heard = true;
                this.addEventListener('message', ({ data }) => {
                    const answer = JSON.parse(data.header).Answered;
                    if (answer) said.answers[answer.id] = [...new Float32Array(data.buffers[0].slice(0, 1024))];
                });
            }
            return post.call(this, message, ...rest);
        };",
    );
    app.click("radio", "Training picture: Bag 2");
    app.wait("the caption", SHORT, || app.text().contains("Training picture, Bag").then_some(()));
    let at_400 = expect_picture(&app, &noised(400));
    let rebuilt = expect_picture(&app, REBUILT);
    app.focus("slider", "Noise level t");
    app.browser.press(key::HOME);
    let at_0 = expect_picture(&app, &noised(0));
    assert!(
        difference(&at_0, &rebuilt).1 < 2.0,
        "without noise it is the reconstruction: {:?}",
        difference(&at_0, &rebuilt)
    );
    app.browser.press(key::END);
    let at_999 = expect_picture(&app, &noised(999));
    let (from_400, from_999) = (difference(&at_400, &rebuilt).1, difference(&at_999, &rebuilt).1);
    assert!(from_400 > 4.0 && from_999 > 1.5 * from_400, "{from_400} at t = 400, {from_999} at t = 999");
    app.click("button", "Noise level t = 571");
    let at_571 = expect_picture(&app, &noised(571));
    assert_eq!(app.slider("Noise level t", "now"), 571.0);

    // x_t = √ᾱ·x0 + √(1−ᾱ)·ε, with the noise that the seed gives.
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/fashion/config.json");
    let config = std::fs::read_to_string(config).expect("the shipped model's description");
    let config: ModelConfig = serde_json::from_str(&config).expect("a description");
    let schedule = training_schedule(&config.scheduler);
    let eps = gaussian(7, 0, 256);
    let said = app.browser.script("return said");
    let numbers = |id: &str| -> Vec<f64> {
        said["answers"][id].as_array().expect("an answer").iter().filter_map(Value::as_f64).collect()
    };
    let asks = said["asks"].as_object().expect("questions");
    let encode = asks.iter().find(|(_, ask)| *ask == "Encode").expect("the picture was encoded").0;
    let (x0, mut checked) = (numbers(encode), 0);
    // What was asked before is of the picture before.
    let number = |id: &str| id.parse::<u32>().expect("the number of a question");
    let of_this = |id: &str| number(id) > number(encode) && said["answers"].get(id).is_some();
    for (id, ask) in asks.iter().filter(|(id, _)| of_this(id)) {
        let Some(t) = ask["QSample"]["t"].as_u64() else { continue };
        let (signal, noise) = schedule.q_sample_factors(t as usize);
        for (i, found) in numbers(id).into_iter().enumerate() {
            let expected = signal * x0[i] + noise * f64::from(eps[i]);
            assert!((found - expected).abs() < 1e-4, "t = {t}, number {i}: {found}, expected {expected}");
        }
        checked += 1;
    }
    assert!(checked >= 4, "{checked} noised latents");
    // What is shown as colours is the latent at t = 571: red above zero, blue below.
    let (signal, noise) = schedule.q_sample_factors(571);
    let shown = app.browser.script(
        "return [...document.querySelectorAll('[aria-label^=\"Latent under noise\"] canvas')].map(
            c => [...c.getContext('2d').getImageData(0, 0, 8, 8).data])",
    );
    let shown: Vec<Vec<i32>> = serde_json::from_value(shown).expect("four channels");
    assert_eq!(shown.len(), 4);
    for (i, x0) in x0.iter().enumerate() {
        let x_t = signal * x0 + noise * f64::from(eps[i]);
        let pixel = &shown[i / 64][4 * (i % 64)..][..3];
        if x_t.abs() > 0.3 {
            assert_eq!(pixel[0] > pixel[2], x_t > 0.0, "number {i}: {x_t} as {pixel:?}");
        }
    }

    // Another seed, other noise; the playing picture ends as noise.
    app.browser.press("d");
    app.wait("other noise", SHORT, || pixels(&app, &noised(571)).filter(|p| *p != at_571).map(drop));
    app.click("button", "Dissolve the picture");
    app.wait("the end", LONG, || (app.slider("Noise level t", "now") == 999.0).then_some(()));
}

#[test]
fn own_pictures_are_used_and_bad_files_are_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    // A dark shape on white, wider than high.
    let inside = |x: u32, y: u32| (200..400).contains(&x) && (60..340).contains(&y);
    let picture =
        RgbImage::from_fn(600, 400, |x, y| if inside(x, y) { Rgb([40, 30, 60]) } else { Rgb([250, 250, 250]) });
    picture.save(path("mine.png")).expect("a picture");
    let whole = std::fs::read(path("mine.png")).expect("the picture");
    std::fs::write(path("broken.png"), &whole[..40]).expect("a file");
    std::fs::write(path("text.txt"), "no picture").expect("a file");
    std::fs::write(path("empty.png"), "").expect("a file");
    std::fs::write(
        path("drawing.svg"),
        "<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'><rect width='64' height='64'/></svg>",
    )
    .expect("a file");

    let app = App::start("forward_own", Gpu::None);
    open(&app, "class=8&steps=10&seed=7");
    let training = expect_picture(&app, REBUILT);
    let give = |name: &str| {
        let input = app.browser.find_all("#forward-file").expect("the page answers").remove(0);
        app.browser.type_into(&input, &path(name));
    };
    give("mine.png");
    app.wait("the advice", SHORT, || app.text().contains("background is light").then_some(()));
    app.wait("the reconstruction", SHORT, || pixels(&app, REBUILT).filter(|p| *p != training).map(drop));
    let light = expect_picture(&app, "Picture: mine.png");
    assert_eq!((light.len(), light[0]), (4 * 32 * 32, 250), "the middle square in the model's size");
    app.click("button", "Invert");
    app.wait("the inverted picture", SHORT, || pixels(&app, "Picture: mine.png").filter(|p| p[0] == 5).map(drop));

    for (name, words) in [("broken.png", "damaged"), ("text.txt", "not a picture"), ("empty.png", "is empty")] {
        give(name);
        app.wait_status(&format!("“{name}”"), SHORT);
        assert!(app.status().contains(words), "{}", app.status());
        assert!(pixels(&app, "Picture: mine.png").is_some(), "{name} cost the picture");
    }
    // Dropped and pasted, as far as a script can.
    app.browser.script(
        "const data = new DataTransfer();
        data.items.add(new File(['x'], 'dropped.png', { type: 'image/png' }));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));",
    );
    app.wait_status("dropped.png", SHORT);
    give("drawing.svg");
    expect_picture(&app, "Picture: drawing.svg");
    assert!(!app.status().contains("dropped.png"), "a good file takes the message away");
}

#[test]
fn a_picture_is_denoised_from_the_noise_level_on() {
    let app = App::start("forward_denoised", Gpu::None);
    open(&app, "class=1&steps=10&seed=7");
    app.click("button", "Noise level t = 571");
    app.wait("the first step", SHORT, || app.text().contains("6 of 10 steps").then_some(()));
    app.click("button", "Denoise from here");
    app.wait_done();
    assert_eq!(app.slider("Noise level t", "now"), 555.0, "the t of the run's first step");
    assert_eq!(app.slider("Timeline", "max"), 6.0, "the film has only the steps that were taken");
    let result = expect_picture(&app, RESULT);
    assert!(app.text().contains("step 6 of 6, 4 left out"), "{}", app.text());
    // The result becomes the next picture.
    app.click("button", "Generated picture");
    app.wait("the caption", SHORT, || app.text().contains("Made by the model").then_some(()));
    assert_eq!(difference(&expect_picture(&app, "Picture: Made by the model."), &result).0, 0);
    expect_picture(&app, &noised(555));
    // By key, from pure noise.
    app.focus("slider", "Noise level t");
    app.browser.press(key::END);
    app.browser.press("g");
    app.wait("a whole run", LONG, || (app.slider("Timeline", "max") == 10.0).then_some(()));
    app.wait_done();
}

#[test]
fn the_model_is_asked_which_class_it_sees() {
    let app = App::start("forward_opinion", Gpu::None);
    // A link asks by itself.
    app.open_ready("backend=cpu&view=ask&class=8&seed=7");
    app.wait("what it sees", LONG, || app.text().contains("Noise 48: the error is smallest with “Bag”").then_some(()));
    let shares = "return [...document.querySelectorAll('.class-bars meter')].map(meter => meter.value)";
    let shares: Vec<f64> = serde_json::from_value(app.browser.script(shares)).expect("numbers");
    assert_eq!(shares.len(), 10);
    assert!(shares.iter().all(|share| *share <= shares[8]), "{shares:?}");
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 0.01, "{shares:?}");
    app.click("radio", "Training picture: Trouser 1");
    app.wait("the other picture", LONG, || {
        app.text().contains("Noise 48: the error is smallest with “Trouser”").then_some(())
    });
    app.click("button", "Ask again");
    app.click("button", "Stop asking");
    app.expect("button", "Go on asking");
    let address = app.browser.script("return location.search");
    assert!(address.as_str().is_some_and(|address| address.contains("view=forward")), "{address}");
}

#[test]
fn a_drawing_is_a_picture_like_any_other() {
    let app = App::start("forward_pad", Gpu::None);
    open(&app, "model=fashion&class=9&steps=4&seed=7");
    let before = expect_picture(&app, REBUILT);
    app.browser.script("document.querySelector('.drawing-pad').open = true");
    let pad = app.expect("application", "Drawing pad");
    app.browser.click(&pad).expect("the pad can be drawn on");
    app.wait("the drawing", SHORT, || app.text().contains("drawing").then_some(()));
    let changed = |before: &[u8]| {
        app.wait("another picture", LONG, || pixels(&app, REBUILT).filter(|now| difference(now, before).1 > 0.5))
    };
    let dot = changed(&before);
    // With the keys, beside it; and back.
    app.focus("application", "Drawing pad");
    (0..4).for_each(|_| app.browser.press(key::LEFT));
    app.browser.press(" ");
    let two = changed(&dot);
    app.click("button", "Undo");
    app.wait("the first drawing", LONG, || pixels(&app, REBUILT).filter(|now| difference(now, &dot).1 < 0.1));
    assert!(difference(&two, &dot).1 > 0.5);
    app.click("button", "Ask the model");
    app.wait("an opinion", LONG, || app.text().contains("the error is smallest with").then_some(()));
}
