//! Small maps of latents and the measure between pictures; pure.

use crate::colour;
use crate::film::{self, Frame, Pixels};
use ditscope_protocol::RunInfo;

/// One number for each place of a latent.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    width: usize,
    values: Vec<f32>,
}

/// Root mean square of `f(i)` over `channels`, at each place.
fn rms_over_channels(info: &RunInfo, channels: usize, f: impl Fn(usize) -> f32) -> Map {
    let [_, height, width] = info.latent_shape;
    let size = height * width;
    let at = |place: usize| {
        let squares: f32 = (0..channels).map(|channel| f(channel * size + place).powi(2)).sum();
        (squares / channels.max(1) as f32).sqrt()
    };
    Map { width, values: (0..size).map(at).collect() }
}

/// How far the noisy latent of a picture is from zero.
pub fn noisy(info: &RunInfo, frame: &Frame, picture: usize) -> Option<Map> {
    let x_t = film::of_picture(info, &frame.x_t, picture)?;
    Some(rms_over_channels(info, info.latent_shape[0], |i| x_t[i]))
}

/// How much the class changes the predicted noise: what guidance takes times its scale. On the guided channels.
pub fn difference(info: &RunInfo, frame: &Frame, picture: usize) -> Option<Map> {
    let cond = film::of_picture(info, frame.eps_cond.as_ref()?, picture)?;
    let uncond = film::of_picture(info, frame.eps_uncond.as_ref()?, picture)?;
    let channels = info.guidance_channels.min(info.latent_shape[0]);
    Some(rms_over_channels(info, channels, |i| cond[i] - uncond[i]))
}

impl Map {
    pub fn largest(&self) -> f32 {
        self.values.iter().copied().fold(0.0, f32::max)
    }

    pub fn rms(&self) -> f32 {
        (self.values.iter().map(|value| value * value).sum::<f32>() / self.values.len().max(1) as f32).sqrt()
    }

    /// Darkest at zero, brightest at `most`.
    pub fn pixels(&self, most: f32, dark: bool) -> Pixels {
        let scale = if most > 0.0 { colour::RANGE / most } else { 0.0 };
        let rgba = self.values.iter().flat_map(|value| colour::diverging(value * scale, dark)).collect();
        Pixels { width: self.width, height: self.values.len() / self.width.max(1), rgba }
    }
}

/// Root mean square difference of two pictures' colours, from 0 to 255; nothing for pictures of unlike size.
pub fn distance(a: &Pixels, b: &Pixels) -> Option<f64> {
    if (a.width, a.height, a.rgba.len()) != (b.width, b.height, b.rgba.len()) || a.rgba.is_empty() {
        return None;
    }
    // The fourth is how opaque a pixel is.
    let colours = |pixels| <[u8]>::chunks_exact(pixels, 4).flat_map(|pixel| &pixel[..3]);
    let pairs = colours(a.rgba.as_slice()).zip(colours(b.rgba.as_slice()));
    let (sum, count) = pairs.fold((0u64, 0u64), |(sum, n), (a, b)| (sum + u64::from(a.abs_diff(*b)).pow(2), n + 1));
    Some((sum as f64 / count as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::film::Film;
    use crate::fixtures::{frame, info};
    use ditscope_protocol::{FrameInfo, FramePart};

    fn latents(value: impl Fn(usize) -> f32) -> Vec<u8> {
        (0..32).flat_map(|i| value(i).to_le_bytes()).collect()
    }

    #[test]
    fn maps_are_of_the_picture_and_of_the_guided_channels() {
        let info = RunInfo { guidance_channels: 3, ..info(1, 2) };
        let mut film = Film::new(info, String::new(), String::new()).expect("a sound description");
        let parts = vec![FramePart::XT, FramePart::Pictures, FramePart::EpsCond, FramePart::EpsUncond];
        // Picture 1 begins at 16; its last channel, which is not guided, at 28.
        let cond = latents(|i| if (16..28).contains(&i) { 2.0 } else { 50.0 });
        let uncond = latents(|i| if (16..28).contains(&i) { 1.5 } else { 0.0 });
        let buffers = vec![latents(|i| i as f32), vec![0; 72], cond, uncond];
        film.push(&FrameInfo { parts, ..frame(0) }, buffers).expect("a sound frame");
        let frame = film.frames()[0].clone();
        let map = difference(&film.info, &frame, 1).expect("both predictions are there");
        assert_eq!((map.values.clone(), map.largest(), map.rms()), (vec![0.5; 4], 0.5, 0.5));
        let first = (16f32.powi(2) + 20f32.powi(2) + 24f32.powi(2) + 28f32.powi(2)) / 4.0;
        assert_eq!(noisy(&film.info, &frame, 1).map(|map| map.values[0]), Some(first.sqrt()));
        assert_eq!(noisy(&film.info, &frame, 2), None);
        let pixels = map.pixels(0.5, false);
        assert_eq!((pixels.width, pixels.height, &pixels.rgba[..4]), (2, 2, &colour::diverging(3.0, false)[..]));
        assert_eq!(map.pixels(0.0, false).rgba[..4], colour::diverging(0.0, false));
    }

    #[test]
    fn without_both_predictions_there_is_no_difference() {
        let mut film = Film::new(info(1, 1), String::new(), String::new()).expect("a sound description");
        film.push(&frame(0), vec![vec![0; 64], vec![0; 36]]).expect("a sound frame");
        assert_eq!(difference(&film.info, &film.frames()[0], 0), None);
    }

    #[test]
    fn the_distance_is_of_colours() {
        let pixels = |rgba: &[u8]| Pixels { width: 1, height: rgba.len() / 4, rgba: rgba.to_vec() };
        assert_eq!(distance(&pixels(&[9, 9, 9, 0]), &pixels(&[9, 9, 9, 255])), Some(0.0));
        assert_eq!(distance(&pixels(&[0, 0, 0, 255]), &pixels(&[10, 10, 10, 255])), Some(10.0));
        assert_eq!(distance(&pixels(&[0; 4]), &pixels(&[0; 8])), None);
        assert_eq!(distance(&pixels(&[]), &pixels(&[])), None);
    }
}
