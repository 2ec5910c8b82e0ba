//! Tensors of burn as Cube holds them, and back.

use burn::backend::{BackendTensor, Cube, DispatchAutodiffContext, DispatchTensorKind};
use burn::tensor::{DType, Tensor};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

/// Workgroups in one direction, at most.
pub const MOST_GROUPS: u32 = 65_535;

/// The tensor in Cube, if it is there and no gradients are wanted of it.
pub fn any_primitive<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    let tensor = x.clone().into_dispatch();
    match (tensor.kind, tensor.autodiff) {
        (DispatchTensorKind::Cube(BackendTensor::Float(tensor)), DispatchAutodiffContext::Disabled) => Some(tensor),
        _ => None,
    }
}

/// The same for f32.
pub fn primitive<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    any_primitive(x).filter(|tensor| tensor.dtype == DType::F32)
}

/// A tensor in 8 bits in Cube.
pub fn quantized<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    match x.clone().into_dispatch().kind {
        DispatchTensorKind::Cube(BackendTensor::Quantized(tensor)) => Some(tensor),
        _ => None,
    }
}

/// [`any_primitive`] with its numbers one after the other.
pub fn any_contiguous<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    any_primitive(x).map(into_contiguous)
}

/// [`primitive`] with its numbers one after the other.
pub fn contiguous<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    primitive(x).map(into_contiguous)
}

/// [`primitive`], of which only those along the last axis must follow one another.
pub fn inner_contiguous<const D: usize>(x: &Tensor<D>) -> Option<CubeTensor> {
    let tensor = primitive(x)?;
    Some(if tensor.meta.strides()[D - 1] == 1 { tensor } else { into_contiguous(tensor) })
}

pub fn stride(tensor: &CubeTensor, axis: usize) -> u32 {
    tensor.meta.strides()[axis] as u32
}

pub fn tensor_of<const D: usize>(tensor: CubeTensor) -> Tensor<D> {
    Tensor::from_primitive::<Cube>(tensor)
}
