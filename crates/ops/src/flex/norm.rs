//! Layer norm and modulation in one pass.

use super::math::sum;
use super::tensors::{contiguous, from_numbers, numbers};
use super::tile::{Work, mul_add, vectorized};
use burn::tensor::Tensor;

/// See [`crate::plain::modulate`].
pub fn modulate(x: &Tensor<3>, shift: &Tensor<3>, scale: &Tensor<3>, eps: f64) -> Option<Tensor<3>> {
    let [n, t, d] = x.dims();
    if shift.dims() != [n, 1, d] || scale.dims() != [n, 1, d] || x.shape().num_elements() == 0 {
        return None;
    }
    let (x, shift, scale) = (contiguous(x)?, contiguous(shift)?, contiguous(scale)?);
    let mut out = vec![0.0; n * t * d];
    let eps = eps as f32;
    let work = Norms {
        x: numbers(&x)?,
        shift: numbers(&shift)?,
        scale: numbers(&scale)?,
        tokens: t,
        width: d,
        eps,
        out: &mut out,
    };
    vectorized(work);
    Some(from_numbers(out, [n, t, d]))
}

struct Norms<'a> {
    x: &'a [f32],
    shift: &'a [f32],
    scale: &'a [f32],
    tokens: usize,
    width: usize,
    eps: f32,
    out: &'a mut [f32],
}

impl Work for Norms<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let d = self.width;
        let rows = self.x.chunks_exact(d).zip(self.out.chunks_exact_mut(d)).enumerate();
        for (row, (x, out)) in rows {
            let of_picture = row / self.tokens * d;
            let (shift, scale) = (&self.shift[of_picture..][..d], &self.scale[of_picture..][..d]);
            let mean = sum(x, |v| v) / d as f32;
            let variance = sum(x, |v| (v - mean) * (v - mean)) / d as f32;
            let factor = 1.0 / (variance + self.eps).sqrt();
            for j in 0..d {
                out[j] = mul_add::<FMA>((x[j] - mean) * factor, scale[j] + 1.0, shift[j]);
            }
        }
    }
}
