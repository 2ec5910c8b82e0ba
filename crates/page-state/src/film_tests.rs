//! Films without a browser.

use super::*;
use crate::fixtures::{frame, info, preview};

fn film(steps: usize, n: usize) -> Film {
    Film::new(info(steps, n), "m".into(), "l".into()).expect("a sound description")
}

impl Film {
    /// Gives it less room.
    pub fn limit(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
    }
}

#[test]
fn frames_of_a_wrong_size_or_order_are_refused() {
    let mut film = film(2, 1);
    assert!(film.push(&frame(0), vec![vec![0; 64], vec![0; 36]]).is_ok());
    assert!(
        film.push(&frame(1), vec![vec![0; 60], vec![0; 36]])
            .is_err_and(|why| matches!(why, Notice::Misfit(why) if matches!(*why, Misfit::FrameBytes { .. })))
    );
    assert!(film.push(&frame(2), vec![vec![0; 64], vec![0; 36]]) == Err(Misfit::FrameOrder { step: 2, due: 1 }.into()));
    assert!(film.push(&frame(1), vec![vec![0; 64], vec![0; 36], vec![0; 64]]).is_err());
    assert!(film.push(&preview(1), vec![vec![0; 64], vec![0; 16]]).is_err());
    let nameless = FrameInfo { parts: vec![FramePart::XT, FramePart::X0Hat], ..frame(1) };
    assert!(film.push(&nameless, vec![vec![0; 64], vec![0; 64]]) == Err(Misfit::FrameParts { step: 1 }.into()));
    let blind = FrameInfo { parts: vec![FramePart::XT, FramePart::Pictures], ..preview(1) };
    assert!(film.push(&blind, vec![vec![0; 64], vec![0; 16]]) == Err(Misfit::FramePreview { step: 1 }.into()));
    let small = FrameInfo { preview: false, ..preview(1) };
    assert!(film.push(&small, vec![vec![0; 64], vec![0; 16]]).is_err());
    let absurd = FrameInfo { image_shape: [usize::MAX, 2], ..preview(1) };
    assert!(film.push(&absurd, vec![vec![0; 64], vec![0; 16], vec![0; 64]]).is_err());
    assert_eq!(film.last(), 0);
}

#[test]
fn a_preview_gives_way_to_its_decoded_picture() {
    let mut film = film(1, 2);
    let latents: Vec<u8> = (0..128).collect();
    film.push(&preview(0), vec![vec![0; 128], vec![7; 32], latents]).expect("a sound preview");
    let frame = film.frames()[0].clone();
    assert_eq!((picture(&film.info, &frame, 1).width, picture(&film.info, &frame, 1).rgba.len()), (2, 16));
    assert_eq!(frame.latent(&film.info, 1), Some((64..128).collect()));
    assert_eq!(frame.latent(&film.info, 2), None);
    assert!(film.put_decoded(0, 1, vec![9; 35]).is_err());
    assert!(film.put_decoded(0, 2, vec![9; 36]).is_err());
    film.put_decoded(0, 1, vec![9; 36]).expect("a sound picture");
    assert!(film.frames()[0].is_preview(0) && !film.frames()[0].is_preview(1));
    assert_eq!(picture(&film.info, &film.frames()[0], 1), Pixels { width: 3, height: 3, rgba: vec![9; 36] });
    assert!(!Arc::ptr_eq(&frame, &film.frames()[0]), "views see that it changed");
}

#[test]
fn the_last_frame_is_no_step() {
    let mut film = film(2, 1);
    let three = || vec![vec![0; 64], vec![0; 16], vec![0; 64]];
    let two = || vec![vec![0; 64], vec![0; 36]];
    film.push(&preview(0), three()).expect("a sound preview");
    film.push(&preview(1), three()).expect("a sound preview");
    film.push(&FrameInfo { ms: 9000.0, ..frame(2) }, two()).expect("a sound frame");
    assert_eq!(film.ms_per_step(), Some(40.0));
    let mut film = self::film(2, 1);
    film.push(&frame(0), two()).expect("a sound frame");
    film.push(&frame(1), two()).expect("a sound frame");
    film.push(&FrameInfo { ms: 1.0, ..frame(2) }, two()).expect("a sound frame");
    assert_eq!(film.ms_per_step(), Some(40.0));
}

#[test]
fn a_film_without_room_keeps_every_second_frame() {
    let mut film = film(40, 1);
    film.max_bytes = 20 * 100;
    for step in 0..=40 {
        film.push(&frame(step), vec![vec![0; 64], vec![step as u8; 36]]).expect("a sound frame");
        assert!(film.bytes() <= film.max_bytes + 100);
        assert_eq!(film.at(step).map(|frame| frame.step), Some(step), "the newest frame is always there");
        assert_eq!((film.last(), film.at(step + 1)), (step, None));
    }
    assert!(film.is_complete());
    assert_eq!(film.stride(), 4);
    assert_eq!(film.at(7).map(|frame| (frame.step, frame.x0[0])), Some((4, 4)));
    assert_eq!(
        film.frames().iter().map(|frame| frame.step).collect::<Vec<_>>(),
        (0..=40).step_by(4).collect::<Vec<_>>()
    );
}

/// The longest run that the page offers, with the most pictures, of the shipped model's shape and of a large
/// model's: with everything that a frame brings.
#[test]
fn the_longest_runs_fit_the_budget() {
    let shapes = [([4, 8, 8], [32, 32], false, 1), ([4, 32, 32], [256, 256], true, 2)];
    for (latent_shape, image_shape, is_preview, stride) in shapes {
        let info = RunInfo { latent_shape, image_shape, ..info(250, 16) };
        let mut film = Film::new(info, "m".into(), "l".into()).expect("a sound description");
        let latents = 4 * 16 * latent_shape.iter().product::<usize>();
        for step in 0..=250 {
            let preview = is_preview && step < 250;
            let image_shape = if preview { [latent_shape[1], latent_shape[2]] } else { image_shape };
            let mut parts = vec![FramePart::XT, FramePart::Pictures];
            if step < 250 {
                parts.extend([FramePart::X0Hat, FramePart::EpsCond, FramePart::EpsUncond]);
            }
            let size = |part: &FramePart| match part {
                FramePart::Pictures => 4 * 16 * image_shape[0] * image_shape[1],
                _ => latents,
            };
            let buffers = parts.iter().map(|part| vec![0; size(part)]).collect();
            film.push(&FrameInfo { run: 1, step, ms: 40.0, image_shape, preview, parts }, buffers).expect("fits");
            assert!(film.bytes() <= MAX_FILM_BYTES, "{} bytes at step {step}", film.bytes());
        }
        assert_eq!((film.stride(), film.is_complete()), (stride, true), "{latent_shape:?}");
    }
}

#[test]
fn parts_are_found_by_name() {
    let mut film = film(1, 1);
    let parts = vec![FramePart::EpsCond, FramePart::Pictures, FramePart::X0Hat, FramePart::XT];
    let x_t = 2.5f32.to_le_bytes().repeat(16);
    film.push(&FrameInfo { parts, ..frame(0) }, vec![vec![0; 64], vec![7; 36], vec![0; 64], x_t]).expect("a frame");
    assert_eq!((film.frames()[0].x_t.clone(), film.frames()[0].x0.clone()), (vec![2.5; 16], vec![7; 36]));
    assert!(!film.frames()[0].is_preview(0), "latents alone make no preview");
}

#[test]
fn a_recording_must_have_every_frame() {
    let frames = (0..3).map(frame).collect();
    let run = RecordedRun { model: "m".into(), label: "l".into(), info: info(2, 1), frames };
    let film = Film::from_recording(run.clone(), &[0; 300]).expect("three frames of a hundred bytes");
    assert!(film.is_complete() && film.recorded);
    assert!(Film::from_recording(run.clone(), &[0; 299]).is_err());
    assert!(Film::from_recording(run.clone(), &[0; 301]).is_err());
    assert!(Film::from_recording(RecordedRun { frames: vec![frame(0)], ..run }, &[0; 100]).is_err());
}

#[test]
fn absurd_descriptions_are_refused() {
    let absurd = RunInfo { latent_shape: [usize::MAX, 8, 8], ..info(2, 1) };
    assert!(Film::new(absurd, String::new(), String::new()).is_err());
    assert!(Film::new(RunInfo { num_images: 0, ..info(2, 1) }, String::new(), String::new()).is_err());
    assert!(Film::new(RunInfo { alpha_bar: vec![], ..info(2, 1) }, String::new(), String::new()).is_err());
}

#[test]
fn pictures_are_cut_out_of_the_batch() {
    let mut film = film(1, 2);
    let x0: Vec<u8> = (0..72).collect();
    film.push(&frame(0), vec![vec![0; 128], x0]).expect("a sound frame");
    assert_eq!(picture(&film.info, &film.frames()[0], 1).rgba, (36..72).collect::<Vec<u8>>());
    assert_eq!(of_picture(&film.info, &film.frames()[0].x_t, 1).map(<[f32]>::len), Some(16));
    assert!(picture(&film.info, &film.frames()[0], 9).rgba.is_empty());
}

#[test]
fn pictures_of_several_scales_have_one_seed() {
    let scales = RunInfo { guidance_scales: vec![1.0, 2.5], ..info(1, 2) };
    assert_eq!((origin(&scales, 0), origin(&scales, 1)), ((1.0, 7), (2.5, 7)));
    assert_eq!((origin(&info(1, 2), 1), origin(&info(1, 2), 9)), ((4.0, 8), (4.0, 16)));
}

#[test]
fn the_end_of_the_schedule_is_the_picture() {
    assert_eq!(place(&info(3, 1), 0), (20, 0.25));
    assert_eq!(place(&info(3, 1), 3), (0, 1.0));
}

#[test]
fn scales_are_whole_device_pixels() {
    assert_eq!(fitted_width(32, 400.0, 1.0), 384.0);
    assert_eq!(fitted_width(32, 400.0, 2.0), 400.0);
    assert_eq!(fitted_width(512, 300.0, 1.0), 300.0);
}

#[test]
fn pictures_beside_each_other_are_all_there() {
    let of = |value: u8| Pixels { width: 2, height: 3, rgba: vec![value; 24] };
    let four = Pixels::beside(&[1, 2, 3, 4].map(of));
    assert_eq!((four.width, four.height), (5, 7));
    for (value, (x, y)) in [(1, (0, 0)), (1, (1, 2)), (0, (2, 0)), (2, (3, 0)), (0, (0, 3)), (3, (0, 4)), (4, (4, 6))] {
        assert_eq!(four.rgba[4 * (y * 5 + x)], value, "{x}, {y}");
    }
    assert_eq!(Pixels::beside(&[of(7)]), of(7));
    assert_eq!(Pixels::beside(&[1, 2, 3].map(of)).height, 7);
    assert_eq!(Pixels::beside(&[]).rgba.len(), 0);
}
