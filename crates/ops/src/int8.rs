//! Linear weights in 8 bits, as burn's quantised tensors: symmetric, with a scale for each group of inputs of an output.

#[cfg(any(feature = "cube", feature = "flex"))]
use burn::tensor::quantization::QuantScheme;
use burn::tensor::{DType, Tensor};

/// Inputs that share a scale; none in a tensor of another type than this scheme makes of them.
#[cfg(any(feature = "cube", feature = "flex"))]
pub(crate) fn group(dtype: DType, scheme: fn(u8) -> QuantScheme) -> Option<u8> {
    let DType::QFloat(found) = dtype else { return None };
    let group = *found.block_size()?.first()?;
    (found == scheme(group)).then_some(group)
}

/// The same numbers, in f32 if they lie in 8 bits.
pub fn widened<const D: usize>(weight: Tensor<D>) -> Tensor<D> {
    if matches!(weight.dtype(), DType::QFloat(_)) { weight.dequantize() } else { weight }
}
