//! What the views show of the recorded run of the shipped model, and of made ones.

use super::*;
use crate::film::Film;
use crate::fixtures::{frame, info};
use ditscope_protocol::{FrameInfo, FramePart, RecordedRun};

/// The shipped recording, and how far the model clamps x̂0.
fn recording() -> (Film, f32) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    let read = |path: &str| std::fs::read(root.join(path)).expect("a shipped file");
    let run: RecordedRun = serde_json::from_slice(&read("runs/fashion/run.json")).expect("a recording");
    let config: serde_json::Value =
        serde_json::from_slice(&read("models/fashion/config.json")).expect("a configuration");
    let clamp = config["scheduler"]["clip_sample_range"].as_f64().expect("the shipped model clamps");
    (Film::from_recording(run, &read("runs/fashion/run.bin")).expect("a sound recording"), clamp as f32)
}

fn scene(film: &Film, position: usize, picture: usize) -> Scene {
    let frame = film.at(position).expect("a frame").clone();
    let before = film.before(&frame).cloned();
    Scene { info: film.info.clone(), frame, before, picture, sight: Sight::Awaited(None) }
}

fn map(kind: ViewKind, scene: &Scene) -> Map {
    match content(kind, scene, false) {
        Content::Map(map) => map,
        other => panic!("{kind:?} shows {other:?}"),
    }
}

fn nothing(kind: ViewKind, scene: &Scene) -> Nothing {
    match content(kind, scene, false) {
        Content::Nothing(why) => why,
        other => panic!("{kind:?} shows {other:?}"),
    }
}

fn largest_difference(a: &[f32], b: impl IntoIterator<Item = f32>) -> f32 {
    let b: Vec<f32> = b.into_iter().collect();
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn guidance_is_the_unconditional_noise_and_scale_times_the_difference() {
    let (film, _) = recording();
    let scale = film.info.guidance_scales[0] as f32;
    for position in 0..film.steps() {
        let scene = scene(&film, position, 0);
        let [cond, uncond, difference, guided] =
            [ViewKind::EpsCond, ViewKind::EpsUncond, ViewKind::EpsDiff, ViewKind::EpsGuided]
                .map(|kind| map(kind, &scene).values);
        let expected = uncond.iter().zip(&difference).map(|(uncond, difference)| uncond + scale * difference);
        assert!(largest_difference(&guided, expected) <= 1e-6, "step {position}");
        // The same from the other side: the class' own prediction, pushed on.
        let expected = cond.iter().zip(&difference).map(|(cond, difference)| cond + (scale - 1.0) * difference);
        assert!(largest_difference(&guided, expected) <= 2e-6, "step {position}");
        // In x̂0: in the noise of the first step a model that answers with v can hardly show it.
        let (_, alpha_bar) = film::place(&film.info, position);
        let in_x0 = ((1.0 - alpha_bar) / alpha_bar).sqrt() as f32;
        assert!(difference.iter().any(|value| in_x0 * value.abs() > 1e-3), "the class makes a difference");
    }
}

#[test]
fn the_predicted_latent_is_what_the_guided_noise_leaves() {
    let (film, clamp) = recording();
    for position in 0..film.steps() {
        let scene = scene(&film, position, 0);
        let [x_t, x0, eps] =
            [ViewKind::XT, ViewKind::X0Latent, ViewKind::EpsGuided].map(|kind| map(kind, &scene).values);
        let (_, alpha_bar) = film::place(&film.info, position);
        let (signal, noise) = (alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt());
        let one = |(x_t, eps): (&f32, &f32)| {
            ((f64::from(*x_t) - noise * f64::from(*eps)) / signal).clamp(-f64::from(clamp), f64::from(clamp)) as f32
        };
        // Where next to no signal is left, the rounding of ε is blown up.
        let tolerance = 1e-5 + 1e-6 / signal as f32;
        let off = largest_difference(&x0, x_t.iter().zip(&eps).map(one));
        assert!(off <= tolerance, "step {position}: {off} above {tolerance}");
    }
}

#[test]
fn every_view_of_a_step_shows_something_that_is_not_uniform() {
    let (film, _) = recording();
    let scene = scene(&film, film.steps() / 2, 0);
    for kind in ViewKind::ALL.into_iter().filter(|kind| *kind != ViewKind::XTDecoded) {
        let pixels = match content(kind, &scene, false) {
            Content::Map(map) => map.pixels(Scheme { gray: false, dark: false }, false),
            Content::Picture { pixels, .. } => pixels,
            Content::Nothing(why) => panic!("{kind:?}: {why:?}"),
        };
        let mut colours: Vec<&[u8]> = pixels.rgba.chunks_exact(4).filter(|pixel| pixel[3] > 0).collect();
        colours.sort();
        colours.dedup();
        assert!(colours.len() > 8, "{kind:?} has {} colours", colours.len());
        assert_eq!(pixels.rgba.len(), 4 * pixels.width * pixels.height);
    }
}

#[test]
fn what_is_not_there_is_said() {
    let (film, _) = recording();
    let last = scene(&film, film.steps(), 0);
    for kind in [ViewKind::XT, ViewKind::EpsCond, ViewKind::EpsUncond, ViewKind::EpsDiff, ViewKind::EpsGuided] {
        assert_eq!(nothing(kind, &last), Nothing::NoNoiseLeft);
    }
    let finished = of_picture(&film.info, &last.frame.x_t, 0).expect("the finished latent");
    assert_eq!(map(ViewKind::X0Latent, &last).values, finished, "is the prediction");
    assert!(matches!(content(ViewKind::XTDecoded, &last, false), Content::Picture { stale: false, .. }));
    assert_eq!(nothing(ViewKind::Change, &scene(&film, 0, 0)), Nothing::NothingBefore);
    assert_eq!(nothing(ViewKind::XTDecoded, &scene(&film, 0, 0)), Nothing::Decoding);

    let mut made = Film::new(info(2, 1), String::new(), String::new()).expect("a sound description");
    made.push(&frame(0), vec![vec![0; 64], vec![0; 36]]).expect("a frame of old");
    assert_eq!(nothing(ViewKind::EpsDiff, &scene(&made, 0, 0)), Nothing::NotRecorded);
    let parts = vec![FramePart::XT, FramePart::Pictures, FramePart::EpsCond];
    let eps = 0.5f32.to_le_bytes().repeat(16);
    made.push(&FrameInfo { parts, ..frame(1) }, vec![vec![0; 64], vec![0; 36], eps]).expect("a frame at scale 1");
    let plain = scene(&made, 1, 0);
    assert_eq!(nothing(ViewKind::EpsUncond, &plain), Nothing::NoUncond);
    assert_eq!(nothing(ViewKind::EpsDiff, &plain), Nothing::NoUncond);
    assert_eq!(map(ViewKind::EpsGuided, &plain).values, vec![0.5; 16], "guidance with scale 1 is none");
}

#[test]
fn channels_beyond_the_guided_ones_keep_the_class_prediction() {
    let mut info = info(2, 2);
    info.guidance_channels = 3;
    info.guidance_scales = vec![4.0, 2.0];
    let (cond, uncond) = (vec![1.0; 16], vec![0.5; 16]);
    let guided = guided(&info, &cond, Some(&uncond), 1);
    assert_eq!(guided[..12], [1.5; 12]);
    assert_eq!(guided[12..], [1.0; 4]);
}

#[test]
fn the_change_is_of_the_picture_that_is_selected() {
    let mut film = Film::new(info(2, 2), String::new(), String::new()).expect("a sound description");
    film.push(&frame(0), vec![vec![0; 128], vec![0; 72]]).expect("a frame");
    let second = [vec![0; 36], vec![51; 36]].concat();
    film.push(&frame(1), vec![vec![0; 128], second]).expect("a frame");
    assert_eq!(map(ViewKind::Change, &scene(&film, 1, 0)).values, [0.0; 9]);
    let change = map(ViewKind::Change, &scene(&film, 1, 1));
    assert!(largest_difference(&change.values, [0.2; 9]) < 1e-6 && change.shape == [1, 3, 3]);
}

#[test]
fn tiles_are_found_again() {
    let values: Vec<f32> = (0..16).map(|i| i as f32 / 8.0).collect();
    let map = Map::new([4, 2, 2], values, RANGE, false);
    let scheme = Scheme { gray: true, dark: false };
    for (in_row, size) in [(false, (5, 5)), (true, (11, 2))] {
        let pixels = map.pixels(scheme, in_row);
        assert_eq!((pixels.width, pixels.height), size);
        let mut seen = 0;
        for (x, y) in (0..size.0).flat_map(|x| (0..size.1).map(move |y| (x, y))) {
            let pixel = &pixels.rgba[4 * (y * size.0 + x)..][..4];
            match map.locate((x, y), in_row) {
                Some([channel, row, column]) => {
                    seen += 1;
                    assert_eq!(pixel, scheme.rgba(map.values[channel * 4 + row * 2 + column], RANGE));
                }
                None => assert_eq!(pixel, [0; 4], "between tiles"),
            }
        }
        assert_eq!(seen, 16);
    }
    let map = Content::Map(map);
    let reading = Reading { channel: Some(3), row: 1, column: 0, value: "+1.750".into() };
    assert_eq!(map.reading((3, 4), false), Some(reading));
    assert_eq!(map.reading((2, 0), false), None);
    assert_eq!(map.reading((99, 99), false), None);
}

#[test]
fn the_channels_of_words_lie_above_each_other() {
    let map = Map::new([6, 1, 16], vec![0.5; 96], RANGE, false);
    for in_row in [false, true] {
        let pixels = map.pixels(Scheme { gray: true, dark: false }, in_row);
        assert_eq!((pixels.width, pixels.height), (16, 11));
    }
    let reading = Content::Map(map).reading((3, 4), true).map(|reading| (reading.channel, reading.row, reading.column));
    assert_eq!(reading, Some((Some(2), 0, 3)));
}

#[test]
fn pictures_are_read_as_rgb() {
    let pixels = Pixels { width: 2, height: 1, rgba: vec![1, 2, 3, 255, 4, 5, 6, 255] };
    let picture = Content::Picture { pixels, preview: false, stale: false };
    let reading = Reading { channel: None, row: 0, column: 1, value: "RGB 4 5 6".into() };
    assert_eq!(picture.reading((1, 0), false), Some(reading));
    assert_eq!((picture.reading((2, 0), false), picture.reading((0, 1), false)), (None, None));
}

#[test]
fn the_range_is_fixed_or_fitted() {
    let map = |values: &[f32], fitted| Map::new([1, 1, values.len()], values.to_vec(), RANGE, fitted).range;
    assert_eq!((map(&[0.1, -0.4], false), map(&[0.1, -0.4], true)), (3.0, 0.4));
    assert_eq!(map(&[0.0, f32::NAN, f32::INFINITY], true), 3.0, "nothing to fit to");
    assert!(is_fitted(ViewKind::EpsDiff, false) && !is_fitted(ViewKind::EpsCond, false));
    assert_eq!([3.0, 0.5, 0.4212, 12.34, 0.001].map(limit), ["3", "0.5", "0.42", "12.3", "0.001"]);
    assert_eq!([1.27, -0.0312].map(signed), ["+1.270", "−0.0312"]);
}
