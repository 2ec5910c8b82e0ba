//! Attention whose weights never lie in memory.

use super::launch::{Wgsl, empty_like};
use super::tensors::{inner_contiguous, stride, tensor_of};
use burn::tensor::Tensor;

pub fn attention(q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) -> Option<Tensor<3>> {
    let ([n, heads, t, d_head], [.., s, _]) = (q.dims(), k.dims());
    if k.dims() != [n, heads, s, d_head] || v.dims() != [n, heads, s, d_head] || s == 0 {
        return None;
    }
    let tensors = [inner_contiguous(q)?, inner_contiguous(k)?, inner_contiguous(v)?];
    // Four numbers are read at once, and a unit keeps a query and a sum of values in registers.
    let fours = |tensor| (0..3).all(|axis| stride(tensor, axis).is_multiple_of(4));
    if !d_head.is_multiple_of(4) || d_head > 128 || !tensors.iter().all(fours) {
        return None;
    }
    let y = empty_like(&tensors[0], [n, t, heads * d_head]);
    let tokens = u32::try_from(t).ok()?;
    let units = if tokens <= 16 { 16 } else { 32 };
    let scale = (d_head as f64).powf(-0.5) as f32;
    let mut info = vec![tokens, u32::try_from(s).ok()?, heads as u32, scale.to_bits()];
    info.extend(tensors.iter().flat_map(|tensor| [0, 1, 2].map(|axis| stride(tensor, axis) / 4)));
    let kernel = Wgsl {
        name: "attention",
        template: include_str!("attention.wgsl"),
        constants: vec![("HEAD", d_head as u32 / 4), ("UNITS", units)],
        units: [units, 1, 1],
    };
    kernel.launch([tokens.div_ceil(units), heads as u32, n as u32], tensors.into(), &y, &info);
    Some(tensor_of(y))
}
