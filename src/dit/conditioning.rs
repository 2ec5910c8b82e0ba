//! adaLN-Zero: the condition scales, shifts and gates every normalised activation.

use super::linear::{apply, zero_linear};
use crate::config::DitConfig;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::silu;
use burn::tensor::module::layer_norm;
use burn::tensor::{Device, Tensor};

/// `Linear(SiLU(c))`, cut into `K` vectors.
#[derive(Module, Debug)]
pub struct AdaLn {
    pub linear: Linear,
}

impl AdaLn {
    pub fn new(hidden_size: usize, num_vectors: usize, device: &Device) -> Self {
        Self { linear: zero_linear(hidden_size, num_vectors * hidden_size, device) }
    }

    /// # Shapes
    /// - `c`: `[N, D]`
    /// - result: K tensors `[N, 1, D]`
    pub fn forward<const K: usize>(&self, c: Tensor<2>) -> [Tensor<3>; K] {
        let [_, d] = c.dims();
        let all = apply(&self.linear, silu(c)).unsqueeze_dim::<3>(1); // [N, 1, K·D]
        std::array::from_fn(|k| all.clone().narrow(2, k * d, d))
    }
}

/// `LN(x)·(1 + scale) + shift`, the norm without parameters of its own and with `eps` in it.
///
/// # Shapes
/// - `x`, result: `[N, T, D]`; `shift`, `scale`: `[N, 1, D]`
pub fn modulate(x: Tensor<3>, shift: Tensor<3>, scale: Tensor<3>, eps: f64) -> Tensor<3> {
    let [_, _, d] = x.dims();
    let ones = Tensor::ones([d], &x.device());
    layer_norm(x, ones, None, eps) * (scale + 1.0) + shift
}

/// The last adaLN and the projection to patches.
#[derive(Module, Debug)]
pub struct FinalLayer {
    pub ada_ln: AdaLn,
    pub linear: Linear,
}

impl FinalLayer {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        let d_output = config.patch_size.pow(2) * config.out_channels();
        Self {
            ada_ln: AdaLn::new(config.hidden_size, 2, device),
            linear: zero_linear(config.hidden_size, d_output, device),
        }
    }

    /// # Shapes
    /// - `x`: `[N, T, D]`, `c`: `[N, D]`
    /// - result: `[N, T, p²·C_out]`
    pub fn forward(&self, x: Tensor<3>, c: Tensor<2>) -> Tensor<3> {
        let [shift, scale] = self.ada_ln.forward(c);
        apply(&self.linear, modulate(x, shift, scale, DitConfig::NORM_EPS))
    }
}
