//! Projections, cut into heads.

use burn::tensor::Tensor;

/// K packed projections → K tensors of heads.
///
/// # Shapes
/// - `packed`: `[N, T, K·D]`; results: `[N, heads, T, d_head]`
pub(super) fn split_heads<const K: usize>(packed: Tensor<3>, num_heads: usize) -> [Tensor<4>; K] {
    let [n, t, width] = packed.dims();
    let all = packed.reshape([n, t, K * num_heads, width / (K * num_heads)]); // [N, T, K·heads, d_head]
    let all = all.swap_dims(1, 2); // [N, K·heads, T, d_head]
    std::array::from_fn(|k| all.clone().narrow(1, k * num_heads, num_heads)) // [N, heads, T, d_head]
}
