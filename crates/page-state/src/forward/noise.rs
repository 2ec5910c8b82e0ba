//! The noise of a latent under noise, and what the model takes for noise in it; pure.

use crate::Notice;
use crate::floats::numbers;
use ditscope_protocol::Answer;

/// How many places of t the curve of the error has.
pub const PLACES: usize = 17;

/// Of which place something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    pub t: usize,
    pub seed: u64,
    pub class: usize,
}

/// The noise, and what the model says.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenNoise {
    pub spot: Spot,
    /// `[C, h, w]`
    pub shape: [usize; 3],
    pub noise: Vec<f32>,
    /// Predicted with the class, and without it.
    pub predicted: [Vec<f32>; 2],
}

impl SeenNoise {
    pub(super) fn new(spot: Spot, due: [usize; 3], answer: &Answer, buffers: &[Vec<u8>]) -> Result<Self, Notice> {
        let bytes = 4 * due.iter().product::<usize>();
        match (answer, buffers) {
            (Answer::NoiseSeen { latent_shape }, [noise, with, without])
                if *latent_shape == due && buffers.iter().all(|buffer| buffer.len() == bytes) =>
            {
                let predicted = [with, without].map(|bytes| numbers(bytes));
                Ok(Self { spot, shape: due, noise: numbers(noise), predicted })
            }
            _ => Err(Notice::ForwardMisfit),
        }
    }

    /// The prediction minus the noise, with the class or without it.
    pub fn difference(&self, which: usize) -> Vec<f32> {
        self.predicted[which].iter().zip(&self.noise).map(|(seen, noise)| seen - noise).collect()
    }

    /// Mean squares of the differences, with the class and without it. Saying nothing of noise would have about 1.
    pub fn errors(&self) -> [f64; 2] {
        [0, 1].map(|which| {
            let squares = self.difference(which).iter().map(|off| f64::from(*off).powi(2)).sum::<f64>();
            squares / self.noise.len().max(1) as f64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_mean_square_of_the_difference() {
        let spot = Spot { t: 3, seed: 5, class: 1 };
        let bytes = |values: [f32; 2]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let buffers = [bytes([1.0, -1.0]), bytes([1.0, 1.0]), bytes([0.0, 0.0])];
        let answer = Answer::NoiseSeen { latent_shape: [1, 1, 2] };
        let seen = SeenNoise::new(spot, [1, 1, 2], &answer, &buffers).expect("a sound answer");
        assert_eq!((seen.difference(0), seen.difference(1)), (vec![0.0, 2.0], vec![-1.0, 1.0]));
        assert_eq!(seen.errors(), [2.0, 1.0]);
        assert_eq!(SeenNoise::new(spot, [1, 2, 2], &answer, &buffers), Err(Notice::ForwardMisfit));
        assert!(SeenNoise::new(spot, [1, 1, 2], &answer, &buffers[..2]).is_err());
    }
}

#[cfg(test)]
#[path = "noise_tests.rs"]
pub(super) mod asking;
