//! Kernels for GPUs, in WGSL, launched by way of burn's Cube backend: wgpu natively, WebGPU in a browser.
//!
//! As text they read weights of 16 bits on every device (WGSL unpacks them without the feature `shader-f16`), and a launch
//! costs little more than its bindings. Devices that want another language (SPIR-V, CUDA) take the plain way.

mod attention;
mod conv;
mod guide;
mod int8;
mod launch;
mod matrix;
mod norm;
mod replay;
mod template;
mod tensors;

use crate::kernels::{Filter, Filters, Guide, Guided, Kernels, Recorded, Weights};
use burn::tensor::{Device, Tensor, TensorData};
use std::sync::Arc;
use tensors::primitive;

/// Those of Cube.
#[derive(Debug)]
pub struct CubeKernels;

/// A runtime that takes WGSL.
const RUNTIME: &str = "wgpu<wgsl>";

/// Whether tensors of this device lie in Cube and are computed in WGSL, and no gradients are wanted of them.
pub fn is_here(device: &Device) -> bool {
    primitive(&Tensor::<1>::zeros([1], device)).is_some_and(|tensor| tensor.client.name() == RUNTIME)
}

impl Kernels for CubeKernels {
    fn modulate(&self, x: &Tensor<3>, shift: &Tensor<3>, scale: &Tensor<3>, eps: f64) -> Option<Tensor<3>> {
        norm::modulate(x, shift, scale, eps)
    }

    fn attention(&self, q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) -> Option<Tensor<3>> {
        attention::attention(q, k, v)
    }

    fn matrix(&self, weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Option<Weights> {
        Some(Arc::new(matrix::Stored::new(weight, bias)?))
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

    fn guide(&self, x: &Tensor<4>, cond: &Tensor<4>, uncond: Option<&Tensor<4>>, by: &Guide) -> Option<Guided> {
        guide::guide(x, cond, uncond, by)
    }

    fn records(&self) -> bool {
        true
    }

    fn record(&self, on: &Tensor<1>, work: &mut dyn FnMut()) -> Option<Recorded> {
        replay::record(on, work)
    }

    fn copy(&self, from: &Tensor<1>, to: Option<&Tensor<1>>) -> Option<Tensor<1>> {
        replay::copy(from, to)
    }
}
