//! What a step makes of the network's output.

use super::launch::{Wgsl, empty_like};
use super::tensors::{MOST_GROUPS, contiguous, primitive, stride, tensor_of};
use crate::kernels::{Guide, Guided};
use burn::tensor::Tensor;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

const UNITS: u32 = 64;

pub fn guide(x: &Tensor<4>, cond: &Tensor<4>, uncond: Option<&Tensor<4>>, by: &Guide) -> Option<Guided> {
    let [n, c, h, w] = x.dims();
    let x = contiguous(x)?;
    let cond = output(cond, [n, c, h, w])?;
    let uncond = match uncond {
        Some(uncond) => Some(output(uncond, [n, c, h, w])?),
        None => None,
    };
    let size = u32::try_from(n * c * h * w).ok().filter(|size| size.div_ceil(UNITS) <= MOST_GROUPS)?;
    let steps = uncond.as_ref().map_or(0, |uncond| stride(uncond, 0));
    let steered = u32::try_from(by.channels * h * w).ok()?;
    let mut info = vec![size, stride(&cond, 0), steps, steered];
    let numbers = [by.x0, by.eps, [by.range.unwrap_or(0.0), by.process[0]]].concat();
    info.extend(numbers.into_iter().map(bits));
    info.push(by.scales.len() as u32);
    info.extend(by.scales.iter().copied().chain([by.process[1]]).map(bits));
    let y = empty_like(&x, [5, n, c, h * w]);
    let guided = uncond.is_some();
    let kernel = Wgsl {
        name: "guide",
        template: include_str!("guide.wgsl"),
        constants: vec![
            ("UNITS", UNITS),
            ("PICTURE", u32::try_from(c * h * w).ok()?),
            ("GUIDED", u32::from(guided)),
            ("CLAMPED", u32::from(by.range.is_some())),
        ],
        units: [UNITS, 1, 1],
    };
    let read = [x, cond].into_iter().chain(uncond).collect();
    kernel.launch([size.div_ceil(UNITS), 1, 1], read, &y, &info);
    let all: Tensor<4> = tensor_of(y);
    let [x0_hat, eps, unclamped, eps_cond, eps_uncond] =
        [0, 1, 2, 3, 4].map(|k| all.clone().narrow(0, k, 1).reshape([n, c, h, w]));
    Some(Guided { x0_hat, eps, unclamped, eps_cond, eps_uncond: guided.then_some(eps_uncond) })
}

fn bits(number: f64) -> u32 {
    (number as f32).to_bits()
}

/// An output whose pictures' numbers follow one another.
fn output(output: &Tensor<4>, [n, c, h, w]: [usize; 4]) -> Option<CubeTensor> {
    let [pictures, channels, ..] = output.dims();
    if output.dims()[2..] != [h, w] || pictures != n || channels < c {
        return None;
    }
    let output = primitive(output)?;
    let strides = output.meta.strides();
    Some(if strides[1..] == [h * w, w, 1] { output } else { into_contiguous(output) })
}
