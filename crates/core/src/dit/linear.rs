//! Linear layers: how they start, and how they are applied.

use burn::module::Initializer;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::module::linear;
use burn::tensor::{Device, FloatDType, Tensor};

/// A linear layer as the official initialisation has it: Xavier-uniform weights, zero bias.
pub(super) fn xavier_linear(d_input: usize, d_output: usize, device: &Device) -> Linear {
    new_linear(d_input, d_output, Initializer::XavierUniform { gain: 1.0 }, device)
}

/// A linear layer that starts at zero (the "Zero" of adaLN-Zero).
pub(super) fn zero_linear(d_input: usize, d_output: usize, device: &Device) -> Linear {
    new_linear(d_input, d_output, Initializer::Zeros, device)
}

pub(super) fn new_linear(d_input: usize, d_output: usize, weight: Initializer, device: &Device) -> Linear {
    let mut layer = LinearConfig::new(d_input, d_output).with_initializer(weight).init(device);
    layer.bias = Some(Initializer::Zeros.init([d_output], device));
    layer
}

/// `x·W + b`. Weights that lie in f16 on the device (see [`crate::weights::Loader::keeping_f16`]) are widened
/// for the product, layer by layer: half the memory, and the arithmetic stays in f32.
///
/// # Shapes
/// - `x`: `[…, d_input]`; result: `[…, d_output]`
pub(super) fn apply<const D: usize>(layer: &Linear, x: Tensor<D>) -> Tensor<D> {
    let weight = layer.weight.val();
    if weight.dtype() == x.dtype() {
        return layer.forward(x);
    }
    linear(x, weight.cast(FloatDType::F32), layer.bias.as_ref().map(|bias| bias.val()))
}
