//! What a device may bring: kernels, and weights in the order in which they read them.
//!
//! A kernel that is given tensors which are not for it answers `None`, and the plain way is taken.

use burn::tensor::{Device, Tensor, TensorData};
use std::fmt::Debug;
use std::sync::Arc;

/// What can be fused, each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Modulate,
    Linear,
    Attention,
    Conv,
    Guide,
    /// Steps that are recorded and done again ([`crate::Replay`]).
    Replay,
}

impl Operation {
    pub const ALL: [Self; 6] = [Self::Modulate, Self::Linear, Self::Attention, Self::Conv, Self::Guide, Self::Replay];

    /// For whoever is told of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Modulate => "norms",
            Self::Linear => "linear layers",
            Self::Attention => "attention",
            Self::Conv => "convolutions",
            Self::Guide => "guidance",
            Self::Replay => "recorded steps",
        }
    }
}

/// The kernels of a device.
pub trait Kernels: Debug + Send + Sync {
    /// See [`crate::plain::modulate`].
    fn modulate(&self, _x: &Tensor<3>, _shift: &Tensor<3>, _scale: &Tensor<3>, _eps: f64) -> Option<Tensor<3>> {
        None
    }

    /// See [`crate::plain::attention`].
    fn attention(&self, _q: &Tensor<4>, _k: &Tensor<4>, _v: &Tensor<4>) -> Option<Tensor<3>> {
        None
    }

    /// See [`crate::Ops::matrix`].
    fn matrix(&self, _weight: &Tensor<2>, _bias: Option<&Tensor<1>>) -> Option<Weights> {
        None
    }

    /// See [`crate::Ops::reads_int8`].
    fn reads_int8(&self) -> bool {
        false
    }

    /// See [`crate::int8()`].
    fn int8(&self, _values: &[i8], _scales: &[f32], _shape: [usize; 2], _group: u8) -> Option<TensorData> {
        None
    }

    /// See [`crate::Ops::filter`].
    fn filter(&self, _weight: &Tensor<4>, _bias: Option<&Tensor<1>>, _filter: Filter) -> Option<Filters> {
        None
    }

    /// See [`crate::plain::guide`].
    fn guide(&self, _x: &Tensor<4>, _cond: &Tensor<4>, _uncond: Option<&Tensor<4>>, _by: &Guide) -> Option<Guided> {
        None
    }

    /// Whether it has the two that follow.
    fn records(&self) -> bool {
        false
    }

    /// Does `work` twice: as ever, and then once more to record what the device is told; `on` is a tensor of the device. What
    /// the work makes the second time is filled when the recording is done again, and only then.
    fn record(&self, _on: &Tensor<1>, _work: &mut dyn FnMut()) -> Option<Recorded> {
        None
    }

    /// The numbers of `from`, written over those of `to`, whoever else has it; without `to` into a tensor of their own.
    fn copy(&self, _from: &Tensor<1>, _to: Option<&Tensor<1>>) -> Option<Tensor<1>> {
        None
    }
}

/// What a device recorded.
pub type Recorded = Arc<dyn Recording>;

/// Work that a device can do again.
pub trait Recording: Debug + Send + Sync {
    /// Whether it can be done again from here: a device may keep to the thread that it was told it by.
    fn is_here(&self) -> bool;

    /// Whether it was told to do it again: with what its inputs hold by now, into the same results.
    fn again(&self) -> bool;
}

/// A device without any.
#[derive(Debug)]
pub(crate) struct NoKernels;

impl Kernels for NoKernels {}

/// The weights of a linear layer on a device.
pub type Weights = Arc<dyn Matrix>;

/// A linear layer with weights in the order of its kernel.
pub trait Matrix: Debug + Send + Sync {
    /// See [`crate::plain::linear`].
    fn apply(&self, x: &Tensor<3>, then: &Then) -> Option<Tensor<3>>;

    /// The weights as they were before: `[d_input, d_output]`.
    fn weight(&self, device: &Device) -> Tensor<2>;
}

/// What is done to the product and the bias, before they are written.
#[allow(clippy::large_enum_variant, reason = "one at a time, on the stack of a layer")]
#[derive(Debug, Clone)]
pub enum Then {
    Nothing,
    /// [`crate::plain::gelu_tanh`]
    Gelu,
    /// `to + gate·y`, or `to + y` without a gate.
    ///
    /// # Shapes
    /// - `to`: `[N, T, D]` or `[1, T, D]`; `gate`: `[N, 1, D]`
    Add {
        to: Tensor<3>,
        gate: Option<Tensor<3>>,
    },
}

/// The weights of a convolution on a device.
pub type Filters = Arc<dyn Conv>;

/// What a convolution with a kernel of 3x3, stride 1 and a border of zeros does beside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// The picture is enlarged twice before, each pixel becoming four.
    pub doubled: bool,
    /// Negative results become zero, after what is added.
    pub relu: bool,
}

/// A convolution with weights in the order of its kernel.
pub trait Conv: Debug + Send + Sync {
    /// See [`crate::plain::conv`].
    fn apply(&self, x: &Tensor<4>, add: Option<&Tensor<4>>) -> Option<Tensor<4>>;
}

/// How clean latents and noise follow from what the network says of x_t. Both are affine in it: `x_t·a + output·b`.
#[derive(Debug, Clone, PartialEq)]
pub struct Guide {
    /// How strongly the class steers: one for each picture, or one for all.
    pub scales: Vec<f64>,
    /// Only the first so many channels are steered.
    pub channels: usize,
    /// a and b of the clean latents.
    pub x0: [f64; 2],
    /// a and b of the noise.
    pub eps: [f64; 2],
    /// To which the clean latents are clamped, up and down.
    pub range: Option<f64>,
    /// s and n of `x_t = x0·s + noise·n`, which holds after clamping, too.
    pub process: [f64; 2],
}

/// What [`Guide`] makes of it, `[N, C, h, w]` each.
#[derive(Debug, Clone)]
pub struct Guided {
    /// Clean latents, clamped.
    pub x0_hat: Tensor<4>,
    /// The noise that goes with them.
    pub eps: Tensor<4>,
    /// The noise before clamping: guided, with the class, and where there is an output for it without.
    pub unclamped: Tensor<4>,
    pub eps_cond: Tensor<4>,
    pub eps_uncond: Option<Tensor<4>>,
}
