//! Fused operations: what the network does in several steps of the tensor library, done in one pass over memory.
//!
//! | module | what it holds |
//! |---|---|
//! | [`plain`] | each operation in steps of the tensor library: the reference, with gradients, on every device |
//! | [`kernels`] | what a device may bring for them |
//! | [`int8()`] | linear weights in 8 bits |
//! | [`Prepared`] | weights in the order in which kernels read them, in a module |
//! | [`Replay`] | a function that a device records and does again |
//! | `cube` | kernels for GPUs, with the feature `cube` |
//! | `flex` | kernels for burn's CPU backend, with the feature `flex` |
//!
//! [`Ops`] decides: where a device has no kernel, or the tensors are not for it (other numbers than f32, tensors that
//! gradients are wanted of), the plain way is taken. Without features there is only that.
//!
//! It must not know a model, a browser or a file.

mod int8;
pub mod kernels;
pub mod plain;
mod prepared;
mod replay;

#[cfg(feature = "cube")]
mod cube;
#[cfg(feature = "flex")]
mod flex;

pub use int8::widened;
pub use kernels::{
    Conv, Filter, Filters, Guide, Guided, Kernels, Matrix, Operation, Recorded, Recording, Then, Weights,
};
pub use prepared::Prepared;
pub use replay::{Loaded, Replay};

use burn::tensor::{Device, Tensor, TensorData};
use kernels::NoKernels;

/// Data of a matrix `[d_input, d_output]` whose number `[i, o]` is `values[o, i] · scales[o, i / group]`, in the order that this
/// device's kernel reads. None where it has none for 8 bits ([`Ops::reads_int8`]), or none for so many inputs: a GPU wants a
/// multiple of 16.
///
/// # Shapes
/// - `values`: `[d_output, d_input]`, from −127 to 127; `scales`: `[d_output, ⌈d_input/group⌉]`
///
/// # Panics
/// When the numbers are not as many as the shapes say.
pub fn int8(values: &[i8], scales: &[f32], shape: [usize; 2], group: u8, device: &Device) -> Option<TensorData> {
    let [d_input, d_output] = shape;
    assert_eq!(values.len(), d_input * d_output, "a number for each input of each output");
    assert_eq!(scales.len(), d_output * d_input.div_ceil(group.into()), "a scale for each group of {group} inputs");
    Ops::of(device).kernels.int8(values, scales, shape, group)
}

/// The operations of a module: which kernels it has, and which of them it uses.
#[derive(Debug, Clone, Copy)]
pub struct Ops {
    kernels: &'static dyn Kernels,
    /// Switched off, a bit each.
    off: u8,
}

impl Default for Ops {
    fn default() -> Self {
        Self::PLAIN
    }
}

impl Ops {
    /// None fused.
    pub const PLAIN: Self = Self::with(&NoKernels);

    /// With these kernels, such as those that a test counts.
    pub const fn with(kernels: &'static dyn Kernels) -> Self {
        Self { kernels, off: 0 }
    }

    /// All for which there is a kernel on this device.
    pub fn of(device: &Device) -> Self {
        #[cfg(feature = "cube")]
        if cube::is_here(device) {
            return Self::with(&cube::CubeKernels);
        }
        #[cfg(feature = "flex")]
        if flex::is_here(device) {
            return Self::with(&flex::FlexKernels);
        }
        let _ = device;
        Self::PLAIN
    }

    /// The same, with one operation in the plain way.
    #[must_use]
    pub fn without(self, operation: Operation) -> Self {
        Self { off: self.off | 1 << operation as u8, ..self }
    }

    /// Whether it would take the device's kernel, if there is one.
    pub fn uses(&self, operation: Operation) -> bool {
        self.off & 1 << operation as u8 == 0
    }

    fn kernels(&self, operation: Operation) -> Option<&'static dyn Kernels> {
        self.uses(operation).then_some(self.kernels)
    }

    /// See [`plain::modulate`].
    pub fn modulate(&self, x: Tensor<3>, shift: Tensor<3>, scale: Tensor<3>, eps: f64) -> Tensor<3> {
        let fused = self.kernels(Operation::Modulate).and_then(|kernels| kernels.modulate(&x, &shift, &scale, eps));
        fused.unwrap_or_else(|| plain::modulate(x, shift, scale, eps))
    }

    /// See [`plain::attention`].
    pub fn attention(&self, q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<3> {
        let fused = self.kernels(Operation::Attention).and_then(|kernels| kernels.attention(&q, &k, &v));
        fused.unwrap_or_else(|| plain::attention(q, k, v))
    }

    /// The weights of a linear layer as the device's kernel wants them; none where it has no kernel for them.
    ///
    /// # Shapes
    /// - `weight`: `[d_input, d_output]`; `bias`: `[d_output]`
    pub fn matrix(&self, weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Option<Weights> {
        self.kernels(Operation::Linear)?.matrix(weight, bias)
    }

    /// Whether the device's kernel for linear layers takes weights in 8 bits ([`int8()`]).
    pub fn reads_int8(&self) -> bool {
        self.kernels(Operation::Linear).is_some_and(|kernels| kernels.reads_int8())
    }

    /// The weights of a convolution as the device's kernel wants them; none where it has no kernel for them.
    ///
    /// # Shapes
    /// - `weight`: `[C_out, C_in, 3, 3]`; `bias`: `[C_out]`
    pub fn filter(&self, weight: &Tensor<4>, bias: Option<&Tensor<1>>, filter: Filter) -> Option<Filters> {
        self.kernels(Operation::Conv)?.filter(weight, bias, filter)
    }

    /// See [`plain::guide`]; none where the device has no kernel for it, as there is a shorter way then when not all of it is
    /// asked for.
    pub fn guide(&self, x: &Tensor<4>, cond: &Tensor<4>, uncond: Option<&Tensor<4>>, by: &Guide) -> Option<Guided> {
        self.kernels(Operation::Guide)?.guide(x, cond, uncond, by)
    }

    /// Whether the device does work again from a recording.
    pub fn records(&self) -> bool {
        self.kernels(Operation::Replay).is_some_and(|kernels| kernels.records())
    }

    fn record(&self, on: &Tensor<1>, work: &mut dyn FnMut()) -> Option<Recorded> {
        self.kernels(Operation::Replay)?.record(on, work)
    }

    fn copy(&self, from: &Tensor<1>, to: Option<&Tensor<1>>) -> Option<Tensor<1>> {
        self.kernels(Operation::Replay)?.copy(from, to)
    }
}
