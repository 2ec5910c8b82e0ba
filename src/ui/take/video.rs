//! A film as a video: the browser encodes the page's own pixels (WebCodecs), and [`ditscope_export::mp4`] makes the file.
//! Nothing is played for it, so that neither the clock nor a hidden tab changes what comes out.

use crate::ui::by_name::{call, construct, field, global, number, object, text, wait_for};
use crate::ui::dom;
use ditscope_export::mp4::{self, Codec, Colours, Picture};
use ditscope_page_state::Notice;
use ditscope_page_state::film::Pixels;
use js_sys::Uint8Array;
use leptos::prelude::document;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// The film has a picture every so many milliseconds, the same one again while that is seen: where pictures last for different
/// times, Chromium's player goes to a wrong one, and other programs forget how long the last one is held.
const TICK_MS: usize = 20;
/// One picture in so many needs none before it: there a player can begin.
const KEY_EVERY: usize = 50;
/// So many pictures are in the encoder's hands at most.
const MOST_WAITING: usize = 10;

/// What is asked of the browser's encoder: a kind of video, as WebCodecs names it.
#[derive(Clone)]
struct Kind {
    codec: String,
    vp9_level: Option<u8>,
}

/// The kinds for pictures of so many pixels, the one that most programs play first. Each with the lowest level that has
/// room for them.
fn kinds(pixels: usize) -> [Kind; 2] {
    let lowest = |levels: &[(usize, u8)]| {
        let level = levels.iter().find(|(most, _)| pixels <= *most);
        level.map_or(60, |(_, level)| *level)
    };
    let h264 = lowest(&[(921_600, 31), (2_097_152, 40), (9_437_184, 51)]);
    let vp9 = lowest(&[(122_880, 20), (552_960, 30), (2_228_224, 40), (8_912_896, 50)]);
    [
        // The baseline profile, in which pictures come in the order in which they are seen.
        Kind { codec: format!("avc1.42E0{h264:02X}"), vp9_level: None },
        Kind { codec: format!("vp09.00.{vp9}.08"), vp9_level: Some(vp9) },
    ]
}

/// Whether the browser plays such a file. Asked before the encoder is: WebKitGTK dies of the question where it has neither.
fn plays(kind: &Kind) -> bool {
    let Ok(video) = document().create_element("video") else { return false };
    let media_type = format!("video/mp4; codecs=\"{}\"", kind.codec);
    call(&video, "canPlayType", &[media_type.into()]).is_ok_and(|answer| answer.is_truthy())
}

/// Whether the browser may be able to make a video. What its encoder says is known only later.
pub fn may_be_made() -> bool {
    global("VideoEncoder").is_ok() && kinds(1).iter().any(plays)
}

fn configuration(kind: &Kind, width: usize, height: usize) -> JsValue {
    // Enough for noise.
    let bits = (16 * width * height).clamp(8_000_000, 40_000_000) as f64;
    object(&[
        ("codec", kind.codec.clone().into()),
        ("width", (width as f64).into()),
        ("height", (height as f64).into()),
        ("bitrate", bits.into()),
        ("framerate", (1000.0 / TICK_MS as f64).into()),
        ("latencyMode", "quality".into()),
    ])
}

/// What has come out of the encoder.
#[derive(Default)]
struct Encoded {
    pictures: Vec<Picture>,
    /// What is known of the stream since its first picture.
    decoder: JsValue,
    failure: Option<String>,
}

/// The browser's encoder, at work on a film.
pub struct Video {
    width: usize,
    height: usize,
    kind: Kind,
    encoder: JsValue,
    ticks: usize,
    encoded: Rc<RefCell<Encoded>>,
    _callbacks: [Closure<dyn FnMut(JsValue, JsValue)>; 2],
}

impl Video {
    /// For pictures of this size, whose sides must be even.
    pub async fn start(width: usize, height: usize) -> Result<Self, Notice> {
        let class = global("VideoEncoder").map_err(|_| Notice::NoVideo)?;
        let mut chosen = None;
        for kind in kinds(width * height) {
            let configuration = configuration(&kind, width, height);
            if plays(&kind) {
                let answer = wait_for(&class, "isConfigSupported", std::slice::from_ref(&configuration)).await;
                if answer.is_ok_and(|answer| field(&answer, "supported").is_truthy()) {
                    chosen = Some((kind, configuration));
                    break;
                }
            }
        }
        let (kind, configuration) = chosen.ok_or(Notice::NoVideo)?;
        let encoded = Rc::<RefCell<Encoded>>::default();
        let (heard, failed) = (encoded.clone(), encoded.clone());
        let on_picture = Closure::<dyn FnMut(JsValue, JsValue)>::new(move |chunk, about| {
            hear(&mut heard.borrow_mut(), &chunk, &about);
        });
        let on_failure = Closure::<dyn FnMut(JsValue, JsValue)>::new(move |error: JsValue, _| {
            failed.borrow_mut().failure = Some(dom::reason(&error));
        });
        let callbacks = object(&[("output", on_picture.as_ref().clone()), ("error", on_failure.as_ref().clone())]);
        let encoder = construct("VideoEncoder", &[callbacks]).map_err(not_encoded)?;
        let video = Self { width, height, kind, encoder, ticks: 0, encoded, _callbacks: [on_picture, on_failure] };
        call(&video.encoder, "configure", &[configuration]).map_err(not_encoded)?;
        Ok(video)
    }

    /// Adds a picture of the size that was named, which is seen from the end of the one before until then.
    pub async fn add(&mut self, pixels: &Pixels, until_ms: usize) -> Result<(), Notice> {
        let about = object(&[
            ("format", "RGBX".into()),
            ("codedWidth", (self.width as f64).into()),
            ("codedHeight", (self.height as f64).into()),
            ("timestamp", 0.into()),
        ]);
        let picture =
            construct("VideoFrame", &[Uint8Array::from(&pixels.rgba[..]).into(), about]).map_err(not_encoded)?;
        let mut taken = Ok(());
        while taken.is_ok() && self.ticks * TICK_MS + TICK_MS / 2 < until_ms {
            taken = self.encode(&picture).map_err(|error| self.failure(error));
            self.ticks += 1;
            if taken.is_ok() && self.ticks.is_multiple_of(MOST_WAITING) {
                taken = self.flush().await;
            }
        }
        let _ = call(&picture, "close", &[]);
        taken
    }

    /// Gives the encoder a picture for the next tick.
    fn encode(&self, picture: &JsValue) -> Result<(), JsValue> {
        let microseconds = (1000 * TICK_MS * self.ticks) as f64;
        let frame = construct("VideoFrame", &[picture.clone(), object(&[("timestamp", microseconds.into())])])?;
        let key = object(&[("keyFrame", self.ticks.is_multiple_of(KEY_EVERY).into())]);
        let taken = call(&self.encoder, "encode", &[frame.clone(), key]);
        let _ = call(&frame, "close", &[]);
        taken.map(drop)
    }

    /// The file with all that was added.
    pub async fn finish(self) -> Result<Vec<u8>, Notice> {
        self.flush().await?;
        let mut encoded = self.encoded.take();
        let colours = field(&encoded.decoder, "colorSpace");
        let code = |name| Colours::code(&text(&colours, name));
        let colours = Colours {
            primaries: code("primaries"),
            transfer: code("transfer"),
            matrix: code("matrix"),
            full_range: field(&colours, "fullRange").is_truthy(),
        };
        let codec = match self.kind.vp9_level {
            Some(level) => Codec::Vp9(level),
            None => Codec::H264(Uint8Array::new(&field(&encoded.decoder, "description")).to_vec()),
        };
        let video = mp4::Video {
            width: self.width as u16,
            height: self.height as u16,
            codec,
            colours,
            pictures: std::mem::take(&mut encoded.pictures),
            ms: (self.ticks * TICK_MS) as u32,
        };
        mp4::file(&video).map_err(Notice::NotEncoded)
    }

    /// Waits until all that was added has come out.
    async fn flush(&self) -> Result<(), Notice> {
        wait_for(&self.encoder, "flush", &[]).await.map(drop).map_err(|error| self.failure(error))
    }

    /// Why it failed: what the encoder said of itself, or else what its method threw.
    fn failure(&self, error: JsValue) -> Notice {
        self.encoded.borrow_mut().failure.take().map_or_else(|| not_encoded(error), Notice::NotEncoded)
    }
}

impl Drop for Video {
    fn drop(&mut self) {
        // One that failed is closed already.
        let _ = call(&self.encoder, "close", &[]);
    }
}

fn hear(encoded: &mut Encoded, chunk: &JsValue, about: &JsValue) {
    let data = Uint8Array::new_with_length(number(chunk, "byteLength") as u32);
    let _ = call(chunk, "copyTo", &[data.clone().into()]);
    encoded.pictures.push(Picture {
        at_ms: (number(chunk, "timestamp") / 1000.0).round() as u32,
        is_key: text(chunk, "type") == "key",
        data: data.to_vec(),
    });
    let decoder = field(about, "decoderConfig");
    if decoder.is_object() && encoded.decoder.is_undefined() {
        encoded.decoder = decoder;
    }
}

fn not_encoded(error: JsValue) -> Notice {
    Notice::NotEncoded(dom::reason(&error))
}
