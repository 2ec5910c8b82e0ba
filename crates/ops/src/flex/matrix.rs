//! Linear layers: weights packed once, and what follows the product done before it is written.

use super::product::{Factors, Finish, Panels, pack, unpack};
use super::{any_primitive, contiguous, from_numbers, numbers};
use crate::kernels::{Matrix, Then};
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Device, Tensor, TensorData};
use half::f16;

/// The weights of a layer.
#[derive(Debug)]
pub struct Packed(Factors);

impl Packed {
    pub fn new(weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Option<Self> {
        let [d_input, d_output] = weight.dims();
        let tensor = any_primitive(weight)?;
        let tensor = if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() };
        let panels = match tensor.dtype() {
            DType::F32 => Panels::F32(pack(tensor.as_slice::<f32>()?, d_input, d_output)),
            DType::F16 => Panels::F16(pack(tensor.as_slice::<f16>()?, d_input, d_output)),
            _ => return None,
        };
        let bias = match bias {
            Some(bias) => numbers(&contiguous(bias)?)?.to_vec(),
            None => vec![0.0; d_output],
        };
        Some(Self(Factors::new(d_input, d_output, panels, bias)))
    }

    /// A tensor that is added or multiplied, if it has one of the shapes.
    fn operand(x: &Tensor<3>, shapes: &[[usize; 3]]) -> Option<FlexTensor> {
        shapes.contains(&x.dims()).then(|| contiguous(x))?
    }
}

impl Matrix for Packed {
    fn apply(&self, x: &Tensor<3>, then: &Then) -> Option<Tensor<3>> {
        let [n, t, d] = x.dims();
        let (d_input, d_output) = (self.0.d_input, self.0.d_output);
        if d != d_input || n * t * d_output == 0 {
            return None;
        }
        let (x, mut out) = (contiguous(x)?, vec![0.0; n * t * d_output]);
        let mut multiply = |finish| {
            self.0.multiply(numbers(&x)?, finish, &mut out);
            Some(())
        };
        match then {
            Then::Nothing => multiply(Finish::Nothing)?,
            Then::Gelu => multiply(Finish::Gelu)?,
            Then::Add { to, gate } => {
                let to = Self::operand(to, &[[n, t, d_output], [1, t, d_output]])?;
                let to = numbers(&to)?;
                match gate {
                    Some(gate) => {
                        let gate = Self::operand(gate, &[[n, 1, d_output]])?;
                        multiply(Finish::AddGated { to, gate: numbers(&gate)?, tokens: t })?;
                    }
                    None => multiply(Finish::Add { to })?,
                }
            }
        }
        Some(from_numbers(out, [n, t, d_output]))
    }

    fn weight(&self, device: &Device) -> Tensor<2> {
        let Factors { d_input, d_output, panels, .. } = &self.0;
        let shape = [*d_input, *d_output];
        let (data, dtype) = match panels {
            Panels::F32(panels) => (TensorData::new(unpack(panels, *d_input, *d_output), shape), DType::F32),
            Panels::F16(panels) => (TensorData::new(unpack(panels, *d_input, *d_output), shape), DType::F16),
        };
        Tensor::from_data(data, (device, dtype))
    }
}
