//! Classifier-free guidance (Ho & Salimans 2022): `ε = ε_u + s·(ε_c − ε_u)`.

use burn::tensor::Tensor;

/// Combines the conditional and the unconditional output of the network.
///
/// The first `channels` channels are guided; the others keep the conditional
/// value. diffusers guides all noise channels; the official DiT release guides
/// the first 3 only (`models.py: forward_with_cfg`).
///
/// # Shapes
/// - `cond`, `uncond`, result: `[N, C, H, W]` with `1 <= channels <= C`
pub fn classifier_free_guidance(cond: Tensor<4>, uncond: Tensor<4>, scale: f64, channels: usize) -> Tensor<4> {
    let [_, total, _, _] = cond.dims();
    assert!((1..=total).contains(&channels), "guidance on {channels} channels of {total}");
    if channels == total {
        return uncond.clone() + (cond - uncond) * scale;
    }
    let guided_uncond = uncond.narrow(1, 0, channels);
    let guided = guided_uncond.clone() + (cond.clone().narrow(1, 0, channels) - guided_uncond) * scale;
    Tensor::cat(vec![guided, cond.narrow(1, channels, total - channels)], 1)
}
