//! The lab's experiments on the shipped model, on the CPU path: each is done as a visitor would, and what it shows is looked at.

use crate::app::{App, LONG, SHORT};
use crate::webdriver::{Gpu, key};
use serde_json::Value;

/// The pixels of the canvas whose name begins like this; nothing while it is not there.
fn pixels(app: &App, name: &str) -> Option<Vec<u8>> {
    let script = format!(
        "const c = [...document.querySelectorAll('canvas')].find(c => (c.ariaLabel ?? '').startsWith({name:?}));
        return c && !c.hidden && c.width > 1 ? [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data] : null"
    );
    let value = app.browser.script(&script);
    value.as_array().map(|values| values.iter().filter_map(Value::as_u64).map(|value| value as u8).collect())
}

#[track_caller]
fn picture(app: &App, name: &str) -> Vec<u8> {
    app.wait(&format!("the picture \"{name}\""), LONG, || pixels(app, name))
}

/// Mean difference, of 255.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// Chooses in a list, by a value.
#[track_caller]
fn choose(app: &App, name: &str, value: &str) {
    app.expect("combobox", name);
    app.browser.script(&format!(
        "const list = [...document.querySelectorAll('select')].find(e => e.ariaLabel === {name:?});
        list.value = {value:?};
        list.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    ));
}

/// The lab with a finished run of Fashion.
fn open(app: &App, view: &str) {
    app.open_ready(&format!("model=fashion&backend=cpu&class=7&seed=5&steps=10&view={view}"));
    app.generate();
}

#[test]
fn one_step_guesses_a_mean_where_many_make_a_picture() {
    let app = App::start("lab_onestep", Gpu::None);
    open(&app, "onestep");
    let end = picture(&app, "After all 10 steps");
    assert_eq!(picture(&app, "x̂₀ in one go from t = 0"), end, "at the end both are the same");
    app.focus("slider", "Timeline");
    app.browser.press(key::HOME);
    let first = picture(&app, "x̂₀ in one go from t = 999");
    assert!(difference(&first, &end) > 5.0, "{}", difference(&first, &end));

    app.click("button", "Guess in one go");
    let mean = picture(&app, "Their mean");
    let guess = |number: usize| picture(&app, &format!("Noise {number}"));
    let apart = |mean: &[u8]| (1..=8).map(|i| difference(&guess(i), mean)).sum::<f64>() / 8.0;
    let at_noise = apart(&mean);
    assert!(app.status().contains("every guess is nearly the same"), "{}", app.status());
    // From a t that the run never visits, the guesses are of the picture.
    app.focus("slider", "Noise level t");
    app.browser.press(key::HOME);
    app.wait("guesses near the picture", LONG, || app.status().contains("have in common").then_some(()));
    let near = picture(&app, "Their mean");
    assert!(difference(&near, &end) < 4.0, "{}", difference(&near, &end));
    assert!(at_noise < 12.0, "guesses from pure noise are alike: {at_noise}");
}

/// One experiment goes when another comes.
#[test]
fn experiments_take_turns() {
    let app = App::start("lab_turns", Gpu::None);
    app.open_ready("model=fashion&backend=cpu&view=onestep");
    for kind in ["Paint", "Edit", "Break it", "Ideal denoiser", "One step"] {
        app.click("radio", kind);
        let bodies = || app.browser.find_all(".lab-body").map_or(0, |bodies| bodies.len());
        app.wait("one experiment alone", SHORT, || (bodies() == 1).then_some(()));
    }
    assert!(app.text().contains("Guess in one go") && !app.text().contains("What the ideal denoiser mixes"));
}

/// Nothing of a stage is cut off for a lecture, where all else fits one screen.
#[test]
fn in_a_lecture_everything_can_be_reached() {
    let app = App::start("lab_present", Gpu::None);
    let reaches = |first: &str| {
        let script = format!(
            "const stage = document.querySelector('.stage'), first = stage.querySelector({first:?});
            if (!first) return false;
            const box = stage.getBoundingClientRect(), lies = first.getBoundingClientRect().top >= box.top;
            const fits = [...stage.querySelectorAll('*')].map(e => e.getBoundingClientRect())
                .every(r => r.width < 2 || r.height < 2 || r.bottom <= box.bottom + 1);
            return lies && (fits || getComputedStyle(stage).overflowY === 'auto')"
        );
        app.wait(first, LONG, || (app.browser.script(&script) == true).then_some(()));
    };
    for (view, first) in [("break", ".lab-about"), ("train", ".training-words"), ("forward", ".training-tile")] {
        app.open(&format!("model=fashion&backend=cpu&present=1&view={view}"));
        reaches(first);
    }
}

#[test]
fn what_is_marked_changes_and_the_rest_stays() {
    let app = App::start("lab_paint", Gpu::None);
    open(&app, "paint");
    app.wait("words", SHORT, || app.status().contains("Mark a part").then_some(()));
    let easel = app.expect("application", "The picture, with the cells of its latent to be marked");
    app.browser.click(&easel).expect("the easel takes the focus");
    app.click("button", "Clear");
    app.focus("application", "The picture, with the cells of its latent to be marked");
    // To the upper left corner, and two cells with a brush of two.
    (0..8).for_each(|_| [key::LEFT, key::UP].into_iter().for_each(|key| app.browser.press(key)));
    app.browser.press(" ");
    app.wait("marks", SHORT, || app.status().contains("of 64 cells may change").then_some(()));
    app.click("button", "Undo");
    app.wait("no marks", SHORT, || app.status().contains("Mark a part").then_some(()));
    app.click("button", "Invert");
    app.wait("all marked", SHORT, || app.status().contains("64 of 64").then_some(()));
    app.click("button", "Invert");
    app.focus("application", "The picture, with the cells of its latent to be marked");
    app.browser.press(" ");
    choose(&app, "Each step so many times", "2");
    app.click("button", "Paint");
    app.wait_done();
    let painted = picture(&app, "Painted");
    // Steps are taken again: more frames than steps.
    let last = app.slider("Timeline", "max");
    assert!(last > 10.0, "{last} steps");
    let before = app.browser.script(
        "const c = document.querySelector('.lab-easel canvas');
        return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]",
    );
    let before: Vec<u8> = before.as_array().into_iter().flatten().filter_map(Value::as_u64).map(|v| v as u8).collect();
    // The lower half is far from the mark: its latents are the same, and so are its pixels.
    let half = before.len() / 2;
    assert!(difference(&before[half..], &painted[half..]) < 0.5);
    app.click("button", "Go on with this picture");
    app.wait("the new picture", SHORT, || {
        let now = app.browser.script("const c = document.querySelector('.lab-easel canvas'); return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]");
        let now: Vec<u8> = now.as_array()?.iter().filter_map(Value::as_u64).map(|v| v as u8).collect();
        (now == painted).then_some(())
    });
}

#[test]
fn a_picture_comes_back_from_its_noise_and_becomes_another_class() {
    let app = App::start("lab_edit", Gpu::None);
    open(&app, "edit");
    let original = picture(&app, "The picture");
    choose(&app, "Other class", "9");
    app.click("button", "Find its noise");
    app.wait_status("Done", LONG);
    let back = app.wait("the picture that came back", LONG, || {
        pixels(&app, "From its noise: Sneaker, without guidance: came back")
    });
    assert!(difference(&original, &back) < 12.0, "{}", difference(&original, &back));
    let other = picture(&app, "The same with guidance: Ankle boot");
    assert!(difference(&original, &other) > difference(&original, &back));

    app.click("radio", "From class to class");
    app.click("button", "Make the row");
    app.wait_status("×7", LONG);
    app.wait_done();
    let (start, end) = (picture(&app, "0 %"), picture(&app, "100 %"));
    assert!(difference(&start, &original) < 1.0, "the row begins with the class of the page");
    assert!(difference(&start, &end) > 5.0);
    app.click("button", "Play the row");
    app.expect("button", "Stop");
}

#[test]
fn a_part_that_is_off_shows_what_it_was_for() {
    switches_off(&App::start("lab_break", Gpu::None));
}

/// A block is switched off and on again, and all parts are measured.
pub fn switches_off(app: &App) {
    open(app, "break");
    let whole = picture(app, "The whole model");
    app.click("button", "Block 3");
    app.wait_status("×2", LONG);
    app.wait_done();
    let broken = picture(app, "Without Block 3");
    assert_eq!(picture(app, "The whole model"), whole, "the whole model is the plain run");
    assert!(difference(&whole, &broken) > 1.0);
    app.click("button", "Switch all on");
    app.wait("both are the same", LONG, || (pixels(app, "Nothing is switched off")? == whole).then_some(()));
    app.click("button", "Measure all parts");
    app.wait("the ranking", LONG, || app.text().contains("Noise 12 of 12").then_some(()));
    let ranks = app.browser.find_all(".lab-ranking li").expect("a selector").len();
    assert_eq!(ranks, 1 + 6 + 12 + 36, "the class, blocks, halves of them, heads");
}

#[test]
fn the_ideal_denoiser_ends_in_a_training_picture_and_the_network_does_not() {
    let app = App::start("lab_ideal", Gpu::None);
    open(&app, "ideal");
    let ideal = app.wait("the ideal end", LONG, || pixels(&app, "Ideal denoiser: "));
    assert!(difference(&ideal, &picture(&app, "100.0 % of this training picture")) < 0.5);
    let network = picture(&app, "The network");
    assert!(difference(&network, &picture(&app, "Nearest training picture")) > 1.0);
    app.focus("slider", "Timeline");
    app.browser.press(key::HOME);
    app.wait("many that weigh little", LONG, || {
        let titles = app
            .browser
            .script("return [...document.querySelectorAll('.lab-figure figcaption')].map(e => e.textContent)");
        let shares = titles
            .as_array()?
            .iter()
            .filter_map(Value::as_str)
            .filter_map(|it| it.split_once(" %")?.0.parse::<f64>().ok());
        let largest = shares.fold(0.0, f64::max);
        (largest > 0.0 && largest < 50.0).then_some(())
    });
    // A model without such latents says so.
    app.open("model=emoji&backend=cpu&view=ideal");
    app.wait("the reason", LONG, || app.status().contains("brings no latents").then_some(()));
}

#[test]
fn what_is_set_stands_in_the_address_and_comes_back_from_it() {
    let app = App::start("lab_address", Gpu::None);
    let query = || app.browser.script("return location.search").as_str().unwrap_or_default().to_owned();
    // With little motion wanted, as here, a link waits for a press.
    let run = |query: &str| {
        app.open_ready(&format!("model=fashion&backend=cpu&class=7&seed=5&steps=4&{query}"));
        app.click("button", "Run this link");
    };
    // What the model does not have is left out with a word; the rest is set, and done.
    run("view=break&lab=off:b0.y,off:b9,at:20-100");
    // At first, up to a fifth of the run, both are the same.
    app.wait_done();
    let broken = picture(&app, "Without");
    app.wait("a word on block 9", SHORT, || app.text().contains("off:b9").then_some(()));
    assert!(query().contains("lab=off:b0.y,at:20-100"), "{}", query());
    assert!(difference(&broken, &picture(&app, "The whole model")) > 5.0);
    app.click("button", "Switch all on");
    app.wait("an address without it", SHORT, || (!query().contains("off:")).then_some(()));

    // The mean of guesses from another t, and the same marks, after a reload.
    run("view=onestep&lab=t:500");
    picture(&app, "Their mean");
    run("view=paint&lab=cells:8.f0f0f0f0f0f0f0f0,again:1");
    let painted = picture(&app, "Painted");
    app.wait_done();
    assert!(query().contains("lab=cells:8.f0f0f0f0f0f0f0f0,again:1"), "{}", query());
    assert!(!painted.is_empty());
}
