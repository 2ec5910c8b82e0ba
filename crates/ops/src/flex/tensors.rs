//! Tensors of burn as flex holds them, and back.

use burn::backend::flex::{FlexQTensor, FlexTensor};
use burn::backend::{BackendTensor, DispatchAutodiffContext, DispatchTensorKind, Flex};
use burn::tensor::{DType, Tensor, TensorData};

/// The tensor in flex, if it is there and no gradients are wanted of it.
pub fn any_primitive<const D: usize>(x: &Tensor<D>) -> Option<FlexTensor> {
    let tensor = x.clone().into_dispatch();
    match (tensor.kind, tensor.autodiff) {
        (DispatchTensorKind::Flex(BackendTensor::Float(tensor)), DispatchAutodiffContext::Disabled) => Some(tensor),
        _ => None,
    }
}

/// A tensor in 8 bits in flex.
pub fn quantized<const D: usize>(x: &Tensor<D>) -> Option<FlexQTensor> {
    match x.clone().into_dispatch().kind {
        DispatchTensorKind::Flex(BackendTensor::Quantized(tensor)) => Some(tensor),
        _ => None,
    }
}

/// The same for f32.
pub fn primitive<const D: usize>(x: &Tensor<D>) -> Option<FlexTensor> {
    any_primitive(x).filter(|tensor| tensor.dtype() == DType::F32)
}

/// The same with its numbers one after the other; [`numbers`] are these.
pub fn contiguous<const D: usize>(x: &Tensor<D>) -> Option<FlexTensor> {
    primitive(x).map(|tensor| if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
}

/// The numbers of a tensor that is [`contiguous`].
pub fn numbers(tensor: &FlexTensor) -> Option<&[f32]> {
    tensor.as_slice::<f32>()
}

pub fn from_numbers<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(FlexTensor::from_data(TensorData::new(values, shape)))
}
