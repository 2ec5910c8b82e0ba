//! Where a run's noise comes from.

use burn::tensor::{Device, Tensor, TensorData};
use ditscope_noise::gaussian;

/// Where a run's noise comes from.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "one for each run")]
pub enum Noise {
    /// One seed per picture (see [`gaussian`]).
    Seeded(Vec<u64>),
    /// Recorded noise: the start `[N, C, h, w]`, and one `[N, C, h, w]` per step for ancestral samplers.
    Given { start: Tensor<4>, steps: Vec<Tensor<4>> },
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
