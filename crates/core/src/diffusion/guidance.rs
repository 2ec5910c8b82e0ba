//! Classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598): `ε = ε_u + s·(ε_c − ε_u)`.

use burn::tensor::{Tensor, TensorData};

/// How strongly the class steers, and on how many of the latent channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Guidance {
    /// One for each picture, or one for all.
    pub scales: Vec<f64>,
    pub channels: usize,
}

impl Guidance {
    /// At scale 1 guidance is the conditional output itself, and where all are 1 the unconditional pass is saved.
    pub fn is_on(&self) -> bool {
        self.scales.iter().any(|scale| *scale != 1.0)
    }

    /// The scale of picture `i`.
    pub fn scale(&self, i: usize) -> f64 {
        self.scales.get(i).or(self.scales.first()).copied().unwrap_or(1.0)
    }

    /// The guided output; without an unconditional one, the conditional.
    ///
    /// # Shapes
    /// - `cond`, `uncond`, result: `[N, C, H, W]`
    pub fn combine(&self, cond: Tensor<4>, uncond: Option<Tensor<4>>) -> Tensor<4> {
        match uncond {
            Some(uncond) => classifier_free_guidance(cond, uncond, &self.scales, self.channels),
            None => cond,
        }
    }
}

/// Combines the conditional and the unconditional output of the network.
///
/// The first `channels` channels are guided; the others keep the conditional
/// value. diffusers guides all noise channels; the official DiT release guides
/// the first 3 only (`models.py: forward_with_cfg`).
///
/// # Shapes
/// - `cond`, `uncond`, result: `[N, C, H, W]` with `1 <= channels <= C`
/// - `scales`: one for each of the N pictures, or one for all
///
/// # Panics
/// With another number of channels.
pub fn classifier_free_guidance(cond: Tensor<4>, uncond: Tensor<4>, scales: &[f64], channels: usize) -> Tensor<4> {
    let [_, total, _, _] = cond.dims();
    assert!((1..=total).contains(&channels), "guidance on {channels} channels of {total}");
    if channels == total {
        return guided(cond, uncond, scales);
    }
    // [N, channels, H, W]
    let guided = guided(cond.clone().narrow(1, 0, channels), uncond.narrow(1, 0, channels), scales);
    Tensor::cat(vec![guided, cond.narrow(1, channels, total - channels)], 1) // [N, C, H, W]
}

fn guided(cond: Tensor<4>, uncond: Tensor<4>, scales: &[f64]) -> Tensor<4> {
    let difference = cond - uncond.clone(); // [N, C, H, W]
    let amplified = match scales {
        [scale] => difference * *scale,
        scales => {
            let values = scales.iter().map(|scale| *scale as f32).collect();
            let device = difference.device();
            difference * Tensor::from_data(TensorData::new::<f32, _>(values, [scales.len(), 1, 1, 1]), &device)
        }
    };
    uncond + amplified // [N, C, H, W]
}
