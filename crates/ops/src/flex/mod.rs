//! Kernels for burn's CPU backend, in plain Rust that the compiler makes vector instructions of.
//!
//! Each output number is one sum in one order, however the work is cut into tiles, blocks and threads: a picture has the
//! same bits in a batch of any size.

mod attention;
mod conv;
#[cfg(all(target_family = "wasm", feature = "relaxed-simd"))]
mod fused;
mod int8;
mod math;
mod matrix;
mod norm;
mod product;
mod tensors;
mod threads;
mod tile;

use crate::kernels::{Filter, Filters, Kernels, Weights};
use burn::tensor::{Device, Tensor, TensorData};
use std::sync::Arc;
use tensors::primitive;

/// Those of flex.
#[derive(Debug)]
pub struct FlexKernels;

/// Whether tensors of this device lie in flex, and no gradients are wanted of them.
pub fn is_here(device: &Device) -> bool {
    primitive(&Tensor::<1>::zeros([1], device)).is_some()
}

impl Kernels for FlexKernels {
    fn modulate(&self, x: &Tensor<3>, shift: &Tensor<3>, scale: &Tensor<3>, eps: f64) -> Option<Tensor<3>> {
        norm::modulate(x, shift, scale, eps)
    }

    fn attention(&self, q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) -> Option<Tensor<3>> {
        attention::attention(q, k, v)
    }

    fn matrix(&self, weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Option<Weights> {
        Some(Arc::new(matrix::Packed::new(weight, bias)?))
    }

    fn reads_int8(&self) -> bool {
        true
    }

    fn int8(&self, values: &[i8], scales: &[f32], shape: [usize; 2], group: u8) -> Option<TensorData> {
        int8::int8(values, scales, shape, group)
    }

    fn filter(&self, weight: &Tensor<4>, bias: Option<&Tensor<1>>, filter: Filter) -> Option<Filters> {
        Some(Arc::new(conv::Packed::new(weight, bias, filter)?))
    }
}
