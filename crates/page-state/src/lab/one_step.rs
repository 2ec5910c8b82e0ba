//! One step against many: x̂0 in one go from any t, beside what all steps lead to. Pure.

use super::Base;
use crate::asks::Answered;
use crate::film::{Film, Pixels, of_picture};
pub use crate::forward::last_t;
use crate::{Notice, Shared};
use ditscope_config::Measurement;

/// So many seeds guess in one go.
pub const SEEDS: u64 = 8;

/// What is looked at, and what is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OneStep {
    /// The timestep; nothing: the last one, pure noise.
    pub t: Option<usize>,
    pub guesses: Option<Result<Guesses, Notice>>,
}

/// What came of guessing.
#[derive(Debug, Clone, PartialEq)]
pub struct Guesses {
    pub t: usize,
    /// x̂0 of each seed, decoded.
    pub pictures: Vec<Pixels>,
    /// What their mean is decoded to.
    pub mean: Pixels,
    /// Root mean square distance of the latents from their mean.
    pub spread: f64,
}

impl OneStep {
    /// The timestep that is looked at.
    pub fn t(&self, shared: &Shared) -> usize {
        let last = last_t(shared);
        self.t.unwrap_or(last).min(last)
    }

    /// The question: x̂0 of several seeds. At the very end there is nothing of a picture in the noise.
    pub fn question(&self, shared: &Shared, base: Option<&Base>) -> (Measurement, Vec<Vec<u8>>) {
        let (t, settings) = (self.t(shared), shared.settings());
        let seeds = (0..SEEDS).map(|i| settings.seed.saturating_add(i)).collect();
        let base = base.filter(|_| t < last_t(shared));
        let class = base.map_or(settings.class, |base| base.class);
        let what = Measurement::OneStep { t, class, guidance_scale: settings.guidance_scale, seeds };
        (what, base.map(|base| base.bytes()).into_iter().collect())
    }

    pub fn take(&mut self, t: usize, answered: &Answered, image_shape: [usize; 2]) {
        self.guesses = Some(match answered {
            Ok((_, buffers)) => Guesses::read(t, buffers, image_shape).ok_or(Notice::ForwardMisfit),
            Err(why) => Err(why.clone()),
        });
    }
}

impl Guesses {
    fn read(t: usize, buffers: &[Vec<u8>], image_shape: [usize; 2]) -> Option<Self> {
        let [latents, pictures] = buffers else { return None };
        let latents = crate::floats::numbers(latents);
        let mut pictures = Pixels::cut(pictures, image_shape);
        let mean = pictures.pop()?;
        let size = latents.len().checked_div(pictures.len())?;
        let each: Vec<&[f32]> = latents.chunks_exact(size.max(1)).collect();
        let center: Vec<f32> =
            (0..size).map(|i| each.iter().map(|latent| latent[i]).sum::<f32>() / each.len() as f32).collect();
        let squares = each.iter().map(|latent| super::rms(latent, &center).powi(2)).sum::<f64>();
        Some(Self { t, spread: (squares / each.len() as f64).sqrt(), pictures, mean })
    }
}

/// How far x̂0 of each step of a run is from what the run ends with: t, and the root mean square of the latents' difference.
pub fn errors(film: &Film, picture: usize) -> Vec<(usize, f64)> {
    let info = &film.info;
    let end = film.at(film.steps()).and_then(|frame| of_picture(info, &frame.x_t, picture));
    let Some(end) = end else { return vec![] };
    let of = |frame: &std::sync::Arc<crate::film::Frame>| {
        let guess = of_picture(info, frame.x0_hat.as_deref()?, picture)?;
        Some((*info.timesteps.get(frame.step)?, super::rms(guess, end)))
    };
    film.frames().iter().filter_map(of).collect()
}
