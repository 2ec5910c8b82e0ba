//! A film as GIF, pure: frame by frame, so that the page can handle its events in between.

use ditscope_page_state::film::Pixels;
use ditscope_page_state::take::choice::resized;
use gif::{Encoder, Frame, Repeat};
use std::borrow::Cow;

/// The whole trajectory takes about this long …
const FILM_MS: usize = 4000;
/// … and its end is held, before it begins anew.
pub const HOLD_MS: usize = 2000;

/// How many frames a moving picture has at most: more would pass too quickly to be seen.
pub const MOST_FRAMES: usize = 125;

/// How long each of so many frames is shown. In hundredths of a second, GIF has no others, and viewers slow down
/// what is shorter than two of them.
pub fn frame_ms(frames: usize) -> usize {
    (FILM_MS / frames.max(1) / 10 * 10).clamp(30, 250)
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

    /// Frames as (hundredths of a second, RGBA), and the sides.
    /// A frame's delay, and its pixels.
    type Frame = (u16, Vec<u8>);

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
    fn a_film_takes_about_four_seconds() {
        assert_eq!([1, 11, 31, 125].map(frame_ms), [250, 250, 120, 30]);
    }

    #[test]
    fn a_size_without_room_is_an_error() {
        assert!(Gif::new((20_000, 1), 4, true).is_err());
    }
}
