//! Attention head by head: apart, weighed, together again.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

/// K packed projections → K tensors of heads.
///
/// # Shapes
/// - `packed`: `[N, T, K·D]`; results: `[N, heads, T, d_head]`
pub(super) fn split_heads<const K: usize>(packed: Tensor<3>, num_heads: usize) -> [Tensor<4>; K] {
    let [n, t, width] = packed.dims();
    let all = packed.reshape([n, t, K, num_heads, width / (K * num_heads)]); // [N, T, K, heads, d_head]
    let all = all.permute([2, 0, 3, 1, 4]); // [K, N, heads, T, d_head]
    std::array::from_fn(|k| all.clone().narrow(0, k, 1).squeeze_dim::<4>(0)) // [N, heads, T, d_head]
}

/// How much each of T tokens looks at each of S: `softmax(q·kᵀ/√d_head)`.
///
/// # Shapes
/// - `q`: `[N, heads, T, d_head]`, `k`: `[N, heads, S, d_head]`; result: `[N, heads, T, S]`, rows sum to 1
pub(super) fn attention_weights(q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
    let [.., d_head] = q.dims();
    let scores = (q * (d_head as f64).powf(-0.5)).matmul(k.transpose()); // [N, heads, T, S]
    softmax(scores, 3) // [N, heads, T, S]
}

/// Values by their weights, heads side by side.
///
/// # Shapes
/// - `weights`: `[N, heads, T, S]`, `v`: `[N, heads, S, d_head]`; result: `[N, T, D]`
pub(super) fn mix_heads(weights: Tensor<4>, v: Tensor<4>) -> Tensor<3> {
    let ([n, heads, t, _], [.., d_head]) = (weights.dims(), v.dims());
    let mixed = weights.matmul(v); // [N, heads, T, d_head]
    mixed.swap_dims(1, 2).reshape([n, t, heads * d_head]) // [N, T, D]
}
