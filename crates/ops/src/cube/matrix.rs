//! Linear layers, with what follows them.

use super::int8::scheme;
use super::launch::{Wgsl, empty_like};
use super::tensors::{any_contiguous, contiguous, inner_contiguous, quantized, stride, tensor_of};
use crate::int8;
use crate::kernels::{Matrix, Then};
use burn::tensor::{DType, Device, Tensor};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

/// Weights as they are stored: f32, f16 or 8 bits.
#[derive(Debug)]
pub struct Stored {
    original: Tensor<2>,
    /// `[d_input, d_output]`, but in 8 bits `[d_output, d_input]`.
    weight: CubeTensor,
    /// Of weights in 8 bits: `[d_output, ⌈d_input/group⌉]`, and the group.
    scales: Option<(CubeTensor, u32)>,
    bias: Option<CubeTensor>,
    d_input: u32,
    d_output: u32,
}

impl Stored {
    pub fn new(weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Option<Self> {
        let [d_input, d_output] = weight.dims();
        let (original, stored, scales) = match int8::group(weight.dtype(), scheme) {
            Some(group) => {
                let (values, scales) = quantized(weight)?.quantized_handles()?;
                // As they lie in memory.
                let [values, scales] = [values, scales].map(|mut tensor| {
                    tensor.meta.swap(0, 1);
                    into_contiguous(tensor)
                });
                (weight.clone(), values, Some((scales, group.into())))
            }
            None => {
                let stored = any_contiguous(weight)?;
                let is_read = match stored.dtype {
                    DType::F32 => true,
                    // Two numbers a word.
                    DType::F16 => d_output % 2 == 0,
                    _ => false,
                };
                is_read.then_some(())?;
                (tensor_of(stored.clone()), stored, None)
            }
        };
        let bias = match bias {
            Some(bias) => Some(contiguous(bias)?),
            None => None,
        };
        let (d_input, d_output) = (d_input.try_into().ok()?, d_output.try_into().ok()?);
        Some(Self { original, weight: stored, scales, bias, d_input, d_output })
    }

    /// What is fixed in the text for so many rows.
    fn kernel(&self, rows: u32, then: &Then) -> (Wgsl, [u32; 3]) {
        let half = self.weight.dtype == DType::F16;
        let width = if half { self.d_output / 2 } else { self.d_output };
        let group = self.scales.as_ref().map_or(1, |(_, group)| *group);
        let four = self.d_input.is_multiple_of(4);
        let (units, lines, each, columns) = (16, 4, 4, if width < 64 { 1 } else { 4 });
        let (add, gate) = match then {
            Then::Add { gate, .. } => (1, u32::from(gate.is_some())),
            _ => (0, 0),
        };
        let kernel = Wgsl {
            name: "linear",
            template: include_str!("matrix.wgsl"),
            constants: vec![
                ("DEPTH", self.d_input),
                ("WIDTH", width),
                ("ROWS", each),
                ("COLUMNS", columns),
                ("UNITS", units),
                ("LINES", lines),
                ("X4", u32::from(four)),
                ("FOUR", if four { 4 } else { 1 }),
                ("REST", self.d_input % 4),
                ("HALF", u32::from(half)),
                ("INT8", u32::from(self.scales.is_some())),
                ("GROUP", group),
                ("GROUPS", self.d_input.div_ceil(group)),
                ("BIAS", u32::from(self.bias.is_some())),
                ("GELU", u32::from(matches!(then, Then::Gelu))),
                ("ADD", add),
                ("GATE", gate),
            ],
            units: [units, lines, 1],
        };
        (kernel, [width.div_ceil(units * columns), rows.div_ceil(each * lines), 1])
    }
}

impl Matrix for Stored {
    fn apply(&self, x: &Tensor<3>, then: &Then) -> Option<Tensor<3>> {
        let [n, t, d_input] = x.dims();
        let x = contiguous(x).filter(|_| d_input == self.d_input as usize)?;
        let rows = u32::try_from(n * t).ok()?;
        let per_word = if self.weight.dtype == DType::F16 { 2 } else { 1 };
        let mut read = vec![x, self.weight.clone()];
        read.extend(self.scales.iter().map(|(scales, _)| scales.clone()));
        read.extend(self.bias.clone());
        let mut info = [rows, t as u32, 1, 0];
        if let Then::Add { to, gate } = then {
            let [pictures, tokens, width] = to.dims();
            let fits = tokens == t && width == self.d_output as usize && [1, n].contains(&pictures);
            read.push(contiguous(to).filter(|_| fits)?);
            info[2] = (pictures * t) as u32;
            if let Some(gate) = gate {
                let fits = gate.dims() == [n, 1, width];
                let gate = inner_contiguous(gate).filter(|gate| fits && stride(gate, 0).is_multiple_of(per_word))?;
                info[3] = stride(&gate, 0) / per_word;
                read.push(gate);
            }
        }
        let y = empty_like(&read[0], [n, t, self.d_output as usize]);
        let (kernel, groups) = self.kernel(rows, then);
        kernel.launch(groups, read, &y, &info);
        Some(tensor_of(y))
    }

    fn weight(&self, device: &Device) -> Tensor<2> {
        self.original.clone().to_device(device)
    }
}
