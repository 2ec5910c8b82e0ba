//! Kernels for burn's CPU backend, in plain Rust that the compiler makes vector instructions of.
//!
//! Each output number is one sum in one order, however the work is cut into tiles, blocks and threads: a picture has the
//! same bits in a batch of any size.

mod attention;
mod conv;
#[cfg(all(target_family = "wasm", feature = "relaxed-simd"))]
mod fused;
mod math;
mod matrix;
mod norm;
mod product;
mod threads;
mod tile;

use crate::kernels::{Filter, Filters, Kernels, Weights};
use burn::backend::flex::FlexTensor;
use burn::backend::{BackendTensor, DispatchAutodiffContext, DispatchTensorKind, Flex};
use burn::tensor::{DType, Device, Tensor, TensorData};
use std::sync::Arc;

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

    fn filter(&self, weight: &Tensor<4>, bias: Option<&Tensor<1>>, filter: Filter) -> Option<Filters> {
        Some(Arc::new(conv::Packed::new(weight, bias, filter)?))
    }
}

/// The tensor in flex, if it is there and no gradients are wanted of it.
fn any_primitive<const D: usize>(x: &Tensor<D>) -> Option<FlexTensor> {
    let tensor = x.clone().into_dispatch();
    match (tensor.kind, tensor.autodiff) {
        (DispatchTensorKind::Flex(BackendTensor::Float(tensor)), DispatchAutodiffContext::Disabled) => Some(tensor),
        _ => None,
    }
}

/// The same for f32.
fn primitive<const D: usize>(x: &Tensor<D>) -> Option<FlexTensor> {
    any_primitive(x).filter(|tensor| tensor.dtype() == DType::F32)
}

/// The same with its numbers one after the other; [`numbers`] are these.
fn contiguous<const D: usize>(x: &Tensor<D>) -> Option<FlexTensor> {
    primitive(x).map(|tensor| if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
}

/// The numbers of a tensor that is [`contiguous`].
fn numbers(tensor: &FlexTensor) -> Option<&[f32]> {
    tensor.as_slice::<f32>()
}

fn from_numbers<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(FlexTensor::from_data(TensorData::new(values, shape)))
}
