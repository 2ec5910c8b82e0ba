//! A film as GIF, pure: frame by frame, so that the page can handle its events in between.

use ditscope_page_state::film::{self as page, Film, Pixels};
use ditscope_page_state::take::choice::{even_frames, resized};
use ditscope_page_state::timeline::Pacing;
use gif::{Encoder, Frame, Repeat};
use std::borrow::Cow;
use std::sync::Arc;

/// The whole trajectory takes about this long …
const FILM_MS: usize = 4000;
/// … and its end is held, before it begins anew.
const HOLD_MS: usize = 2000;
/// Few frames are not to stand still for too long, and none is to flicker.
const MOST_FRAME_MS: usize = 250;
const LEAST_FRAME_MS: f64 = 30.0;

/// How many frames a moving picture has at most: more would pass too quickly to be seen.
const MOST_FRAMES: usize = 125;

/// The frames of a moving picture, and how many milliseconds each is shown: in hundredths of a second, GIF has no
/// others, and viewers slow down what is shorter than two of them.
pub fn timing(film: &Film, pacing: Pacing) -> Vec<(Arc<page::Frame>, usize)> {
    let frames = even_frames(film, MOST_FRAMES);
    let total_ms = (MOST_FRAME_MS * frames.len().saturating_sub(1)).min(FILM_MS);
    let mut plan = pacing.plan(film, &frames, total_ms as f64, LEAST_FRAME_MS);
    if let Some((_, ms)) = plan.last_mut() {
        *ms = HOLD_MS;
    }
    plan
}

/// For how long it is seen, in seconds.
pub fn seconds(film: &Film, pacing: Pacing) -> f64 {
    timing(film, pacing).iter().map(|(_, ms)| *ms).sum::<usize>() as f64 / 1000.0
}

/// The GIF so far.
pub struct Gif {
    encoder: Encoder<Vec<u8>>,
    /// Sides of the pictures before they are enlarged.
    size: (usize, usize),
    times: usize,
    gray: bool,
}

impl Gif {
    /// For pictures of this size (others are brought to it), enlarged without smoothing. `gray`: they have no
    /// colours, and each gray is kept exactly; else each frame has a palette of its 256 colours.
    ///
    /// # Errors
    /// When the format has no room for the size.
    pub fn new(size: (usize, usize), times: usize, gray: bool) -> Result<Self, String> {
        let ramp: Vec<u8> = if gray { (0..=255).flat_map(|level| [level; 3]).collect() } else { vec![] };
        let (width, height) = (side(size.0 * times)?, side(size.1 * times)?);
        let mut encoder = Encoder::new(Vec::new(), width, height, &ramp).map_err(words)?;
        encoder.set_repeat(Repeat::Infinite).map_err(words)?;
        Ok(Self { encoder, size, times, gray })
    }

    /// # Errors
    /// When the encoder refuses; what was added before is lost then.
    pub fn add(&mut self, pixels: &Pixels, ms: usize) -> Result<(), String> {
        let (width, height) = self.size;
        let mut pixels = resized(pixels, width, height);
        let mut frame = if self.gray {
            let levels = pixels.rgba.chunks_exact(4).map(|pixel| pixel[0]).collect();
            Frame { buffer: Cow::Owned(levels), ..Frame::default() }
        } else {
            // Without transparency: no colour is given up for it.
            pixels.rgba.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
            Frame::from_rgba_speed(side(width)?, side(height)?, &mut pixels.rgba, 10)
        };
        frame.buffer = Cow::Owned(enlarged(&frame.buffer, width, self.times));
        (frame.width, frame.height) = (side(width * self.times)?, side(height * self.times)?);
        frame.delay = (ms / 10) as u16;
        self.encoder.write_frame(&frame).map_err(words)
    }

    /// # Errors
    /// As for [`Self::add`].
    pub fn finish(self) -> Result<Vec<u8>, String> {
        self.encoder.into_inner().map_err(|error| error.to_string())
    }
}

/// Whether a picture has no colours.
pub fn is_gray(pixels: &Pixels) -> bool {
    pixels.rgba.chunks_exact(4).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
}

fn enlarged(indices: &[u8], width: usize, times: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(indices.len() * times * times);
    for row in indices.chunks_exact(width.max(1)) {
        let row: Vec<u8> = row.iter().flat_map(|index| std::iter::repeat_n(*index, times)).collect();
        (0..times).for_each(|_| out.extend_from_slice(&row));
    }
    out
}

fn side(pixels: usize) -> Result<u16, String> {
    u16::try_from(pixels).map_err(|_| format!("{pixels} px"))
}

fn words(error: gif::EncodingError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_page_state::fixtures::film;
    use ditscope_page_state::take::Subject;
    use ditscope_page_state::take::choice;

    /// A frame's delay in hundredths of a second, and its pixels as RGBA.
    type Frame = (u16, Vec<u8>);

    /// The sides, and the frames.
    fn decode(bytes: &[u8]) -> ((u16, u16), Vec<Frame>) {
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(bytes).expect("a GIF");
        assert_eq!(decoder.repeat(), Repeat::Infinite);
        let size = (decoder.width(), decoder.height());
        let mut frames = vec![];
        while let Some(frame) = decoder.read_next_frame().expect("a frame") {
            frames.push((frame.delay, frame.buffer.to_vec()));
        }
        (size, frames)
    }

    #[test]
    fn every_gray_comes_back_exactly() {
        let rgba = (0..=255u8).flat_map(|level| [level, level, level, 255]).collect();
        let ramp = Pixels { width: 16, height: 16, rgba };
        assert!(is_gray(&ramp));
        let mut gif = Gif::new((16, 16), 2, true).expect("a GIF");
        gif.add(&ramp, 40).expect("a frame");
        gif.add(&ramp, HOLD_MS).expect("a frame");
        let (size, frames) = decode(&gif.finish().expect("a GIF"));
        assert_eq!((size, frames.len()), ((32, 32), 2));
        assert_eq!((frames[0].0, frames[1].0), (4, 200));
        assert_eq!(frames[0].1, resized(&ramp, 32, 32).rgba);
    }

    #[test]
    fn a_film_in_colour_comes_back() {
        let film = film(4, 2, 5);
        let mut gif = Gif::new((6, 3), 4, false).expect("a GIF");
        for frame in film.frames() {
            let pixels = choice::picture(&film, frame, Subject::All);
            assert!(!is_gray(&pixels));
            gif.add(&pixels, 100).expect("a frame");
        }
        let (size, frames) = decode(&gif.finish().expect("a GIF"));
        assert_eq!((size, frames.len()), ((24, 12), 5));
        let expected = choice::picture(&film, &film.frames()[3], Subject::All);
        assert_eq!(frames[3].1, resized(&expected, 24, 12).rgba, "few colours come back exactly");
    }

    #[test]
    fn a_film_is_as_long_as_is_said() {
        for pacing in Pacing::ALL {
            let told = [1, 10, 30, 250].map(|steps| seconds(&film(steps, 1, steps + 1), pacing));
            assert_eq!(told, [2.25, 4.5, 6.0, 6.0], "{pacing:?}");
            let film = film(30, 1, 31);
            let mut gif = Gif::new((3, 3), 1, true).expect("a GIF");
            for (frame, ms) in timing(&film, pacing) {
                gif.add(&choice::picture(&film, &frame, Subject::One(0)), ms).expect("a frame");
            }
            let (_, frames) = decode(&gif.finish().expect("a GIF"));
            assert_eq!(frames.iter().map(|(hundredths, _)| usize::from(*hundredths)).sum::<usize>(), 600);
        }
    }

    #[test]
    fn a_size_without_room_is_an_error() {
        assert!(Gif::new((20_000, 1), 4, true).is_err());
    }
}
