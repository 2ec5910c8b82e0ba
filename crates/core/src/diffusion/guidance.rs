//! Classifier-free guidance (Ho & Salimans 2022): `ε = ε_u + s·(ε_c − ε_u)`.

use burn::tensor::{Tensor, TensorData};

/// Combines the conditional and the unconditional output of the network.
///
/// The first `channels` channels are guided; the others keep the conditional
/// value. diffusers guides all noise channels; the official DiT release guides
/// the first 3 only (`models.py: forward_with_cfg`).
///
/// # Shapes
/// - `cond`, `uncond`, result: `[N, C, H, W]` with `1 <= channels <= C`
/// - `scales`: one for each of the N pictures, or one for all
pub fn classifier_free_guidance(cond: Tensor<4>, uncond: Tensor<4>, scales: &[f64], channels: usize) -> Tensor<4> {
    let [_, total, _, _] = cond.dims();
    assert!((1..=total).contains(&channels), "guidance on {channels} channels of {total}");
    if channels == total {
        return guided(cond, uncond, scales);
    }
    let guided = guided(cond.clone().narrow(1, 0, channels), uncond.narrow(1, 0, channels), scales);
    Tensor::cat(vec![guided, cond.narrow(1, channels, total - channels)], 1)
}

fn guided(cond: Tensor<4>, uncond: Tensor<4>, scales: &[f64]) -> Tensor<4> {
    let difference = cond - uncond.clone();
    let amplified = match scales {
        [scale] => difference * *scale,
        scales => {
            let values = scales.iter().map(|scale| *scale as f32).collect();
            let device = difference.device();
            difference * Tensor::from_data(TensorData::new::<f32, _>(values, [scales.len(), 1, 1, 1]), &device)
        }
    };
    uncond + amplified
}
