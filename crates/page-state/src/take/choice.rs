//! What there is to save of a film, pure: which frames, which pictures, under which names.

use super::state::Subject;
use crate::colour::diverging;
use crate::film::{self, Film, Frame, Pixels};
use crate::take::file_name;
use std::sync::Arc;

/// At most `most` of the frames that are kept, at even distances, the first and the newest among them.
pub fn even_frames(film: &Film, most: usize) -> Vec<Arc<Frame>> {
    let frames = film.frames();
    if frames.len() <= most {
        return frames.to_vec();
    }
    let (last, gaps) = (film.last(), most.max(2) - 1);
    let mut chosen: Vec<Arc<Frame>> = Vec::new();
    for i in 0..=gaps {
        let frame = film.at((i * last + gaps / 2) / gaps);
        let new = |frame: &&Arc<Frame>| chosen.last().is_none_or(|newest| newest.step < frame.step);
        chosen.extend(frame.filter(new).cloned());
    }
    chosen
}

/// What a frame shows of the subject.
pub fn picture(film: &Film, frame: &Frame, subject: Subject) -> Pixels {
    match subject {
        Subject::One(i) => film::picture(&film.info, frame, i),
        Subject::All => {
            let pictures: Vec<Pixels> =
                (0..film.info.num_images).map(|i| film::picture(&film.info, frame, i)).collect();
            side_by_side(&pictures)
        }
        Subject::WithLatent(i) => {
            let [height, width] = film.info.image_shape;
            let picture = resized(&film::picture(&film.info, frame, i), width, height);
            beside(&latent(film, frame, i), &picture)
        }
    }
}

/// Sides of what [`picture`] makes of a frame.
pub fn size(film: &Film, subject: Subject) -> (usize, usize) {
    let [height, width] = film.info.image_shape;
    match subject {
        Subject::One(_) => (width, height),
        Subject::All => {
            let columns = columns(film.info.num_images);
            (columns * width, film.info.num_images.div_ceil(columns) * height)
        }
        Subject::WithLatent(_) => (2 * width + gap(width), height),
    }
}

/// Black between a latent and a picture of this width; even, as video wants it.
fn gap(width: usize) -> usize {
    2 * (width / 32).max(1)
}

/// The channels of the noisy latent as tiles over a picture's area; black at the end, where there is none any more.
fn latent(film: &Film, frame: &Frame, i: usize) -> Pixels {
    let ([channels, h, w], [height, width]) = (film.info.latent_shape, film.info.image_shape);
    let values = film::of_picture(&film.info, &frame.x_t, i).filter(|_| frame.step < film.steps());
    let columns = columns(channels);
    let mut rgba = Vec::with_capacity(4 * width * height);
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let (row, column) = (y * columns * h / height, x * columns * w / width);
        let at = ((row / h * columns + column / w) * h + row % h) * w + column % w;
        let value = values.and_then(|values| values.get(at));
        rgba.extend(value.map_or([0, 0, 0, 255], |value| diverging(*value, false)));
    }
    Pixels { width, height, rgba }
}

fn beside(left: &Pixels, right: &Pixels) -> Pixels {
    let gap = gap(right.width);
    let rows = left.rgba.chunks_exact(4 * left.width).zip(right.rgba.chunks_exact(4 * right.width));
    let rgba = rows.flat_map(|(left, right)| [left, &[0, 0, 0, 255].repeat(gap), right].concat()).collect();
    Pixels { width: left.width + gap + right.width, height: right.height, rgba }
}

/// In a grid that is as square as can be; those of another size are brought to the largest.
fn side_by_side(pictures: &[Pixels]) -> Pixels {
    let side = |of: fn(&Pixels) -> usize| pictures.iter().map(of).max().unwrap_or(1).max(1);
    let (width, height) = (side(|p| p.width), side(|p| p.height));
    let columns = columns(pictures.len());
    let (all_wide, all_high) = (columns * width, pictures.len().div_ceil(columns) * height);
    let mut rgba = [0, 0, 0, 255].repeat(all_wide * all_high);
    for (i, picture) in pictures.iter().enumerate() {
        let picture = resized(picture, width, height);
        let (left, top) = (i % columns * width, i / columns * height);
        for (y, row) in picture.rgba.chunks_exact(4 * width).enumerate() {
            let at = 4 * ((top + y) * all_wide + left);
            rgba[at..at + 4 * width].copy_from_slice(row);
        }
    }
    Pixels { width: all_wide, height: all_high, rgba }
}

/// Columns of a grid that is as square as can be.
pub fn columns(count: usize) -> usize {
    (count as f64).sqrt().ceil().max(1.0) as usize
}

/// The same picture with other sides: each pixel the nearest of the old ones.
pub fn resized(pixels: &Pixels, width: usize, height: usize) -> Pixels {
    if (pixels.width, pixels.height) == (width, height) {
        return pixels.clone();
    }
    let mut rgba = Vec::with_capacity(4 * width * height);
    for y in 0..height {
        for x in 0..width {
            let at = 4 * (y * pixels.height / height * pixels.width + x * pixels.width / width);
            rgba.extend_from_slice(pixels.rgba.get(at..at + 4).unwrap_or(&[0, 0, 0, 255]));
        }
    }
    Pixels { width, height, rgba }
}

/// How many times a picture of this width is enlarged in a moving picture: the small ones to be seen at all.
pub fn times(width: usize) -> usize {
    (256 / width.max(1)).clamp(1, 8)
}

/// `ditscope-ankle-boot-g4-ddim30-s7-recorded-trajectory.gif`; a run that was cancelled says how far it went.
pub fn file_name(film: &Film, subject: Subject, what: &str, extension: &str) -> String {
    let (pictures, all) = match subject {
        Subject::One(i) => (i..i + 1, ""),
        Subject::WithLatent(i) => (i..i + 1, "-with-latent"),
        Subject::All => (0..film.info.num_images, if film.info.num_images > 1 { "-all" } else { "" }),
    };
    let name = file_name::stem(film, pictures.clone());
    let is_preview = |frame: &Frame| pictures.clone().any(|i| frame.is_preview(i));
    let preview = if film.at(film.steps()).is_some_and(|frame| is_preview(frame)) { "-preview" } else { "" };
    let reached = if film.is_complete() { String::new() } else { format!("-to-step{}", film.last()) };
    let recorded = if film.recorded { "-recorded" } else { "" };
    format!("{name}{preview}{all}{reached}{recorded}{what}.{extension}")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::fixtures::{film, frame, info, preview};

    #[test]
    fn frames_are_even_and_both_ends_are_there() {
        let steps = |frames: Vec<Arc<Frame>>| frames.iter().map(|frame| frame.step).collect::<Vec<_>>();
        assert_eq!(steps(even_frames(&film(30, 1, 31), 16)), (0..=30).step_by(2).collect::<Vec<_>>());
        assert_eq!(steps(even_frames(&film(30, 1, 4), 16)), [0, 1, 2, 3]);
        assert_eq!(steps(even_frames(&film(30, 1, 21), 6)), [0, 4, 8, 12, 16, 20]);
        assert_eq!(steps(even_frames(&film(250, 1, 251), 2)), [0, 250]);
        assert!(even_frames(&film(3, 1, 0), 16).is_empty());
    }

    #[test]
    fn pictures_lie_side_by_side() {
        let film = film(1, 3, 2);
        let all = picture(&film, &film.frames()[0], Subject::All);
        assert_eq!((all.width, all.height, all.rgba.len()), (6, 6, 4 * 36));
        let pixel = |x: usize, y: usize| all.rgba[4 * (y * 6 + x)..][..4].to_vec();
        assert_eq!(
            (pixel(0, 0), pixel(5, 2), pixel(2, 5)),
            (vec![0, 0, 0, 255], vec![0, 0, 1, 255], vec![0, 0, 2, 255])
        );
        assert_eq!(pixel(5, 5), [0, 0, 0, 255], "the place that is left over is black");
    }

    #[test]
    fn a_preview_is_brought_to_the_size_of_the_picture() {
        let mut film = Film::new(info(3, 1), "m".into(), "l".into()).expect("a sound description");
        film.push(&preview(0), vec![vec![0; 64], vec![9; 16], vec![0; 64]]).expect("a sound preview");
        let small = picture(&film, &film.frames()[0], Subject::One(0));
        assert_eq!((small.width, resized(&small, 3, 3).rgba), (2, vec![9; 36]));
        let nothing = Pixels { width: 2, height: 2, rgba: vec![] };
        assert_eq!(resized(&nothing, 3, 3).rgba.len(), 36, "what is missing is black, and no panic");
    }

    #[test]
    fn a_picture_lies_beside_its_latent_until_there_is_none() {
        let mut film = Film::new(info(1, 1), "m".into(), "l".into()).expect("a sound description");
        let x_t: Vec<u8> = (0..16).flat_map(|i| (i as f32 - 8.0).to_le_bytes()).collect();
        for step in 0..2 {
            film.push(&frame(step), vec![x_t.clone(), vec![9; 36]]).expect("a sound frame");
        }
        let both = picture(&film, &film.frames()[0], Subject::WithLatent(0));
        assert_eq!((both.width, both.height), size(&film, Subject::WithLatent(0)));
        let pixel = |pixels: &Pixels, x: usize, y: usize| pixels.rgba[4 * (y * 8 + x)..][..4].to_vec();
        assert_eq!(pixel(&both, 0, 0), diverging(-8.0, false));
        assert_eq!(pixel(&both, 2, 2), diverging(4.0, false), "the first value of the last of four channels");
        assert_eq!((pixel(&both, 3, 1), pixel(&both, 5, 1)), (vec![0, 0, 0, 255], vec![9; 4]));
        let last = picture(&film, &film.frames()[1], Subject::WithLatent(0));
        assert_eq!((pixel(&last, 0, 0), pixel(&last, 5, 1)), (vec![0, 0, 0, 255], vec![9; 4]));
        assert!(file_name(&film, Subject::WithLatent(0), "", "gif").ends_with("-s7-with-latent.gif"));
    }

    #[test]
    fn names_say_what_a_file_is() {
        let mut film = film(2, 3, 3);
        assert_eq!(file_name(&film, Subject::One(1), "-sheet", "png"), "ditscope-ankle-boot-g4-ddim2-s8-sheet.png");
        assert_eq!(file_name(&film, Subject::All, "", "json"), "ditscope-ankle-boot-g4-ddim2-s7-all.json");
        film.recorded = true;
        assert_eq!(file_name(&film, Subject::One(0), "", "gif"), "ditscope-ankle-boot-g4-ddim2-s7-recorded.gif");
        let cancelled = self::film(9, 1, 3);
        assert_eq!(file_name(&cancelled, Subject::All, "", "gif"), "ditscope-ankle-boot-g4-ddim9-s7-to-step2.gif");
        let mut run = info(2, 3);
        run.guidance_scales = vec![1.0, 2.5, 4.0];
        let compared = Film::new(run, "Fashion".into(), "Bag".into()).expect("a sound description");
        assert_eq!(file_name(&compared, Subject::One(1), "", "gif"), "ditscope-bag-g2.5-ddim2-s7-to-step0.gif");
        assert_eq!(file_name(&compared, Subject::All, "", "gif"), "ditscope-bag-g1-2.5-4-ddim2-s7-all-to-step0.gif");
    }
}
