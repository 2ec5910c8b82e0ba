//! The denoiser that knows the training pictures: the posterior mean of x0 given x_t, where x0 is one of them, each as likely.
//! Pure.
//!
//! For x_t = a·x0 + b·ε it is `x̂0 = Σ wᵢ·xᵢ` with `wᵢ = softmax(−‖x_t − a·xᵢ‖² / 2b²)`: what minimises the training loss
//! (Karras et al. 2022, arXiv:2206.00364, appendix B.3).

use crate::film::{Film, Pixels, of_picture};
use ditscope_protocol::RunInfo;
use ditscope_tensor_file::LatentSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Training pictures that are shown.
pub const NEAREST: usize = 3;

/// Latents of training pictures of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub class: usize,
    /// Numbers of one.
    len: usize,
    /// `[count, len]`
    values: Vec<f32>,
}

/// What the denoiser makes of an x_t.
#[derive(Debug, Clone, PartialEq)]
pub struct Denoised {
    pub x0_hat: Vec<f32>,
    /// The training pictures with the largest weights, and these.
    pub nearest: Vec<(usize, f64)>,
}

impl Known {
    /// Those of a class; nothing where there are none.
    pub fn of(set: &LatentSet, class: usize) -> Option<Self> {
        let [channels, height, width] = set.info.shape;
        let (len, plane) = (channels * height * width, height * width);
        let of_class =
            set.labels.iter().zip(set.numbers.chunks_exact(len)).filter(|(label, _)| usize::from(**label) == class);
        let number = |(i, byte): (usize, &i8)| f32::from(*byte) * set.info.scales[i / plane];
        let values: Vec<f32> = of_class.flat_map(|(_, bytes)| bytes.iter().enumerate().map(number)).collect();
        (!values.is_empty()).then_some(Self { class, len, values })
    }

    pub fn count(&self) -> usize {
        self.values.len() / self.len
    }

    pub fn latent(&self, i: usize) -> &[f32] {
        &self.values[i * self.len..][..self.len]
    }

    /// `weights`: of picture and noise in `x_t`.
    pub fn denoise(&self, x_t: &[f32], (signal, noise): (f64, f64)) -> Denoised {
        let square = |latent: &[f32]| -> f64 {
            x_t.iter().zip(latent).map(|(x, known)| (f64::from(*x) - signal * f64::from(*known)).powi(2)).sum()
        };
        let squares: Vec<f64> = self.values.chunks_exact(self.len).map(square).collect();
        let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
        // Where there is no noise left, the nearest one alone counts.
        let width = (2.0 * noise * noise).max(1e-12);
        let weights: Vec<f64> = squares.iter().map(|square| (-(square - least) / width).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut mean = vec![0.0; self.len];
        for (latent, weight) in self.values.chunks_exact(self.len).zip(&weights) {
            mean.iter_mut().zip(latent).for_each(|(sum, known)| *sum += weight / total * f64::from(*known));
        }
        let mut nearest: Vec<(usize, f64)> = weights.iter().map(|weight| weight / total).enumerate().collect();
        nearest.sort_by(|a, b| b.1.total_cmp(&a.1));
        nearest.truncate(NEAREST);
        Denoised { x0_hat: mean.into_iter().map(|value| value as f32).collect(), nearest }
    }

    /// The training picture that is nearest to a latent, and how far it is: root mean square.
    pub fn nearest(&self, latent: &[f32]) -> (usize, f64) {
        let distances = self.values.chunks_exact(self.len).map(|known| super::rms(known, latent)).enumerate();
        distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
    }

    /// How far a training picture usually is from the one nearest to it: the median of some of them.
    pub fn usual_distance(&self) -> f64 {
        const SOME: usize = 60;
        let step = self.count().div_ceil(SOME).max(1);
        let mut distances: Vec<f64> = (0..self.count())
            .step_by(step)
            .map(|i| {
                let others = (0..self.count()).filter(|other| *other != i);
                others.map(|other| super::rms(self.latent(i), self.latent(other))).fold(f64::INFINITY, f64::min)
            })
            .collect();
        distances.sort_by(f64::total_cmp);
        distances.get(distances.len() / 2).copied().unwrap_or_default()
    }
}

/// The run that this denoiser makes from the noise of another one, with the same steps (DDIM; for a flow model Euler's).
#[derive(Debug, Clone, PartialEq)]
pub struct IdealRun {
    /// The run that it stands beside.
    pub beside: Arc<RunInfo>,
    pub known: Arc<Known>,
    /// What it says at each step; the last is the end.
    pub steps: Vec<Denoised>,
    /// The end of the network's run: the training picture nearest to it, and how far that is.
    pub of_network: (usize, f64),
    pub usual_distance: f64,
    /// By step: what it says there and the nearest training pictures, decoded.
    pub pictures: BTreeMap<usize, Vec<Pixels>>,
}

impl IdealRun {
    /// Nothing where the film is not complete or did not begin with noise.
    pub fn beside(film: &Film, picture: usize, known: Arc<Known>, is_flow: bool) -> Option<Self> {
        let info = &film.info;
        let end = of_picture(info, &film.at(film.steps())?.x_t, picture)?;
        let start = of_picture(info, &film.at(0)?.x_t, picture).filter(|_| info.steps_skipped == 0)?;
        let mut x = start.to_vec();
        let mut steps = Vec::with_capacity(film.steps() + 1);
        for (i, alpha_bar) in info.alpha_bar.iter().enumerate() {
            let here = weights(*alpha_bar, is_flow);
            let next = info.alpha_bar.get(i + 1).map_or((1.0, 0.0), |alpha_bar| weights(*alpha_bar, is_flow));
            let denoised = known.denoise(&x, here);
            let step = |(x, x0): (&f32, &f32)| {
                let eps = (f64::from(*x) - here.0 * f64::from(*x0)) / here.1;
                (next.0 * f64::from(*x0) + next.1 * eps) as f32
            };
            x = x.iter().zip(&denoised.x0_hat).map(step).collect();
            steps.push(denoised);
        }
        let nearest = steps.last().map(|denoised| denoised.nearest.clone()).unwrap_or_default();
        steps.push(Denoised { x0_hat: x, nearest });
        let (of_network, usual_distance) = (known.nearest(end), known.usual_distance());
        Some(Self { beside: info.clone(), known, steps, of_network, usual_distance, pictures: BTreeMap::new() })
    }

    /// The latents to be decoded for a step: what it says, then the training pictures, then the one nearest to the network's
    /// end.
    pub fn latents(&self, step: usize) -> Vec<&[f32]> {
        let denoised = &self.steps[step.min(self.steps.len() - 1)];
        let nearest = denoised.nearest.iter().map(|(i, _)| self.known.latent(*i));
        std::iter::once(&denoised.x0_hat[..]).chain(nearest).chain([self.known.latent(self.of_network.0)]).collect()
    }

    /// How far its end is from a training picture.
    pub fn own_distance(&self) -> f64 {
        self.steps.last().map_or(0.0, |end| self.known.nearest(&end.x0_hat).1)
    }
}

/// Of picture and noise, from ᾱ; on the straight path they sum to 1.
fn weights(alpha_bar: f64, is_flow: bool) -> (f64, f64) {
    let (signal, noise) = (alpha_bar.sqrt(), (1.0 - alpha_bar).max(0.0).sqrt());
    let sum = if is_flow { signal + noise } else { 1.0 };
    (signal / sum, noise / sum)
}

#[cfg(test)]
#[path = "ideal_tests.rs"]
mod tests;
