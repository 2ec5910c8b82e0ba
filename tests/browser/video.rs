//! Films as video: read back by the browser's own player.

use crate::app::{App, SHORT, decode_base64};
use crate::take::{decode_gif, save};
use crate::webdriver::Gpu;
use base64::{Engine, engine::general_purpose::STANDARD};
use image::imageops::{FilterType, resize};
use serde_json::json;

/// Times and pictures of a GIF: what the video of the same run must show.
pub struct Expected {
    /// When each picture begins, and after the last one the end.
    starts_ms: Vec<f64>,
    size: (u16, u16),
    pictures: Vec<Vec<u8>>,
}

impl Expected {
    pub fn of_gif(bytes: &[u8]) -> Self {
        let mut decoder = gif::DecodeOptions::new().read_info(bytes).expect("a GIF");
        let mut starts_ms = vec![0.0];
        while let Some(frame) = decoder.read_next_frame().expect("a whole frame") {
            starts_ms.push(starts_ms[starts_ms.len() - 1] + 10.0 * f64::from(frame.delay));
        }
        let (size, pictures) = decode_gif(bytes);
        Self { starts_ms, size, pictures }
    }

    /// Holds a video to it: its length, and in the middle of each picture's time that very picture.
    #[track_caller]
    pub fn is_shown_by(&self, app: &App, video: &[u8]) {
        let count = self.pictures.len();
        let player = Player::open(app, video);
        let due = self.starts_ms[count] / 1000.0;
        assert!((player.seconds - due).abs() < 0.02 * due, "{} s instead of {due}", player.seconds);
        assert_eq!(player.size, [self.size.0, self.size.1]);
        // Back and forth, as one seeks.
        for i in (0..count).rev().step_by(2).chain((0..count).filter(|i| i % 2 == count % 2)) {
            player.seek((self.starts_ms[i] + self.starts_ms[i + 1]) / 2000.0);
            app.wait(&format!("picture {i} of the film"), SHORT, || {
                let shown = player.picture();
                let apart: Vec<f64> = self.pictures.iter().map(|picture| difference(picture, &shown)).collect();
                // The last steps change next to nothing.
                let is_it = apart[i] < 4.0 && apart.iter().all(|other| apart[i] <= other + 0.1);
                is_it.then_some(()).or_else(|| {
                    println!("picture {i}: {apart:?} from those of the GIF");
                    None
                })
            });
        }
    }
}

/// The mean difference of two pictures in RGBA, of 255.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / (0.75 * a.len() as f64)
}

/// The browser's player with a file.
struct Player<'a> {
    app: &'a App,
    seconds: f64,
    size: [u16; 2],
}

impl<'a> Player<'a> {
    #[track_caller]
    fn open(app: &'a App, video: &[u8]) -> Self {
        let script = "return (async () => {
            const video = window.player = document.createElement('video');
            window.happens = event => new Promise((done, fail) => {
                video.addEventListener(event, done, { once: true });
                video.addEventListener('error', () => fail(Error(video.error.message)), { once: true });
            });
            const bytes = Uint8Array.from(atob(FILE), c => c.charCodeAt(0));
            const loaded = happens('loadeddata');
            video.muted = true;
            video.preload = 'auto';
            video.src = URL.createObjectURL(new Blob([bytes], { type: 'video/mp4' }));
            await loaded;
            return [video.duration, video.videoWidth, video.videoHeight];
        })()";
        let said = app.browser.script(&script.replace("FILE", &json!(STANDARD.encode(video)).to_string()));
        let number = |i: usize| said[i].as_f64().unwrap_or_else(|| panic!("numbers, not {said}"));
        Self { app, seconds: number(0), size: [1, 2].map(|i| number(i) as u16) }
    }

    #[track_caller]
    fn seek(&self, seconds: f64) {
        let script = "const there = happens('seeked'); player.currentTime = TIME; return there.then(() => true)";
        self.app.browser.script(&script.replace("TIME", &seconds.to_string()));
    }

    /// What is seen. A seek may be over a moment before it is.
    #[track_caller]
    fn picture(&self) -> Vec<u8> {
        let script = "const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [player.videoWidth, player.videoHeight];
            const context = canvas.getContext('2d', { willReadFrequently: true });
            context.drawImage(player, 0, 0);
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            let text = '';
            for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
            return btoa(text)";
        decode_base64(self.app.browser.script(script).as_str().expect("base64"))
    }
}

fn open_dialog(app: &App, parameters: &str) {
    app.open_ready(parameters);
    app.generate();
    app.click("button", "Save as…");
    app.expect("dialog", "Save and share");
}

#[test]
fn a_film_has_its_length_and_pictures_though_no_timer_fires() {
    let app = App::start("video", Gpu::None);
    open_dialog(&app, "backend=cpu&class=9&steps=12&seed=7&n=2");
    let one = Expected::of_gif(&save(&app, "Animated GIF", "gif"));
    // As in a tab that nobody looks at, and worse.
    app.browser.script(
        "for (const name of ['requestAnimationFrame', 'setTimeout', 'setInterval']) window[name] = () => 0;
        HTMLCanvasElement.prototype.captureStream = () => { throw Error('a canvas that is not painted'); };",
    );
    one.is_shown_by(&app, &save(&app, "Video", "mp4"));
    // Where there is no H.264.
    app.browser.script(
        "const ask = VideoEncoder.isConfigSupported.bind(VideoEncoder);
        VideoEncoder.isConfigSupported = about =>
            about.codec.startsWith('avc1') ? Promise.resolve({ supported: false }) : ask(about)",
    );
    let vp9 = save(&app, "Video", "mp4");
    assert!(vp9.windows(4).any(|name| name == b"vp09"), "VP9");
    one.is_shown_by(&app, &vp9);
}

#[test]
fn colours_are_those_of_the_picture() {
    let app = App::start("video_colours", Gpu::None);
    open_dialog(&app, "backend=cpu&model=emoji&class=0&steps=3&seed=7&n=1");
    let video = save(&app, "Video", "mp4");
    let picture = app.picture();
    assert!(picture.pixels().any(|p| p[0].abs_diff(p[2]) > 60), "a picture in colour");
    let player = Player::open(&app, &video);
    let times = u32::from(player.size[0]) / picture.width();
    let large = resize(&picture, picture.width() * times, picture.height() * times, FilterType::Nearest);
    player.seek(player.seconds - 0.5);
    app.wait("the same colours", SHORT, || {
        let apart = difference(&large, &player.picture());
        println!("{apart} of 255 away");
        (apart < 5.0).then_some(())
    });
}

#[test]
fn what_no_encoder_makes_is_said_and_can_be_stopped() {
    let app = App::start("video_refused", Gpu::None);
    open_dialog(&app, "backend=cpu&class=9&steps=12&seed=7&n=1");
    app.browser.script("window.Whole = VideoEncoder");
    let with = |class: &str| app.browser.script(&format!("window.VideoEncoder = {class}"));
    let said = |words: &str| {
        app.click("button", "Video");
        app.wait(words, SHORT, || app.text().contains(words).then_some(()));
        assert!(app.text().contains("The animated GIF shows the same"), "{}", app.text());
    };
    with("class extends Whole { static async isConfigSupported() { return { supported: false }; } }");
    said("no encoder for a video that it can play");
    with("class extends Whole { encode() { throw new DOMException('the encoder is busy', 'QuotaExceededError'); } }");
    said("gave up on the video (the encoder is busy)");
    // The reason comes by the callback, and what waits is broken off without one.
    with(
        "class extends Whole {
        constructor(init) { super(init); this.init = init; }
        async flush() { this.init.error(new DOMException('out of memory')); throw new DOMException('aborted'); }
    }",
    );
    said("gave up on the video (out of memory)");

    with(
        "class extends Whole {
        async flush() { await new Promise(done => setTimeout(done, 300)); return super.flush(); }
    }",
    );
    app.click("button", "Video");
    let share = || app.browser.script("return document.querySelector('.making progress').value").as_f64();
    app.wait("some progress", SHORT, || share().filter(|share| *share > 0.1));
    app.click("button", "Stop");
    app.wait("the end of it", SHORT, || app.find("button", "Stop").is_none().then_some(()));
    with("Whole");
    assert_eq!(save(&app, "Video", "mp4")[4..8], *b"ftyp");

    app.before_pages("delete window.VideoEncoder");
    open_dialog(&app, "backend=cpu&class=9&steps=3&seed=7&n=1");
    assert!(app.text().contains("no encoder for a video that it can play"), "{}", app.text());
    let off = app.browser.is_enabled(&app.expect("button", "Video"));
    assert!(off.is_ok_and(|enabled| !enabled), "the button is off");
}
