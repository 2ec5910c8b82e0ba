//! Layer norm with a scale and a shift that are learned.

use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::Device;
use ditscope_config::DitConfig;

/// A norm with a scale and a shift that are learned, as a plain ViT has.
pub(super) fn learned_norm(width: usize, device: &Device) -> LayerNorm {
    LayerNormConfig::new(width).with_epsilon(DitConfig::NORM_EPS).init(device)
}
