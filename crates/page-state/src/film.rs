//! A run as pictures, pure: frames in the order of the steps, checked when they
//! come in, and cut into pictures for the canvases.

use crate::floats::{bytes, numbers};
use crate::{Misfit, Notice};
use ditscope_protocol::{FrameInfo, FramePart, RecordedRun, RunInfo};
use std::sync::Arc;

/// More than any sensible run; keeps a damaged description from asking for absurd memory.
const MAX_FRAME_BYTES: usize = 1 << 28;

/// What a film may take: a longer run keeps only every second of its frames, or every fourth, and so on.
pub const MAX_FILM_BYTES: usize = 256 << 20;

/// A run and its frames so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    pub info: Arc<RunInfo>,
    /// In the order of their steps; see `stride`.
    frames: Vec<Arc<Frame>>,
    /// How much the pictures have changed with each frame since the first, kept or not: root mean squares, added up.
    changes: Vec<f64>,
    /// How many have come, kept or not.
    received: usize,
    /// Every so many steps a frame is kept, and the newest one always.
    stride: usize,
    max_bytes: usize,
    /// [`FramePart::State`] of the newest frame: with it a new worker can take the next one.
    pub(crate) state: Arc<Vec<Vec<u8>>>,
    /// The model's and the class's names, for captions.
    pub model: String,
    pub label: String,
    pub recorded: bool,
}

/// One step of all pictures. Latents are `[N, C, h, w]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// 0 … number of steps: its position in the film.
    pub step: usize,
    pub x_t: Vec<f32>,
    /// x̂0 as pictures `[N, H, W, 4]` of its `image_shape`
    pub x0: Vec<u8>,
    /// Sides `[H, W]` of its pictures: smaller than the run's in a preview.
    pub image_shape: [usize; 2],
    /// Whether `x0` is a linear map of the latents and not decoded.
    pub preview: bool,
    /// Absent in the last frame and in old recordings.
    pub x0_hat: Option<Vec<f32>>,
    /// The predicted noise with the class, and without it (absent where every scale is 1).
    pub eps_cond: Option<Vec<f32>>,
    pub eps_uncond: Option<Vec<f32>>,
    /// Pictures of a preview that were decoded after all, with their numbers: `[H, W, 4]` of the run's `image_shape`.
    pub decoded: Vec<(usize, Arc<Vec<u8>>)>,
    pub ms: f64,
}

/// A frame in its run.
#[derive(Debug, Clone)]
pub struct Moment {
    pub info: Arc<RunInfo>,
    pub frame: Arc<Frame>,
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.info, &other.info) && Arc::ptr_eq(&self.frame, &other.frame)
    }
}

/// A small picture, ready for a canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    pub width: usize,
    pub height: usize,
    pub rgba: Vec<u8>,
}

impl Pixels {
    /// Pictures as they come in a buffer, RGBA `[N, height, width, 4]`; what is left over is none.
    pub fn cut(rgba: &[u8], [height, width]: [usize; 2]) -> Vec<Self> {
        let one = |rgba: &[u8]| Self { width, height, rgba: rgba.to_vec() };
        rgba.chunks_exact((4 * height * width).max(1)).map(one).collect()
    }

    /// One beside the other, as squarely as it goes, with a free pixel between them. All are of the size of the first.
    pub fn beside(pictures: &[Self]) -> Self {
        let Some(Self { width, height, .. }) = pictures.first() else {
            return Self { width: 0, height: 0, rgba: vec![] };
        };
        let columns = (1..).find(|columns| columns * columns >= pictures.len()).unwrap_or(1);
        let rows = pictures.len().div_ceil(columns);
        let (all_width, all_height) = (columns * (width + 1) - 1, rows * (height + 1) - 1);
        let mut rgba = vec![0; 4 * all_width * all_height];
        for (i, picture) in pictures.iter().enumerate() {
            let (left, top) = (i % columns * (width + 1), i / columns * (height + 1));
            for (row, line) in picture.rgba.chunks_exact(4 * width).enumerate() {
                let at = 4 * ((top + row) * all_width + left);
                rgba[at..at + line.len()].copy_from_slice(line);
            }
        }
        Self { width: all_width, height: all_height, rgba }
    }
}

impl Film {
    pub fn new(info: RunInfo, model: String, label: String) -> Result<Self, Notice> {
        frame_bytes(&info, info.image_shape)?;
        let steps = info.timesteps.len();
        if steps == 0 || info.alpha_bar.len() != steps {
            return Err(Misfit::FilmSteps { steps, alpha_bars: info.alpha_bar.len() }.into());
        }
        let info = Arc::new(info);
        let (frames, changes, max_bytes, state) = (Vec::new(), Vec::new(), MAX_FILM_BYTES, Arc::default());
        Ok(Self { info, frames, changes, received: 0, stride: 1, max_bytes, state, model, label, recorded: false })
    }

    /// A recorded run with all its frames.
    pub fn from_recording(run: RecordedRun, bytes: &[u8]) -> Result<Self, Notice> {
        let mut film = Self::new(run.info, run.model, run.label)?;
        let mut rest = bytes;
        for frame in &run.frames {
            let mut buffers = Vec::new();
            for size in part_bytes(&film.info, frame)? {
                let split = rest.split_at_checked(size);
                let (buffer, after) = split.ok_or(Misfit::Recording)?;
                buffers.push(buffer.to_vec());
                rest = after;
            }
            film.push(frame, buffers)?;
        }
        if !film.is_complete() || !rest.is_empty() {
            return Err(Misfit::Recording.into());
        }
        film.recorded = true;
        Ok(film)
    }

    /// The same with its part of the memory, where several films are kept.
    pub fn sharing(self, among: usize) -> Self {
        Self { max_bytes: MAX_FILM_BYTES / among.max(1), ..self }
    }

    /// Takes the next frame with the buffers of [`ditscope_protocol::FromWorker::Frame`].
    pub fn push(&mut self, frame: &FrameInfo, buffers: Vec<Vec<u8>>) -> Result<(), Notice> {
        let (step, image_shape) = (frame.step, frame.image_shape);
        if step != self.received || step > self.steps() {
            return Err(Misfit::FrameOrder { step, due: self.received }.into());
        }
        let due = part_bytes(&self.info, frame)?;
        let found: Vec<usize> = buffers.iter().map(Vec::len).collect();
        if found != due || !frame.preview && image_shape != self.info.image_shape {
            return Err(Misfit::FrameBytes { step, pictures: image_shape, found, due }.into());
        }
        let (mut parts, mut state) = (vec![], vec![]);
        for (part, buffer) in frame.parts.iter().zip(buffers) {
            match part {
                FramePart::State => state.push(buffer),
                part => parts.push((part, buffer)),
            }
        }
        let mut take = |part| parts.iter().position(|(name, _)| **name == part).map(|at| parts.swap_remove(at).1);
        let (Some(x_t), Some(x0)) = (take(FramePart::XT), take(FramePart::Pictures)) else {
            return Err(Misfit::FrameParts { step }.into());
        };
        let mut latents = |part| take(part).map(|bytes| numbers(&bytes));
        let [x0_hat, eps_cond, eps_uncond] =
            [FramePart::X0Hat, FramePart::EpsCond, FramePart::EpsUncond].map(&mut latents);
        let preview = frame.preview;
        if preview && x0_hat.is_none() {
            return Err(Misfit::FramePreview { step }.into());
        }
        let (x_t, decoded, ms) = (numbers(&x_t), vec![], frame.ms);
        let frame = Frame { step, x_t, x0, image_shape, preview, x0_hat, eps_cond, eps_uncond, decoded, ms };
        self.keep(frame);
        self.state = Arc::new(state);
        Ok(())
    }

    /// Keeps a frame, and gives up others where there is no room for all.
    fn keep(&mut self, frame: Frame) {
        let before = self.changes.last().copied().unwrap_or_default();
        let new = self.frames.last().and_then(|newest| distance(&newest.x0, &frame.x0)).unwrap_or_default();
        self.changes.push(before + new);
        let stride = self.stride;
        self.frames.pop_if(|newest| !newest.step.is_multiple_of(stride));
        self.frames.push(Arc::new(frame));
        self.received += 1;
        while self.bytes() > self.max_bytes && self.stride < self.received {
            self.stride *= 2;
            let (stride, newest) = (self.stride, self.last());
            self.frames.retain(|frame| frame.step.is_multiple_of(stride) || frame.step == newest);
        }
    }

    /// How much the pictures have changed from one step to another: root mean squares of what each step did, added up.
    pub fn change(&self, from: usize, to: usize) -> f64 {
        let until = |step: usize| self.changes.get(step).copied().unwrap_or_default();
        (until(to) - until(from)).max(0.0)
    }

    /// Puts the decoded picture `i` in the place of its preview in frame `step`.
    pub fn put_decoded(&mut self, step: usize, i: usize, picture: Vec<u8>) -> Result<(), Notice> {
        let [height, width] = self.info.image_shape;
        let due = height * width * 4;
        if picture.len() != due {
            return Err(Misfit::DecodedBytes { step, found: picture.len(), due }.into());
        }
        let count = self.info.num_images;
        let frame = self.frames.iter_mut().find(|frame| frame.step == step && i < count);
        let frame = frame.ok_or(Misfit::NoPicture { picture: i, step })?;
        let mut new = Frame::clone(frame);
        new.decoded.push((i, Arc::new(picture)));
        *frame = Arc::new(new);
        Ok(())
    }

    /// The frame at a position: the nearest kept one at or before it.
    pub fn at(&self, position: usize) -> Option<&Arc<Frame>> {
        let after = self.frames.partition_point(|frame| frame.step <= position);
        self.frames.get(after.checked_sub(1)?).filter(|_| position < self.received)
    }

    /// The nearest kept position at or before `position`, which may lie beyond the newest frame.
    pub fn kept(&self, position: usize) -> usize {
        self.at(position.min(self.last())).map_or(0, |frame| frame.step)
    }

    /// The kept position `by` frames on from `position`, or the nearest end.
    pub fn neighbour(&self, position: usize, by: isize) -> usize {
        let here = self.frames.partition_point(|frame| frame.step < position);
        let there = here.saturating_add_signed(by).min(self.frames.len().saturating_sub(1));
        self.frames.get(there).map_or(0, |frame| frame.step)
    }

    /// The frame before this one, of those that are kept.
    pub fn before(&self, frame: &Frame) -> Option<&Arc<Frame>> {
        let here = self.frames.partition_point(|kept| kept.step < frame.step);
        self.frames.get(here.checked_sub(1)?)
    }

    /// The frames that are kept, in the order of their steps.
    pub fn frames(&self) -> &[Arc<Frame>] {
        &self.frames
    }

    /// How many frames have come.
    pub fn received(&self) -> usize {
        self.received
    }

    /// Every so many steps a frame is kept.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Memory that the frames take.
    pub fn bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.bytes()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.received == 0
    }

    /// Number of steps; there is one frame more when the run is complete.
    pub fn steps(&self) -> usize {
        self.info.timesteps.len()
    }

    /// Position of the newest frame.
    pub fn last(&self) -> usize {
        self.received.saturating_sub(1)
    }

    pub fn is_complete(&self) -> bool {
        self.received == self.steps() + 1
    }

    /// Mean time of a step, without the first, which warms the device up, and without the last frame, which is no step.
    pub fn ms_per_step(&self) -> Option<f64> {
        let frames = &self.frames[..self.frames.len() - usize::from(self.is_complete())];
        let timed = if frames.len() > 2 { &frames[1..] } else { frames };
        let mean = timed.iter().map(|frame| frame.ms).sum::<f64>() / timed.len() as f64;
        (mean.is_finite() && mean > 0.0).then_some(mean)
    }
}

/// Where a position in a film is, to be put into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub step: usize,
    pub steps: usize,
    /// The timestep; the finished picture has none.
    pub t: Option<usize>,
}

impl Place {
    pub fn of(film: &Film, position: usize) -> Self {
        let steps = film.steps();
        Self { step: position, steps, t: (position < steps).then(|| place(&film.info, position).0) }
    }
}

/// Where a position stands: the original timestep and ᾱ; the finished picture is at t = 0, ᾱ = 1.
pub fn place(info: &RunInfo, position: usize) -> (usize, f64) {
    let at = |i| Some((*info.timesteps.get(i)?, *info.alpha_bar.get(i)?));
    at(position).unwrap_or((0, 1.0))
}

/// Guidance scale and seed of picture `i`. Where each picture has a scale of its own, all have one seed.
pub fn origin(info: &RunInfo, i: usize) -> (f64, u64) {
    let scale = info.guidance_scales.get(i).copied().unwrap_or(info.settings.guidance_scale);
    (scale, if compares_scales(info) { info.settings.seed } else { info.settings.seed.saturating_add(i as u64) })
}

/// Whether each picture has its own guidance scale, and all the same seed.
pub fn compares_scales(info: &RunInfo) -> bool {
    info.guidance_scales.windows(2).any(|pair| pair[0] != pair[1])
}

impl Frame {
    /// Whether picture `i` is only a linear map of its latent.
    pub fn is_preview(&self, i: usize) -> bool {
        self.preview && self.decoded(i).is_none()
    }

    /// Picture `i`, if it was decoded after all.
    fn decoded(&self, i: usize) -> Option<&[u8]> {
        self.decoded.iter().find(|(picture, _)| *picture == i).map(|(_, rgba)| rgba.as_slice())
    }

    /// The predicted latent of picture `i` of a preview, as the worker wants it back.
    pub fn latent(&self, info: &RunInfo, i: usize) -> Option<Vec<u8>> {
        let x0_hat = self.x0_hat.as_deref().filter(|_| self.preview)?;
        of_picture(info, x0_hat, i).map(bytes)
    }

    fn bytes(&self) -> usize {
        let latents = [Some(&self.x_t), self.x0_hat.as_ref(), self.eps_cond.as_ref(), self.eps_uncond.as_ref()];
        let decoded = self.decoded.iter().map(|(_, rgba)| rgba.len()).sum::<usize>();
        latents.into_iter().flatten().map(|values| 4 * values.len()).sum::<usize>() + self.x0.len() + decoded
    }
}

/// The latent `[C, h, w]` of picture `i` out of those of all.
pub fn of_picture<'a>(info: &RunInfo, latents: &'a [f32], i: usize) -> Option<&'a [f32]> {
    let size = info.latent_shape.iter().product::<usize>();
    latents.get(i * size..(i + 1) * size)
}

/// Root mean square difference of pictures; nothing, where they have other sizes: a preview and what is decoded.
fn distance(a: &[u8], b: &[u8]) -> Option<f64> {
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum::<f64>();
    (a.len() == b.len()).then(|| (squares / a.len().max(1) as f64).sqrt())
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

/// Bytes of each part of a frame.
fn part_bytes(info: &RunInfo, frame: &FrameInfo) -> Result<Vec<usize>, Notice> {
    let (latents, pictures) = frame_bytes(info, frame.image_shape)?;
    let of = |part: &FramePart| if *part == FramePart::Pictures { pictures } else { latents };
    Ok(frame.parts.iter().map(of).collect())
}

/// Bytes of the latents and of the pictures of a frame.
fn frame_bytes(info: &RunInfo, image_shape: [usize; 2]) -> Result<(usize, usize), Notice> {
    let product = |dims: &[usize]| dims.iter().try_fold(4usize, |all, d| all.checked_mul(*d));
    let [c, h, w] = info.latent_shape;
    let [height, width] = image_shape;
    let sizes = product(&[info.num_images, c, h, w]).zip(product(&[info.num_images, height, width]));
    sizes.filter(|(a, b)| (1..=MAX_FRAME_BYTES).contains(a) && (1..=MAX_FRAME_BYTES).contains(b)).ok_or_else(|| {
        Misfit::FilmShape { count: info.num_images, pictures: image_shape, latents: info.latent_shape }.into()
    })
}

/// Width of a picture on the page, in CSS pixels: the largest whole number of
/// device pixels for each of its pixels that fits into `available`.
pub fn fitted_width(native: usize, available: f64, device_pixel_ratio: f64) -> f64 {
    let times = (available * device_pixel_ratio / native.max(1) as f64).floor();
    if times < 1.0 { available.max(0.0) } else { times * native as f64 / device_pixel_ratio }
}

#[cfg(test)]
#[path = "film_tests.rs"]
pub mod tests;
