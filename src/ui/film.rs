//! A run as pictures, pure: frames in the order of the steps, checked when they
//! come in, and cut into pictures for the canvases.

use super::colour;
use crate::protocol::{FrameInfo, FramePart, RecordedRun, RunInfo};
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
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// `[N, C, h, w]`
    pub x_t: Vec<f32>,
    /// `[N, H, W, 4]` of its `image_shape`
    pub x0: Vec<u8>,
    /// Sides `[H, W]` of its pictures: smaller than the run's in a preview.
    pub image_shape: [usize; 2],
    /// Only in a preview: the latents that `x0` is a linear map of, `[N, C, h, w]` as they came.
    pub latents: Option<Arc<Vec<u8>>>,
    /// Pictures of a preview that were decoded after all, with their numbers: `[H, W, 4]` of the run's `image_shape`.
    pub decoded: Vec<(usize, Arc<Vec<u8>>)>,
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
        frame_bytes(&info, info.image_shape)?;
        let steps = info.timesteps.len();
        if steps == 0 || info.alpha_bar.len() != steps {
            return Err(format!("the run has {steps} timesteps and {} values of ᾱ", info.alpha_bar.len()));
        }
        Ok(Self { info: Arc::new(info), frames: Vec::with_capacity(steps + 1), model, label, recorded: false })
    }

    /// A recorded run with all its frames.
    pub fn from_recording(run: RecordedRun, bytes: &[u8]) -> Result<Self, String> {
        let mut film = Self::new(run.info, run.model, run.label)?;
        let mut rest = bytes;
        for frame in &run.frames {
            let mut buffers = Vec::new();
            for size in part_bytes(&film.info, frame)? {
                let split = rest.split_at_checked(size);
                let (buffer, after) = split.ok_or_else(|| format!("the recording ends within frame {}", frame.step))?;
                buffers.push(buffer.to_vec());
                rest = after;
            }
            film.push(frame, buffers)?;
        }
        if !film.is_complete() || !rest.is_empty() {
            return Err(format!("the recording has {} frames, and {} bytes too many", film.frames.len(), rest.len()));
        }
        film.recorded = true;
        Ok(film)
    }

    /// Takes the next frame with the buffers of [`crate::protocol::FromWorker::Frame`].
    pub fn push(&mut self, frame: &FrameInfo, buffers: Vec<Vec<u8>>) -> Result<(), String> {
        let (step, image_shape) = (frame.step, frame.image_shape);
        if step != self.frames.len() || step > self.steps() {
            return Err(format!("frame {step} came where frame {} was due", self.frames.len()));
        }
        let due = part_bytes(&self.info, frame)?;
        let found: Vec<usize> = buffers.iter().map(Vec::len).collect();
        if found != due || !frame.preview && image_shape != self.info.image_shape {
            return Err(format!("frame {step} with pictures {image_shape:?} has {found:?} bytes, not {due:?}"));
        }
        let mut parts: Vec<_> = frame.parts.iter().zip(buffers).collect();
        let mut take = |part| parts.iter().position(|(name, _)| **name == part).map(|at| parts.swap_remove(at).1);
        let (Some(x_t), Some(x0), x0_hat) = (take(FramePart::XT), take(FramePart::Pictures), take(FramePart::X0Hat))
        else {
            return Err(format!("frame {step} came without latents or without pictures"));
        };
        let x_t = x_t.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let latents = x0_hat.filter(|_| frame.preview).map(Arc::new);
        if frame.preview && latents.is_none() {
            return Err(format!("frame {step} is a preview and came without the latents to decode"));
        }
        let frame = Frame { x_t, x0, image_shape, latents, decoded: vec![], ms: frame.ms };
        self.frames.push(Arc::new(frame));
        Ok(())
    }

    /// Puts the decoded picture `i` in the place of its preview in frame `step`.
    pub fn put_decoded(&mut self, step: usize, i: usize, picture: Vec<u8>) -> Result<(), String> {
        let [height, width] = self.info.image_shape;
        let due = height * width * 4;
        if picture.len() != due {
            return Err(format!("the decoded picture of step {step} has {} bytes, not {due}", picture.len()));
        }
        let frame = self.frames.get_mut(step).filter(|_| i < self.info.num_images);
        let frame = frame.ok_or_else(|| format!("there is no picture {i} in step {step}"))?;
        let mut new = Frame::clone(frame);
        new.decoded.push((i, Arc::new(picture)));
        *frame = Arc::new(new);
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

    /// Mean time of a step, without the first, which warms the device up, and without a long decoding at the end.
    pub fn ms_per_step(&self) -> Option<f64> {
        let heavy = self.is_complete() && self.frames.iter().any(|frame| frame.latents.is_some());
        let frames = &self.frames[..self.frames.len() - usize::from(heavy)];
        let timed = if frames.len() > 2 { &frames[1..] } else { frames };
        let mean = timed.iter().map(|frame| frame.ms).sum::<f64>() / timed.len() as f64;
        (mean.is_finite() && mean > 0.0).then_some(mean)
    }
}

/// Where a position stands: the original timestep and ᾱ; the finished picture is at t = 0, ᾱ = 1.
pub fn place(info: &RunInfo, position: usize) -> (usize, f64) {
    let at = |i| Some((*info.timesteps.get(i)?, *info.alpha_bar.get(i)?));
    at(position).unwrap_or((0, 1.0))
}

impl Frame {
    /// Whether picture `i` is only a linear map of its latent.
    pub fn is_preview(&self, i: usize) -> bool {
        self.latents.is_some() && self.decoded(i).is_none()
    }

    /// Picture `i`, if it was decoded after all.
    fn decoded(&self, i: usize) -> Option<&[u8]> {
        self.decoded.iter().find(|(picture, _)| *picture == i).map(|(_, rgba)| rgba.as_slice())
    }

    /// The predicted latent of picture `i` of a preview, as the worker wants it back.
    pub fn latent(&self, info: &RunInfo, i: usize) -> Option<Vec<u8>> {
        let size = info.latent_shape.iter().product::<usize>() * 4;
        self.latents.as_ref()?.get(i * size..(i + 1) * size).map(<[u8]>::to_vec)
    }
}

/// Picture `i` of a frame: decoded if it is, else what came with the frame.
pub fn picture(info: &RunInfo, frame: &Frame, i: usize) -> Pixels {
    if let Some(decoded) = frame.decoded(i) {
        let [height, width] = info.image_shape;
        return Pixels { width, height, rgba: decoded.to_vec() };
    }
    let [height, width] = frame.image_shape;
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

/// Bytes of each part of a frame.
fn part_bytes(info: &RunInfo, frame: &FrameInfo) -> Result<Vec<usize>, String> {
    let (latents, pictures) = frame_bytes(info, frame.image_shape)?;
    let of = |part: &FramePart| if *part == FramePart::Pictures { pictures } else { latents };
    Ok(frame.parts.iter().map(of).collect())
}

/// Bytes of the latents and of the pictures of a frame.
fn frame_bytes(info: &RunInfo, image_shape: [usize; 2]) -> Result<(usize, usize), String> {
    let product = |dims: &[usize]| dims.iter().try_fold(4usize, |all, d| all.checked_mul(*d));
    let [c, h, w] = info.latent_shape;
    let [height, width] = image_shape;
    let sizes = product(&[info.num_images, c, h, w]).zip(product(&[info.num_images, height, width]));
    sizes.filter(|(a, b)| (1..=MAX_FRAME_BYTES).contains(a) && (1..=MAX_FRAME_BYTES).contains(b)).ok_or_else(|| {
        format!("{} pictures {image_shape:?} with latents {:?} cannot be shown", info.num_images, info.latent_shape)
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
            steps_skipped: 0,
            guidance_scales: vec![4.0; num_images],
            guidance_channels: 4,
        }
    }

    fn film(steps: usize, n: usize) -> Film {
        Film::new(info(steps, n), "m".into(), "l".into()).expect("a sound description")
    }

    pub fn frame(step: usize) -> FrameInfo {
        let parts = vec![FramePart::XT, FramePart::Pictures];
        FrameInfo { run: 1, step, ms: 40.0, image_shape: [3, 3], preview: false, parts }
    }

    /// A frame whose pictures are as large as the latents.
    pub fn preview(step: usize) -> FrameInfo {
        let parts = vec![FramePart::XT, FramePart::Pictures, FramePart::X0Hat];
        FrameInfo { image_shape: [2, 2], preview: true, parts, ..frame(step) }
    }

    #[test]
    fn frames_of_a_wrong_size_or_order_are_refused() {
        let mut film = film(2, 1);
        assert!(film.push(&frame(0), vec![vec![0; 64], vec![0; 36]]).is_ok());
        assert!(film.push(&frame(1), vec![vec![0; 60], vec![0; 36]]).unwrap_err().contains("bytes"));
        assert!(film.push(&frame(2), vec![vec![0; 64], vec![0; 36]]).unwrap_err().contains("due"));
        assert!(film.push(&frame(1), vec![vec![0; 64], vec![0; 36], vec![0; 64]]).is_err());
        assert!(film.push(&preview(1), vec![vec![0; 64], vec![0; 16]]).is_err());
        let nameless = FrameInfo { parts: vec![FramePart::XT, FramePart::X0Hat], ..frame(1) };
        assert!(film.push(&nameless, vec![vec![0; 64], vec![0; 64]]).unwrap_err().contains("pictures"));
        let blind = FrameInfo { parts: vec![FramePart::XT, FramePart::Pictures], ..preview(1) };
        assert!(film.push(&blind, vec![vec![0; 64], vec![0; 16]]).unwrap_err().contains("preview"));
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
        let frame = film.frames[0].clone();
        assert_eq!((picture(&film.info, &frame, 1).width, picture(&film.info, &frame, 1).rgba.len()), (2, 16));
        assert_eq!(frame.latent(&film.info, 1), Some((64..128).collect()));
        assert_eq!(frame.latent(&film.info, 2), None);
        assert!(film.put_decoded(0, 1, vec![9; 35]).is_err());
        assert!(film.put_decoded(0, 2, vec![9; 36]).is_err());
        film.put_decoded(0, 1, vec![9; 36]).expect("a sound picture");
        assert!(film.frames[0].is_preview(0) && !film.frames[0].is_preview(1));
        assert_eq!(picture(&film.info, &film.frames[0], 1), Pixels { width: 3, height: 3, rgba: vec![9; 36] });
        assert!(!Arc::ptr_eq(&frame, &film.frames[0]), "views see that it changed");
    }

    #[test]
    fn a_long_decoding_at_the_end_is_not_a_step() {
        let mut film = film(2, 1);
        let three = |pictures| vec![vec![0; 64], vec![0; pictures], vec![0; 64]];
        film.push(&preview(0), three(16)).expect("a sound preview");
        film.push(&preview(1), three(16)).expect("a sound preview");
        film.push(&FrameInfo { ms: 9000.0, ..self::frame(2) }, vec![vec![0; 64], vec![0; 36]]).expect("a sound frame");
        assert_eq!(film.ms_per_step(), Some(40.0));
    }

    #[test]
    fn parts_are_found_by_name() {
        let mut film = film(1, 1);
        let parts = vec![FramePart::EpsCond, FramePart::Pictures, FramePart::X0Hat, FramePart::XT];
        let x_t = 2.5f32.to_le_bytes().repeat(16);
        film.push(&FrameInfo { parts, ..frame(0) }, vec![vec![0; 64], vec![7; 36], vec![0; 64], x_t]).expect("a frame");
        assert_eq!((film.frames[0].x_t.clone(), film.frames[0].x0.clone()), (vec![2.5; 16], vec![7; 36]));
        assert!(!film.frames[0].is_preview(0), "latents alone make no preview");
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
