//! Seeded Gaussian noise with the same bits natively and in wasm.
//!
//! ChaCha8 is portable by specification; the Box–Muller transform goes through
//! `libm`, because the platforms' own `ln` and `cos` differ in the last bit.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Standard normal noise of one picture.
///
/// `stream` 0 is the starting noise x_T; an ancestral sampler draws stream `1 + i` at its i-th step,
/// so noise never depends on which pictures share a batch.
pub fn gaussian(seed: u64, stream: u64, len: usize) -> Vec<f32> {
    let mut rng = rng(seed, stream);
    let mut values = Vec::with_capacity(len + 1);
    while values.len() < len {
        // 1 − u lies in (0, 1], where the logarithm is finite.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(&mut rng)));
        let angle = std::f64::consts::TAU * uniform(&mut rng);
        values.push((radius * libm::cos(angle)) as f32);
        values.push((radius * libm::sin(angle)) as f32);
    }
    values.truncate(len);
    values
}

/// A random generator that is the same everywhere for the same seed and stream.
pub fn rng(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// Uniform in [0, 1) with 53 bits.
pub fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}
