//! Browsers, keyboards and screens as people have them.

use crate::app::{App, LONG, SHORT, decode_png, worker_file};
use crate::server::Fault;
use crate::webdriver::Gpu;
use serde_json::{Value, json};

impl App {
    fn evaluate(&self, script: &str) -> Value {
        self.browser.script(script)
    }
}

#[test]
fn an_address_that_the_browser_would_not_take_is_shown_later() {
    let app = App::start("field_address", Gpu::None);
    // As Safari does, with less patience.
    app.before_pages(
        "const replace = history.replaceState, times = [];
        history.replaceState = function (...all) {
            const now = performance.now();
            while (times[0] < now - 2000) times.shift();
            if (times.length >= 5) throw new DOMException('too often', 'SecurityError');
            times.push(now);
            return replace.apply(this, all);
        };",
    );
    app.open_ready("backend=cpu&steps=3");
    for _ in 0..12 {
        app.browser.press("d");
    }
    let seed = app.settings().seed;
    app.wait("the last seed in the address", SHORT, || {
        let query = app.evaluate("return location.search").as_str().unwrap_or_default().to_owned();
        query.contains(&format!("seed={seed}&")).then_some(())
    });
}

#[test]
fn a_translated_page_goes_on() {
    let app = App::start("field_translation", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=4&seed=12");
    // As browsers translate: each text node gives way to an element, except where that is forbidden.
    app.evaluate(
        "const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), nodes = [];
        while (walker.nextNode()) nodes.push(walker.currentNode);
        for (const node of nodes) {
            if (!node.data.trim() || node.parentElement.closest('[translate=no], script, math')) continue;
            const font = document.createElement('font');
            node.replaceWith(font);
            font.textContent = node.data.toUpperCase();
        }",
    );
    app.browser.press("g");
    app.wait_done();
    app.browser.press("\u{E011}"); // Home
    let shown = || app.evaluate("return document.querySelector('.readout p').innerText");
    app.wait("the first step", SHORT, || shown().as_str().is_some_and(|text| text.contains("step 0/4")).then_some(()));
    app.browser.press("\u{E014}"); // →
    app.wait("the second step", SHORT, || shown().as_str().is_some_and(|text| text.contains("step 1/4")).then_some(()));
}

#[test]
fn keys_are_known_by_their_place_and_letters_can_be_switched_off() {
    let app = App::start("field_keys", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=2&seed=12");
    app.evaluate("window.dispatchEvent(new KeyboardEvent('keydown', { key: 'п', code: 'KeyG', bubbles: true, cancelable: true }))");
    app.wait_done();
    app.browser.press("?");
    app.expect("dialog", "Help");
    app.focus("checkbox", "Single letters are keys");
    app.browser.press(" ");
    app.browser.press("\u{E00C}"); // Escape
    for reloaded in [false, true] {
        if reloaded {
            app.open_ready("backend=cpu&class=1&steps=2&seed=12");
        }
        let seed = app.settings().seed;
        app.browser.press("d");
        assert_eq!(app.settings().seed, seed, "reloaded: {reloaded}");
    }
    app.focus("slider", "Timeline");
}

#[test]
fn over_plain_http_the_notice_says_what_webgpu_needs() {
    let app = App::start("field_http", Gpu::None);
    let plain =
        "Object.defineProperty(self, 'isSecureContext', { value: false }); delete WorkerNavigator.prototype.gpu;";
    app.server.break_file(&worker_file("_loader.js"), Fault::Before(plain));
    app.open_ready("steps=2");
    app.wait("a word about https", LONG, || app.notices().contains("https").then_some(()));
    assert!(!app.notices().contains("has no WebGPU"), "{}", app.notices());
}

#[test]
fn what_is_saved_comes_from_the_pages_own_bytes() {
    let app = App::start("field_canvas", Gpu::None);
    app.open_ready("backend=cpu&class=9&steps=3&seed=7");
    app.generate();
    let honest = decode_png(&app.download());
    app.evaluate(
        "const read = CanvasRenderingContext2D.prototype.getImageData;
        CanvasRenderingContext2D.prototype.getImageData = function (...all) {
            const data = read.apply(this, all);
            for (let i = 0; i < data.data.length; i += 5) data.data[i] ^= 3;
            return data;
        };
        HTMLCanvasElement.prototype.toBlob = function (take) { take(null); };",
    );
    assert_eq!(decode_png(&app.download()), honest);
    app.click("button", "Save as…");
    app.expect("dialog", "Save and share");
    app.click("button", "Contact sheet");
    app.wait("a sheet without a canvas", SHORT, || app.text().contains(".svg").then_some(()));
}

#[test]
fn pictures_keep_whole_device_pixels_when_the_ratio_changes() {
    let app = App::start("field_ratio", Gpu::None);
    app.open_ready("backend=cpu&class=9&steps=3&seed=7");
    app.generate();
    for ratio in [1.25, 1.5, 2.0] {
        let screen = json!({ "width": 1280, "height": 900, "deviceScaleFactor": ratio, "mobile": false });
        app.browser.devtools("Emulation.setDeviceMetricsOverride", screen);
        app.wait("whole device pixels", SHORT, || {
            let times = app.evaluate(
                "const canvas = document.querySelector('.picture-view canvas');
                return canvas.getBoundingClientRect().width * devicePixelRatio / canvas.width",
            );
            let times = times.as_f64().unwrap_or_default();
            (times > 1.0 && (times - times.round()).abs() < 0.02).then_some(())
        });
    }
}

#[test]
fn a_comma_is_a_point_or_refused_with_a_word() {
    let app = App::start("field_comma", Gpu::None);
    app.open_ready("backend=cpu&view=compare&compare=guidance:1,3&seed=12");
    let type_into = |name: &str, text: &str| {
        app.focus("spinbutton", name);
        app.evaluate("document.activeElement.select()");
        for key in text.chars() {
            app.browser.press(&key.to_string());
        }
    };
    type_into("Guidance scale 2 of 2", "7,5\u{E007}");
    app.wait("7.5", SHORT, || {
        app.evaluate("return location.search").as_str().is_some_and(|query| query.contains("7.5")).then_some(())
    });
    type_into("Seed", "7,5");
    let said = app.evaluate("return document.activeElement.validationMessage");
    assert!(said.as_str().is_some_and(|said| said.contains("whole number")), "{said}");
    app.browser.press("\u{E007}");
    app.wait("the seed of before", SHORT, || (app.settings().seed == "12").then_some(()));
}

#[test]
fn files_beside_their_place_are_ignored_and_a_long_run_is_not_left_without_a_question() {
    let app = App::start("field_leave", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=3&seed=12");
    let drops = "return ['dragover', 'drop'].map(kind => {
        const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: new DataTransfer() });
        document.querySelector('.stage').dispatchEvent(event);
        return event.defaultPrevented;
    })";
    assert_eq!(app.evaluate(drops), json!([true, true]));
    let asks = || app.evaluate("return !window.dispatchEvent(new Event('beforeunload', { cancelable: true }))");
    app.generate();
    assert_eq!(asks(), json!(false), "nothing is under way");
    app.open_ready("backend=cpu&class=1&steps=250&seed=12&n=16");
    app.browser.press("g");
    app.wait("a question before the run is left", LONG, || (asks() == json!(true)).then_some(()));
    app.browser.press("\u{E00C}");
    app.wait_status("Cancelled", LONG);
    assert_eq!(asks(), json!(false));
    assert_eq!(app.evaluate("return getComputedStyle(document.documentElement).overscrollBehaviorY"), json!("contain"));
}

#[test]
fn forced_colours_show_what_is_chosen() {
    let app = App::start("field_forced", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=3&seed=12");
    app.generate();
    app.browser.prefer("forced-colors", "active");
    let differ = |chosen: &str, other: &str| {
        let colours = "const look = e => { const s = getComputedStyle(e); return s.backgroundColor + s.outlineStyle; };
            const [chosen, other] = arguments[0].map(selector => document.querySelector(selector));
            return chosen && other ? look(chosen) !== look(other) : `${chosen} ${other}`";
        let colours = colours.replace("arguments[0]", &json!([chosen, other]).to_string());
        assert_eq!(app.evaluate(&colours), json!(true), "{chosen}");
    };
    differ(".tab[aria-selected=true]", ".tab[aria-selected=false]");
    differ(".chip:has(:checked)", ".chip:not(:has(:checked))");
    differ(".view-chip[aria-pressed=true]", ".view-chip[aria-pressed=false]");
    differ(".slot.here", ".slot:not(.here)");
    let track = "return getComputedStyle(document.querySelector('#guidance')).forcedColorAdjust";
    assert_eq!(app.evaluate(track), json!("none"), "the slider keeps its track");
    app.screenshot("field_forced");
}

#[test]
fn two_tabs_that_add_models_keep_both() {
    let app = App::start("field_tabs", Gpu::None);
    app.open_ready("backend=cpu");
    // Another tab of the same page adds one: what it stores is heard of here.
    app.evaluate(
        "return (async () => {
            const { models } = await (await fetch('assets/models/index.json')).json();
            const entry = { ...models.find(model => model.id === 'tones'), name: 'Other tab' };
            const frame = document.createElement('iframe');
            frame.src = 'assets/models/index.json';
            document.body.append(frame);
            await new Promise(done => frame.onload = done);
            const added = [{ model: { Url: `${location.origin}/assets/models/tones` }, entry }];
            frame.contentWindow.localStorage.setItem('ditscope-models', JSON.stringify(added));
            return true;
        })()",
    );
    app.browser.press("m");
    app.wait("the other tab's model", SHORT, || app.text().contains("Other tab").then_some(()));
}

/// As browsers do so that nobody is known by what they draw; while `window.altering`.
const ALTERING: &str = "
    window.altering = true;
    const read = CanvasRenderingContext2D.prototype.getImageData;
    window.readHonestly = c => [...read.call(c.getContext('2d'), 0, 0, c.width, c.height).data];
    CanvasRenderingContext2D.prototype.getImageData = function (...all) {
        const data = read.apply(this, all);
        if (altering) for (let i = 0; i < data.data.length; i += 3) data.data[i] ^= 85;
        return data;
    };";

/// What the Forward view shows as its picture.
fn forward_picture(app: &App, name: &str) -> Vec<u8> {
    let script = format!(
        "const canvas = [...document.querySelectorAll('canvas')].find(c => c.ariaLabel?.startsWith('Picture: {name}'));
        return canvas ? readHonestly(canvas) : []"
    );
    app.wait(&format!("the picture {name}"), LONG, || {
        let values = app.evaluate(&script);
        let values = values.as_array().into_iter().flatten().filter_map(Value::as_u64);
        let bytes: Vec<u8> = values.map(|value| value as u8).collect();
        (!bytes.is_empty()).then_some(bytes)
    })
}

#[test]
fn pictures_are_read_without_what_a_browser_alters_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let photo =
        image::RgbImage::from_fn(300, 200, |x, y| image::Rgb([(x * 5 / 6) as u8, y as u8, ((x ^ y) / 2) as u8]));
    for name in ["honest.jpg", "altered.jpg", "refused.jpg", "mine.png"] {
        photo.save(path(name)).expect("a picture");
    }
    let app = App::start("field_pictures", Gpu::None);
    app.before_pages(ALTERING);
    app.open_ready("backend=cpu&view=forward&class=8&steps=10&seed=7");
    let give = |name: &str| {
        let input = app.browser.find_all("#forward-file").expect("the page answers").remove(0);
        app.browser.type_into(&input, &path(name));
    };

    app.click("radio", "Training picture: Bag 2");
    let shown = forward_picture(&app, "Training picture, Bag");
    let sheet = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/fashion/training.png");
    let sheet = image::open(sheet).expect("the training pictures").into_rgba8();
    let tile = image::imageops::crop_imm(&sheet, 32, 8 * 32, 32, 32).to_image();
    assert!(shown == tile.into_raw(), "a training picture is shown as it is, to the last bit");

    app.evaluate("window.altering = false");
    give("honest.jpg");
    let honest = forward_picture(&app, "honest.jpg");
    app.evaluate("window.altering = true");
    give("altered.jpg");
    let apart = honest.iter().zip(forward_picture(&app, "altered.jpg")).map(|(a, b)| a.abs_diff(b)).max();
    assert!(apart <= Some(1), "a photo is what it would be in another browser: up to {apart:?} of 255 away");

    // As in Firefox with all its protection.
    app.evaluate("delete window.VideoFrame");
    give("refused.jpg");
    app.wait_status("“refused.jpg” was not taken", SHORT);
    assert!(app.status().contains("Choose a PNG"), "{}", app.status());
    give("mine.png");
    let mine = forward_picture(&app, "mine.png");
    let apart: Vec<u8> = honest.iter().zip(&mine).map(|(a, b)| a.abs_diff(*b)).collect();
    assert!(apart.iter().all(|apart| *apart < 16), "a PNG shows what the photo shows: {apart:?}");
    assert!(!app.status().contains("refused.jpg"), "{}", app.status());
}
