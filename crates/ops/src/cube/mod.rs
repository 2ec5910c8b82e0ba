//! Kernels for GPUs, in WGSL, launched by way of burn's Cube backend: wgpu natively, WebGPU in a browser.
//!
//! As text they read weights of 16 bits on every device (WGSL unpacks them without the feature `shader-f16`), and a launch
//! costs little more than its bindings. Devices that want another language (SPIR-V, CUDA) take the plain way.

mod attention;
mod conv;
mod guide;
mod launch;
mod matrix;
mod norm;
mod replay;
mod template;

use crate::kernels::{Filter, Filters, Guide, Guided, Kernels, Recorded, Weights};
use burn::backend::{BackendTensor, Cube, DispatchAutodiffContext, DispatchTensorKind};
use burn::tensor::{DType, Device, Tensor};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use std::sync::Arc;

/// Workgroups in one direction, at most.
const MOST_GROUPS: u32 = 65_535;

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

/// The tensor in Cube, if it is there and no gradients are wanted of it.
fn any_primitive<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    let tensor = x.clone().into_dispatch();
    match (tensor.kind, tensor.autodiff) {
        (DispatchTensorKind::Cube(BackendTensor::Float(tensor)), DispatchAutodiffContext::Disabled) => Some(tensor),
        _ => None,
    }
}

/// The same for f32.
fn primitive<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    any_primitive(x).filter(|tensor| tensor.dtype == DType::F32)
}

/// A tensor in 8 bits in Cube.
fn quantized<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    match x.clone().into_dispatch().kind {
        DispatchTensorKind::Cube(BackendTensor::Quantized(tensor)) => Some(tensor),
        _ => None,
    }
}

/// [`any_primitive`] with its numbers one after the other.
fn any_contiguous<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    any_primitive(x).map(into_contiguous)
}

/// [`primitive`] with its numbers one after the other.
fn contiguous<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    primitive(x).map(into_contiguous)
}

/// [`primitive`], of which only those along the last axis must follow one another.
fn inner_contiguous<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    let tensor = primitive(x)?;
    Some(if tensor.meta.strides()[D - 1] == 1 { tensor } else { into_contiguous(tensor) })
}

fn stride(tensor: &CubeTensor, axis: usize) -> u32 {
    tensor.meta.strides()[axis] as u32
}

fn tensor_of<const D: usize>(tensor: CubeTensor) -> Tensor<D> {
    Tensor::from_primitive::<Cube>(tensor)
}
