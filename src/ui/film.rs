//! A run as pictures, pure: frames in the order of the steps, checked when they
//! come in, and cut into pictures for the canvases.

use super::colour;
use crate::protocol::{RecordedRun, RunInfo};
use std::sync::Arc;

/// More than any sensible run; keeps a damaged description from asking for absurd memory.
const MAX_FRAME_BYTES: usize = 1 << 28;

/// A run and its frames so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    pub info: Arc<RunInfo>,
    pub frames: Vec<Arc<Frame>>,
    /// The model's and the class's names, for captions.
    pub model: String,
    pub label: String,
    pub recorded: bool,
}

/// One step of all pictures.
#[derive(Debug, PartialEq)]
pub struct Frame {
    /// `[N, C, h, w]`
    pub x_t: Vec<f32>,
    /// `[N, H, W, 4]`
    pub x0: Vec<u8>,
    pub ms: f64,
}

/// A small picture, ready for a canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    pub width: usize,
    pub height: usize,
    pub rgba: Vec<u8>,
}

impl Film {
    pub fn new(info: RunInfo, model: String, label: String) -> Result<Self, String> {
        frame_bytes(&info)?;
        let steps = info.timesteps.len();
        if steps == 0 || info.alpha_bar.len() != steps {
            return Err(format!("the run has {steps} timesteps and {} values of ᾱ", info.alpha_bar.len()));
        }
        Ok(Self { info: Arc::new(info), frames: Vec::with_capacity(steps + 1), model, label, recorded: false })
    }

    /// A recorded run with all its frames.
    pub fn from_recording(run: RecordedRun, bytes: &[u8]) -> Result<Self, String> {
        let mut film = Self::new(run.info, run.model, run.label)?;
        let (latents, pictures) = frame_bytes(&film.info)?;
        let frames = film.steps() + 1;
        if bytes.len() != frames * (latents + pictures) {
            return Err(format!("the recording has {} bytes, not {}", bytes.len(), frames * (latents + pictures)));
        }
        for (i, chunk) in bytes.chunks_exact(latents + pictures).enumerate() {
            let (x_t, x0) = chunk.split_at(latents);
            film.push(i, run.frame_ms.get(i).copied().unwrap_or(0.0), x_t, x0.to_vec())?;
        }
        film.recorded = true;
        Ok(film)
    }

    /// Takes the next frame.
    pub fn push(&mut self, step: usize, ms: f64, x_t: &[u8], x0: Vec<u8>) -> Result<(), String> {
        let (latents, pictures) = frame_bytes(&self.info)?;
        if step != self.frames.len() || step > self.steps() {
            return Err(format!("frame {step} came where frame {} was due", self.frames.len()));
        }
        if x_t.len() != latents || x0.len() != pictures {
            let found = (x_t.len(), x0.len());
            return Err(format!("frame {step} has {found:?} bytes, not {:?}", (latents, pictures)));
        }
        let x_t = x_t.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        self.frames.push(Arc::new(Frame { x_t, x0, ms }));
        Ok(())
    }

    /// Number of steps; there is one frame more when the run is complete.
    pub fn steps(&self) -> usize {
        self.info.timesteps.len()
    }

    /// Position of the newest frame.
    pub fn last(&self) -> usize {
        self.frames.len().saturating_sub(1)
    }

    pub fn is_complete(&self) -> bool {
        self.frames.len() == self.steps() + 1
    }

    /// Mean time of a step, without the first, which warms the device up.
    pub fn ms_per_step(&self) -> Option<f64> {
        let timed = if self.frames.len() > 2 { &self.frames[1..] } else { &self.frames[..] };
        let mean = timed.iter().map(|frame| frame.ms).sum::<f64>() / timed.len() as f64;
        (mean.is_finite() && mean > 0.0).then_some(mean)
    }
}

/// Where a position stands: the original timestep and ᾱ; the finished picture is at t = 0, ᾱ = 1.
pub fn place(info: &RunInfo, position: usize) -> (usize, f64) {
    let at = |i| Some((*info.timesteps.get(i)?, *info.alpha_bar.get(i)?));
    at(position).unwrap_or((0, 1.0))
}

/// The decoded picture `i` of a frame.
pub fn picture(info: &RunInfo, frame: &Frame, i: usize) -> Pixels {
    let [height, width] = info.image_shape;
    let size = height * width * 4;
    Pixels { width, height, rgba: frame.x0.get(i * size..(i + 1) * size).unwrap_or_default().to_vec() }
}

/// Channel `channel` of the noisy latent of picture `i`, as colours.
pub fn latent(info: &RunInfo, frame: &Frame, i: usize, channel: usize, dark: bool) -> Pixels {
    let [channels, height, width] = info.latent_shape;
    let size = height * width;
    let start = (i * channels + channel) * size;
    let values = frame.x_t.get(start..start + size).unwrap_or_default();
    Pixels { width, height, rgba: values.iter().flat_map(|v| colour::diverging(*v, dark)).collect() }
}

/// Bytes of the two buffers of a frame.
fn frame_bytes(info: &RunInfo) -> Result<(usize, usize), String> {
    let product = |dims: &[usize]| dims.iter().try_fold(4usize, |all, d| all.checked_mul(*d));
    let [c, h, w] = info.latent_shape;
    let [height, width] = info.image_shape;
    let sizes = product(&[info.num_images, c, h, w]).zip(product(&[info.num_images, height, width]));
    sizes.filter(|(a, b)| (1..=MAX_FRAME_BYTES).contains(a) && (1..=MAX_FRAME_BYTES).contains(b)).ok_or_else(|| {
        format!(
            "{} pictures {:?} with latents {:?} cannot be shown",
            info.num_images, info.image_shape, info.latent_shape
        )
    })
}

/// Width of a picture on the page, in CSS pixels: the largest whole number of
/// device pixels for each of its pixels that fits into `available`.
pub fn fitted_width(native: usize, available: f64, device_pixel_ratio: f64) -> f64 {
    let times = (available * device_pixel_ratio / native.max(1) as f64).floor();
    if times < 1.0 { available.max(0.0) } else { times * native as f64 / device_pixel_ratio }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::config::RunSettings;

    pub fn info(steps: usize, num_images: usize) -> RunInfo {
        RunInfo {
            settings: RunSettings { num_inference_steps: steps, num_images, ..RunSettings::default() },
            num_images,
            latent_shape: [4, 2, 2],
            image_shape: [3, 3],
            timesteps: (0..steps).map(|i| (steps - 1 - i) * 10).collect(),
            alpha_bar: (0..steps).map(|i| (i + 1) as f64 / (steps + 1) as f64).collect(),
        }
    }

    fn film(steps: usize, n: usize) -> Film {
        Film::new(info(steps, n), "m".into(), "l".into()).expect("a sound description")
    }

    #[test]
    fn frames_of_a_wrong_size_or_order_are_refused() {
        let mut film = film(2, 1);
        assert!(film.push(0, 1.0, &[0; 64], vec![0; 36]).is_ok());
        assert!(film.push(1, 1.0, &[0; 60], vec![0; 36]).unwrap_err().contains("bytes"));
        assert!(film.push(2, 1.0, &[0; 64], vec![0; 36]).unwrap_err().contains("due"));
        assert_eq!(film.last(), 0);
    }

    #[test]
    fn a_recording_must_have_every_frame() {
        let run = RecordedRun { model: "m".into(), label: "l".into(), info: info(2, 1), frame_ms: vec![] };
        let film = Film::from_recording(run.clone(), &[0; 300]).expect("three frames of a hundred bytes");
        assert!(film.is_complete() && film.recorded);
        assert!(Film::from_recording(run, &[0; 299]).is_err());
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
        film.push(0, 1.0, &[0; 128], x0).expect("a sound frame");
        assert_eq!(picture(&film.info, &film.frames[0], 1).rgba, (36..72).collect::<Vec<u8>>());
        assert_eq!(latent(&film.info, &film.frames[0], 1, 3, false).rgba.len(), 16);
        assert!(picture(&film.info, &film.frames[0], 9).rgba.is_empty());
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
}
