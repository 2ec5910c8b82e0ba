//! Layer norm: with a scale and a shift that are learned, and with such as the condition gives.

use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::module::layer_norm;
use burn::tensor::{Device, Tensor};
use ditscope_config::DitConfig;

/// A norm with a scale and a shift that are learned, as a plain ViT has.
pub(super) fn learned_norm(width: usize, device: &Device) -> LayerNorm {
    LayerNormConfig::new(width).with_epsilon(DitConfig::NORM_EPS).init(device)
}

/// `LN(x)·(1 + scale) + shift`, the norm without parameters of its own and with `eps` in it (official `modulate`).
///
/// # Shapes
/// - `x`, result: `[N, T, D]`; `shift`, `scale`: `[N, 1, D]`
pub fn modulate(x: Tensor<3>, shift: Tensor<3>, scale: Tensor<3>, eps: f64) -> Tensor<3> {
    let [_, _, d] = x.dims();
    let ones = Tensor::ones([d], &x.device()); // [D]
    let normed = layer_norm(x, ones, None, eps); // [N, T, D]
    normed * (scale + 1.0) + shift // [N, T, D]
}
