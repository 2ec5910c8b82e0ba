//! Layer norm, modulated.

use super::launch::{Wgsl, empty_like};
use super::tensors::{MOST_GROUPS, contiguous, inner_contiguous, stride, tensor_of};
use burn::tensor::Tensor;

pub fn modulate(x: &Tensor<3>, shift: &Tensor<3>, scale: &Tensor<3>, eps: f64) -> Option<Tensor<3>> {
    let [n, t, d] = x.dims();
    if shift.dims() != [n, 1, d] || scale.dims() != [n, 1, d] {
        return None;
    }
    let (x, shift, scale) = (contiguous(x)?, inner_contiguous(shift)?, inner_contiguous(scale)?);
    let y = empty_like(&x, [n, t, d]);
    let width = u32::try_from(d).ok()?;
    let units = if width <= 256 { 32 } else { 64 };
    let rows = u32::try_from(n * t).ok()?;
    let wide = rows.min(MOST_GROUPS);
    let info = [wide, rows, t as u32, stride(&shift, 0), stride(&scale, 0), (eps as f32).to_bits()];
    let kernel = Wgsl {
        name: "modulate",
        template: include_str!("norm.wgsl"),
        constants: vec![("WIDTH", width), ("UNITS", units), ("EACH", width.div_ceil(units))],
        units: [units, 1, 1],
    };
    kernel.launch([wide, rows.div_ceil(wide), 1], vec![x, shift, scale], &y, &info);
    Some(tensor_of(y))
}
