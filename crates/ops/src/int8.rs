//! Linear weights in 8 bits, as burn's quantised tensors: symmetric, with a scale for each group of inputs of an output.

use burn::tensor::quantization::{QuantScheme, QuantStore, QuantValue, ScaleDtype};
use burn::tensor::{DType, Tensor, TensorData};

/// Inputs whose numbers are read at once, so that a matrix and its groups have a multiple of them.
pub const INT8_INPUTS: usize = 16;

/// Data of a matrix `[d_input, d_output]` whose number `[i, o]` is `values[o, i] · scales[o, i / group]`, for devices that
/// read it so ([`crate::Ops::reads_int8`]). Burn takes it on those alone.
///
/// # Shapes
/// - `values`: `[d_output, d_input]`, from −127 to 127; `scales`: `[d_output, ⌈d_input/group⌉]`
///
/// # Panics
/// When the numbers are not as many as the shapes say, or inputs or group no multiple of [`INT8_INPUTS`].
pub fn int8(values: Vec<i8>, scales: &[f32], [d_input, d_output]: [usize; 2], group: u8) -> TensorData {
    let fits = d_input.is_multiple_of(INT8_INPUTS) && usize::from(group).is_multiple_of(INT8_INPUTS);
    assert!(fits, "{d_input} inputs in groups of {group} cannot be read {INT8_INPUTS} at once");
    assert_eq!(scales.len(), d_output * d_input.div_ceil(group.into()), "a scale for each group of {group} inputs");
    TensorData::quantized(values, [d_input, d_output], scheme(group), scales, None)
}

/// Four inputs lie in a word.
fn scheme(group: u8) -> QuantScheme {
    let scheme = QuantScheme::default().with_value(QuantValue::Q8S).with_store(QuantStore::PackedU32(1));
    scheme.per_block([group, 1], ScaleDtype::F32)
}

/// Inputs that share a scale; none in a tensor of another type.
#[cfg(feature = "cube")]
pub(crate) fn group(dtype: DType) -> Option<u8> {
    let DType::QFloat(found) = dtype else { return None };
    let group = *found.block_size()?.first()?;
    (found == scheme(group)).then_some(group)
}

/// The same numbers, in f32 if they lie in 8 bits.
pub fn widened<const D: usize>(weight: Tensor<D>) -> Tensor<D> {
    if matches!(weight.dtype(), DType::QFloat(_)) { weight.dequantize() } else { weight }
}
