//! Weights in 8 bits, as their kernel reads them.

use burn::tensor::TensorData;
use burn::tensor::quantization::{QuantScheme, QuantStore, QuantValue, ScaleDtype};

/// Inputs whose numbers are read at once.
const AT_ONCE: usize = 16;

/// See [`crate::int8()`]: rows are outputs, four inputs lie in a word.
pub fn int8(values: &[i8], scales: &[f32], shape: [usize; 2], group: u8) -> Option<TensorData> {
    let fits = shape[0].is_multiple_of(AT_ONCE) && usize::from(group).is_multiple_of(AT_ONCE);
    fits.then(|| TensorData::quantized(values.to_vec(), shape, scheme(group), scales, None))
}

pub fn scheme(group: u8) -> QuantScheme {
    let scheme = QuantScheme::default().with_value(QuantValue::Q8S).with_store(QuantStore::PackedU32(1));
    scheme.per_block([group, 1], ScaleDtype::F32)
}
