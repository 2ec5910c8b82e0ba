//! Where a run's noise comes from.

use burn::tensor::{Device, Tensor, TensorData};
use ditscope_noise::gaussian;

/// Where a run's noise comes from.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "one for each run")]
pub enum Noise {
    /// One seed per picture (see [`gaussian`]).
    Seeded(Vec<u64>),
    /// The start `[N, C, h, w]` is given, all other noise comes from the seeds.
    Begun { start: Tensor<4>, seeds: Vec<u64> },
    /// Recorded noise: the start `[N, C, h, w]`, and one `[N, C, h, w]` per step for ancestral samplers.
    Given { start: Tensor<4>, steps: Vec<Tensor<4>> },
}

impl Noise {
    /// The seeds, where there are any.
    pub(super) fn seeds(&self) -> Option<&[u64]> {
        match self {
            Self::Seeded(seeds) | Self::Begun { seeds, .. } => Some(seeds),
            Self::Given { .. } => None,
        }
    }
}

/// The noise that a run with a seed begins with, on the way to that of another seed: along the great circle (Shoemake 1985),
/// on which it stays as long as noise is.
///
/// # Shapes
/// - result: `[C·h·w]` numbers
pub fn between(seed: u64, other: u64, share: f64, len: usize) -> Vec<f32> {
    let (from, to) = (gaussian(seed, 0, len), gaussian(other, 0, len));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let angle = (dot(&from, &to) / (dot(&from, &from) * dot(&to, &to)).sqrt()).clamp(-1.0, 1.0).acos();
    if angle < 1e-6 {
        return from;
    }
    let (a, b) = (((1.0 - share) * angle).sin() / angle.sin(), (share * angle).sin() / angle.sin());
    from.iter().zip(&to).map(|(from, to)| (a * f64::from(*from) + b * f64::from(*to)) as f32).collect()
}

/// The noise of pictures with these seeds; stream 0 is what a run begins with, stream 1 + i belongs to its step i.
///
/// # Shapes
/// - `shape`, result: `[N, C, h, w]` for N `seeds`
pub(super) fn seeded(seeds: &[u64], stream: u64, shape: [usize; 4], device: &Device) -> Tensor<4> {
    let len = shape[1..].iter().product();
    let values: Vec<f32> = seeds.iter().flat_map(|seed| gaussian(*seed, stream, len)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}
