//! Weights in 8 bits, as burn's CPU backend holds them.

use burn::tensor::TensorData;
use burn::tensor::quantization::{QuantScheme, QuantStore, QuantValue, ScaleDtype};

/// See [`crate::int8()`]: rows are inputs.
pub fn int8(values: &[i8], scales: &[f32], [d_input, d_output]: [usize; 2], group: u8) -> Option<TensorData> {
    let groups = d_input.div_ceil(group.into());
    let (values, scales) = (transposed(values, [d_output, d_input]), transposed(scales, [d_output, groups]));
    Some(data(values, &scales, [d_input, d_output], group))
}

/// # Shapes
/// - `values`: `[d_input, d_output]`; `scales`: `[⌈d_input/group⌉, d_output]`
pub fn data(values: Vec<i8>, scales: &[f32], shape: [usize; 2], group: u8) -> TensorData {
    TensorData::quantized(values, shape, scheme(group), scales, None)
}

pub fn scheme(group: u8) -> QuantScheme {
    let scheme = QuantScheme::default().with_value(QuantValue::Q8S).with_store(QuantStore::Native);
    scheme.per_block([group, 1], ScaleDtype::F32)
}

/// `[rows, columns]` → `[columns, rows]`
fn transposed<E: Copy>(values: &[E], [rows, columns]: [usize; 2]) -> Vec<E> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}
