//! Linear layers: weights packed once, and what follows the product done before it is written.

use super::int8::{data, scheme};
use super::product::{Factors, Finish, Panels, pack, unpack};
use super::tensors::{any_primitive, contiguous, from_numbers, numbers, quantized};
use crate::int8::group;
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
        let panels = Self::panels(weight)?;
        let bias = match bias {
            Some(bias) => numbers(&contiguous(bias)?)?.to_vec(),
            None => vec![0.0; d_output],
        };
        Some(Self(Factors::new(d_input, d_output, panels, bias)))
    }

    fn panels(weight: &Tensor<2>) -> Option<Panels> {
        let [d_input, d_output] = weight.dims();
        if let Some(stored) = quantized(weight) {
            let group = group(weight.dtype(), scheme)?;
            let numbers = pack(stored.tensor().as_slice::<i8>()?, d_input, d_output);
            let scales = pack(stored.scales(), d_input.div_ceil(group.into()), d_output);
            return Some(Panels::Int8 { numbers, scales, group });
        }
        let tensor = any_primitive(weight)?;
        let tensor = if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() };
        match tensor.dtype() {
            DType::F32 => Some(Panels::F32(pack(tensor.as_slice::<f32>()?, d_input, d_output))),
            DType::F16 => Some(Panels::F16(pack(tensor.as_slice::<f16>()?, d_input, d_output))),
            _ => None,
        }
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
        match panels {
            Panels::F32(panels) => {
                Tensor::from_data(TensorData::new(unpack(panels, *d_input, *d_output), shape), device)
            }
            Panels::F16(panels) => {
                let values = TensorData::new(unpack(panels, *d_input, *d_output), shape);
                Tensor::from_data(values, (device, DType::F16))
            }
            Panels::Int8 { numbers, scales, group } => {
                let values = unpack(numbers, *d_input, *d_output);
                let scales = unpack(scales, d_input.div_ceil(usize::from(*group)), *d_output);
                Tensor::from_data(data(values, &scales, shape, *group), device)
            }
        }
    }
}
