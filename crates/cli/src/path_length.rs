//! How straight the ways are that samples take from noise to the result.

use burn::tensor::Tensor;

/// The ways of some samples, step by step.
pub struct Paths {
    first: Vec<f32>,
    last: Vec<f32>,
    /// Sample by sample.
    lengths: Vec<f64>,
}

impl Paths {
    /// From the noise, `[N, C, h, w]`.
    pub fn from(x_t: &Tensor<4>) -> Self {
        let first = numbers(x_t);
        Self { last: first.clone(), first, lengths: vec![0.0; x_t.dims()[0]] }
    }

    /// On to the state after a step, `[N, C, h, w]`.
    pub fn go_on(&mut self, x_t: &Tensor<4>) {
        let next = numbers(x_t);
        for (length, step) in self.lengths.iter_mut().zip(distances(&self.last, &next, x_t.dims()[0])) {
            *length += step;
        }
        self.last = next;
    }

    /// Each length over that of the straight line, 1 for a straight way.
    pub fn ratios(&self) -> Vec<f64> {
        let lines = distances(&self.first, &self.last, self.lengths.len());
        self.lengths.iter().zip(lines).map(|(length, line)| length / line).collect()
    }
}

fn numbers(x: &Tensor<4>) -> Vec<f32> {
    x.to_data().iter::<f32>().collect()
}

/// Euclidean, sample by sample.
fn distances(a: &[f32], b: &[f32], samples: usize) -> Vec<f64> {
    let size = (a.len() / samples.max(1)).max(1);
    let squared = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
    a.chunks_exact(size)
        .zip(b.chunks_exact(size))
        .map(|(a, b)| a.iter().zip(b).map(squared).sum::<f64>().sqrt())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn points(points: [[f32; 2]; 2]) -> Tensor<4> {
        Tensor::<2>::from_data(points, &Device::default()).reshape([2, 1, 1, 2])
    }

    #[test]
    fn a_straight_way_has_length_one_and_a_corner_more() {
        let mut paths = Paths::from(&points([[0.0, 0.0], [0.0, 0.0]]));
        paths.go_on(&points([[1.5, 2.0], [3.0, 0.0]]));
        paths.go_on(&points([[3.0, 4.0], [3.0, 4.0]]));
        let [straight, corner] = paths.ratios()[..] else { panic!("two ways") };
        assert!((straight - 1.0).abs() < 1e-9 && (corner - 7.0 / 5.0).abs() < 1e-9, "{straight} {corner}");
    }
}
