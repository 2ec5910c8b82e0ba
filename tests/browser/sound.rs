//! Hearing the pictures of a model whose pictures are spectrograms.

use crate::app::{App, SHORT};
use crate::webdriver::{Gpu, key};
use serde_json::Value;
use std::time::Duration;

/// Griffin-Lim on one core of a slow machine.
const HEARING: Duration = Duration::from_secs(60);

impl App {
    /// Sample rate, samples and the loudest of them, of what the player holds.
    fn sound(&self) -> Option<(u64, u64, f64)> {
        let script = "
            const src = document.querySelector('audio')?.src;
            if (!src) return null;
            return fetch(src).then(response => response.arrayBuffer()).then(buffer => {
                const view = new DataView(buffer), count = (buffer.byteLength - 44) / 2;
                let most = 0;
                for (let i = 0; i < count; i++) most = Math.max(most, Math.abs(view.getInt16(44 + 2 * i, true)));
                return [view.getUint32(24, true), count, most / 32767];
            });";
        let Value::Array(found) = self.browser.script(script) else { return None };
        Some((found[0].as_u64()?, found[1].as_u64()?, found[2].as_f64()?))
    }
}

#[test]
fn a_generated_sound_is_heard_at_any_step() {
    let app = App::start("sound", Gpu::None);
    app.open_ready("model=tones&backend=cpu&class=1&steps=8&seed=3");
    assert!(app.text().contains("Upwards: frequency, 0 to 8000 Hz"), "the axes are told");
    assert_eq!(app.sound(), None, "nothing plays unasked");
    app.generate();

    app.click("button", "Listen");
    let (rate, samples, loudest) = app.wait("a sound", HEARING, || app.sound());
    assert_eq!((rate, samples), (16_000, 16_128));
    assert!(loudest > 0.02, "the loudest sample is {loudest}");
    let finished = app.browser.script("return document.querySelector('audio').src");
    let name = app.browser.script("return document.querySelector('audio').getAttribute('aria-label')");
    assert!(name.as_str().is_some_and(|name| name.starts_with("Sound. Bell")), "{name}");

    // Earlier, and by key.
    app.browser.press(key::HOME);
    app.browser.press(key::RIGHT);
    app.browser.press("s");
    app.wait("another sound", HEARING, || {
        let now = app.browser.script("return document.querySelector('audio').src");
        (now != finished && app.sound().is_some_and(|(_, samples, _)| samples == 16_128)).then_some(())
    });
    app.wait_status("Bell, step 1 of 8", SHORT);
}

#[test]
fn a_model_of_pictures_offers_nothing_to_hear() {
    let app = App::start("no_sound", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=2&seed=3");
    app.generate();
    assert!(app.find("button", "Listen").is_none());
    app.browser.press("s");
    assert_eq!(app.sound(), None);
}
