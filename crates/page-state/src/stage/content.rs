//! What a view shows, as numbers and pictures; pure.

use super::kind::ViewKind;
use super::state::Sight;
use crate::Notice;
use crate::colour::{RANGE, Scheme};
use crate::film::{self, Frame, Pixels, of_picture};
use ditscope_protocol::RunInfo;
use std::sync::Arc;

/// A step, seen at one picture of it.
#[derive(Debug, Clone)]
pub struct Scene {
    pub info: Arc<RunInfo>,
    pub frame: Arc<Frame>,
    /// The frame kept before it.
    pub before: Option<Arc<Frame>>,
    pub picture: usize,
    pub sight: Sight,
}

impl PartialEq for Scene {
    fn eq(&self, other: &Self) -> bool {
        let before = |scene: &Self| scene.before.as_ref().map(Arc::as_ptr);
        Arc::ptr_eq(&self.info, &other.info)
            && Arc::ptr_eq(&self.frame, &other.frame)
            && before(self) == before(other)
            && self.picture == other.picture
            && self.sight == other.sight
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Map(Map),
    Picture {
        pixels: Pixels,
        preview: bool,
        /// Of another step: the right one is on its way.
        stale: bool,
    },
    Nothing(Nothing),
}

/// Why there is nothing to see.
#[derive(Debug, Clone, PartialEq)]
pub enum Nothing {
    NoNoiseLeft,
    NoUncond,
    NotRecorded,
    /// The first frame has none before it.
    NothingBefore,
    Decoding,
    NotDecoded(Notice),
}

/// Numbers `[C, h, w]` and how far their colours reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    pub shape: [usize; 3],
    pub values: Vec<f32>,
    pub range: f32,
}

/// Pictures have values from 0 to 1, and seldom change by more than this between two steps.
const RANGE_OF_CHANGE: f32 = 0.5;

/// Hundreds of channels could not be told apart; the first sixteen can.
const MOST_CHANNELS: usize = 16;

/// Whether a map's colours reach as far as its values: if that was chosen, and always those of a difference, which would be
/// pale beside noise.
pub fn is_fitted(kind: ViewKind, chosen: bool) -> bool {
    chosen || kind == ViewKind::EpsDiff
}

/// What `kind` shows of a step.
pub fn content(kind: ViewKind, scene: &Scene, fitted: bool) -> Content {
    let fitted = is_fitted(kind, fitted);
    let Scene { info, frame, picture, .. } = scene;
    let of = |latents: &Option<Vec<f32>>| of_picture(info, latents.as_deref()?, *picture).map(<[f32]>::to_vec);
    let (cond, uncond) = (of(&frame.eps_cond), of(&frame.eps_uncond));
    let values = match kind {
        ViewKind::X0 => {
            let (pixels, preview) = (film::picture(info, frame, *picture), frame.is_preview(*picture));
            return Content::Picture { pixels, preview, stale: false };
        }
        ViewKind::XTDecoded => return decoded(scene),
        ViewKind::Change => return change(scene, fitted),
        // The last frame's latent is no noisy one: no model sees it.
        ViewKind::XT if is_finished(scene) => None,
        ViewKind::XT => of_picture(info, &frame.x_t, *picture).map(<[f32]>::to_vec),
        ViewKind::X0Latent => of(&scene.frame.x0_hat).or_else(|| finished(scene)),
        ViewKind::EpsCond => cond.clone(),
        ViewKind::EpsUncond => uncond.clone(),
        ViewKind::EpsDiff => cond.as_ref().zip(uncond.as_ref()).map(|(cond, uncond)| difference(cond, uncond)),
        ViewKind::EpsGuided => cond.as_ref().map(|cond| guided(info, cond, uncond.as_deref(), *picture)),
    };
    match values {
        Some(values) => Content::Map(Map::new(info.latent_shape, values, RANGE, fitted)),
        None if is_finished(scene) => Content::Nothing(Nothing::NoNoiseLeft),
        None if cond.is_some() => Content::Nothing(Nothing::NoUncond),
        None => Content::Nothing(Nothing::NotRecorded),
    }
}

/// The ε that the step is taken with: `uncond + scale·(cond − uncond)` on the guided channels, `cond` on others.
fn guided(info: &RunInfo, cond: &[f32], uncond: Option<&[f32]>, picture: usize) -> Vec<f32> {
    let scale = info.guidance_scales.get(picture).map_or(1.0, |scale| *scale as f32);
    let [_, height, width] = info.latent_shape;
    let steered = info.guidance_channels * height * width;
    let Some(uncond) = uncond else { return cond.to_vec() };
    let one = |(i, (cond, uncond)): (usize, (&f32, &f32))| match i < steered {
        true => uncond + scale * (cond - uncond),
        false => *cond,
    };
    cond.iter().zip(uncond).enumerate().map(one).collect()
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn is_finished(scene: &Scene) -> bool {
    scene.frame.step >= scene.info.timesteps.len()
}

/// The last frame's latent, which is clean.
fn finished(scene: &Scene) -> Option<Vec<f32>> {
    let latent = of_picture(&scene.info, &scene.frame.x_t, scene.picture);
    latent.filter(|_| is_finished(scene)).map(<[f32]>::to_vec)
}

fn decoded(scene: &Scene) -> Content {
    if is_finished(scene) {
        return content(ViewKind::X0, scene, false);
    }
    let (decoded, stale) = match &scene.sight {
        Sight::There(decoded) => (decoded, false),
        Sight::Awaited(Some(decoded)) => (decoded, true),
        Sight::Awaited(None) => return Content::Nothing(Nothing::Decoding),
        Sight::Absent(why) => return Content::Nothing(Nothing::NotDecoded(why.clone())),
    };
    Content::Picture { pixels: decoded.pixels.clone(), preview: decoded.preview, stale }
}

/// How much brighter or darker each pixel of x̂0 became. Where a preview is followed by a decoded picture, their latents
/// are compared.
fn change(scene: &Scene, fitted: bool) -> Content {
    let Scene { info, frame, before: Some(before), picture, .. } = scene else {
        return Content::Nothing(Nothing::NothingBefore);
    };
    let [now, then] = [frame, before].map(|frame| film::picture(info, frame, *picture));
    let same = (now.width, now.height) == (then.width, then.height);
    if same && frame.is_preview(*picture) == before.is_preview(*picture) {
        let values = difference(&brightness(&now), &brightness(&then));
        return Content::Map(Map::new([1, now.height, now.width], values, RANGE_OF_CHANGE, fitted));
    }
    let predicted = |frame: &Frame| frame.x0_hat.as_ref().unwrap_or(&frame.x_t).clone();
    let [now, then] = [frame, before].map(|frame| predicted(frame));
    match of_picture(info, &now, *picture).zip(of_picture(info, &then, *picture)) {
        Some((now, then)) => Content::Map(Map::new(info.latent_shape, difference(now, then), RANGE, fitted)),
        None => Content::Nothing(Nothing::NotRecorded),
    }
}

/// Mean of red, green and blue, from 0 to 1.
fn brightness(pixels: &Pixels) -> Vec<f32> {
    pixels.rgba.chunks_exact(4).map(|p| p[..3].iter().map(|v| f32::from(*v)).sum::<f32>() / (3.0 * 255.0)).collect()
}

impl Map {
    fn new(shape: [usize; 3], values: Vec<f32>, fixed: f32, fitted: bool) -> Self {
        let largest = values.iter().filter(|value| value.is_finite()).fold(0.0f32, |most, value| most.max(value.abs()));
        let range = if fitted && largest > 0.0 { largest } else { fixed };
        Self { shape, values, range }
    }

    fn tiles(&self) -> usize {
        self.shape[0].min(MOST_CHANNELS)
    }

    /// Channels beside each other: nearly a square, or all in one row. Those of words lie above each other.
    fn columns(&self, in_row: bool) -> usize {
        let [_, height, width] = self.shape;
        let share = height as f64 / width.max(1) as f64;
        match in_row && height > 1 {
            true => self.tiles(),
            false => (self.tiles() as f64 * share).sqrt().ceil() as usize,
        }
        .max(1)
    }

    /// The channels as tiles, one transparent pixel apart.
    pub fn pixels(&self, scheme: Scheme, in_row: bool) -> Pixels {
        let [_, height, width] = self.shape;
        let columns = self.columns(in_row);
        let rows = self.tiles().div_ceil(columns).max(1);
        let (all_width, all_height) = (columns * (width + 1) - 1, rows * (height + 1) - 1);
        let mut rgba = vec![0; 4 * all_width * all_height];
        let size = (height * width).max(1);
        for (i, value) in self.values.iter().enumerate().take(self.tiles() * size) {
            let (channel, row, column) = (i / size, i % size / width, i % width);
            let (y, x) = (channel / columns * (height + 1) + row, channel % columns * (width + 1) + column);
            let at = 4 * (y * all_width + x);
            rgba[at..at + 4].copy_from_slice(&scheme.rgba(*value, self.range));
        }
        Pixels { width: all_width, height: all_height, rgba }
    }

    /// Channel, row and column of a pixel of [`Self::pixels`]; nothing between two tiles.
    fn locate(&self, (x, y): (usize, usize), in_row: bool) -> Option<[usize; 3]> {
        let [_, height, width] = self.shape;
        let columns = self.columns(in_row);
        let (column, row) = (x % (width + 1), y % (height + 1));
        let channel = y / (height + 1) * columns + x / (width + 1);
        let inside = column < width && row < height && x / (width + 1) < columns && channel < self.tiles();
        inside.then_some([channel, row, column])
    }
}

/// What stands at a pixel of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Where there are several.
    pub channel: Option<usize>,
    pub row: usize,
    pub column: usize,
    /// `+1.27`, or `RGB 1 2 3`.
    pub value: String,
}

impl Content {
    /// What stands at pixel `(x, y)`; nothing between two tiles.
    pub fn reading(&self, (x, y): (usize, usize), in_row: bool) -> Option<Reading> {
        match self {
            Self::Map(map) => {
                let [channel, row, column] = map.locate((x, y), in_row)?;
                let [channels, height, width] = map.shape;
                let value = signed(*map.values.get((channel * height + row) * width + column)?);
                Some(Reading { channel: (channels > 1).then_some(channel), row, column, value })
            }
            Self::Picture { pixels, .. } => {
                let pixel = pixels.rgba.chunks_exact(4).nth(y * pixels.width + x).filter(|_| x < pixels.width)?;
                let value = format!("RGB {} {} {}", pixel[0], pixel[1], pixel[2]);
                Some(Reading { channel: None, row: y, column: x, value })
            }
            Self::Nothing(_) => None,
        }
    }
}

/// `+1.27`, `−0.003`, with a sign as long as a digit.
fn signed(value: f32) -> String {
    let (value, digits) = (f64::from(value), if value.abs() < 0.1 { 4 } else { 3 });
    format!("{value:+.digits$}").replace('-', "−")
}

/// The end of a legend: `3`, `0.42`.
pub fn limit(range: f32) -> String {
    let range = f64::from(range);
    let digits = match range {
        100.0.. => 0,
        1.0.. => 1,
        0.01.. => 2,
        _ => 4,
    };
    let number = format!("{range:.digits$}");
    if digits > 0 { number.trim_end_matches('0').trim_end_matches('.').into() } else { number }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
