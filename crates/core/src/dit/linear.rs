//! Linear layers: how they start, and how they are applied.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Shape, Tensor};
use ditscope_ops::{Ops, Prepared, Then, Weights, plain};

/// `x·W + b`
#[derive(Module, Debug)]
pub struct Linear {
    /// `[d_input, d_output]`
    pub weight: Param<Tensor<2>>,
    /// `[d_output]`
    pub bias: Param<Tensor<1>>,
    packed: Prepared<Weights>,
}

impl Linear {
    fn new(d_input: usize, d_output: usize, weight: Initializer, device: &Device) -> Self {
        Self {
            weight: weight.init_with([d_input, d_output], Some(d_input), Some(d_output), device),
            bias: Initializer::Zeros.init([d_output], device),
            packed: Prepared::NOTHING,
        }
    }

    /// The same layer with its weights as the kernel of its device wants them, where it has one. They are not kept a
    /// second time: the parameter is made of the packed ones if it is asked for.
    #[must_use]
    pub(super) fn fused(self, ops: Ops) -> Self {
        let weight = self.weight.val();
        let Some(packed) = ops.matrix(&weight, Some(&self.bias.val())) else { return self };
        let (id, device, shape) = (self.weight.id, weight.device(), Shape::from(weight.dims()));
        let original = packed.clone();
        let unpack = move |device: &Device, _| original.weight(device);
        let weight = Param::uninitialized(id, unpack, device, false, shape);
        Self { weight, bias: self.bias, packed: Some(packed).into() }
    }

    /// # Shapes
    /// - `x`: `[…, d_input]`; result: `[…, d_output]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        if self.packed.get().is_none() {
            return plain::product(x, self.weight.val(), Some(self.bias.val()));
        }
        let (mut shape, [d_input, d_output]) = (x.dims(), self.weight.lazy_shape().dims());
        let rows = shape[..D - 1].iter().product::<usize>();
        shape[D - 1] = d_output;
        self.apply(x.reshape([1, rows, d_input]), Then::Nothing).reshape(shape)
    }

    /// The same, and what follows.
    ///
    /// # Shapes
    /// - `x`: `[N, T, d_input]`; result: `[N, T, d_output]`
    pub(super) fn apply(&self, x: Tensor<3>, then: Then) -> Tensor<3> {
        let fused = self.packed.get().and_then(|packed| packed.apply(&x, &then));
        fused.unwrap_or_else(|| plain::linear(x, self.weight.val(), Some(self.bias.val()), then))
    }
}

/// A linear layer as the official initialisation has it: Xavier-uniform weights, zero bias.
pub(super) fn xavier_linear(d_input: usize, d_output: usize, device: &Device) -> Linear {
    new_linear(d_input, d_output, Initializer::XavierUniform { gain: 1.0 }, device)
}

/// A linear layer that starts at zero (the "Zero" of adaLN-Zero).
pub(super) fn zero_linear(d_input: usize, d_output: usize, device: &Device) -> Linear {
    new_linear(d_input, d_output, Initializer::Zeros, device)
}

pub(super) fn new_linear(d_input: usize, d_output: usize, weight: Initializer, device: &Device) -> Linear {
    Linear::new(d_input, d_output, weight, device)
}
