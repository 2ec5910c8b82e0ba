//! Convolutions of 3x3, with what stands before and after them.

use super::launch::{Wgsl, empty_like};
use super::tensors::{MOST_GROUPS, contiguous, primitive, stride, tensor_of};
use crate::kernels::{Conv, Filter};
use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

/// Pixels of a unit.
const PIXELS: u32 = 4;

/// Weights with the output's channels innermost, `[C_in, 3, 3, C_out]`.
#[derive(Debug)]
pub struct Packed {
    weight: CubeTensor,
    bias: Option<CubeTensor>,
    filter: Filter,
    from: u32,
    to: u32,
}

impl Packed {
    pub fn new(weight: &Tensor<4>, bias: Option<&Tensor<1>>, filter: Filter) -> Option<Self> {
        let [to, from, 3, 3] = weight.dims() else { return None };
        let weight = contiguous(&weight.clone().permute([1, 2, 3, 0]))?; // [C_in, 3, 3, C_out]
        let bias = match bias {
            Some(bias) => Some(contiguous(bias)?),
            None => None,
        };
        Some(Self { weight, bias, filter, from: from.try_into().ok()?, to: to.try_into().ok()? })
    }

    fn kernel(&self, adds: bool) -> Wgsl {
        let units = self.to.next_power_of_two().min(32);
        let lines = 64 / units;
        Wgsl {
            name: "conv",
            template: include_str!("conv.wgsl"),
            constants: vec![
                ("FROM", self.from),
                ("TO", self.to),
                ("PIXELS", PIXELS),
                ("TAPS", PIXELS + 2),
                ("STEP", if self.filter.doubled { 2 } else { 1 }),
                ("UNITS", units),
                ("LINES", lines),
                ("BIAS", u32::from(self.bias.is_some())),
                ("ADD", u32::from(adds)),
                ("RELU", u32::from(self.filter.relu)),
            ],
            units: [units, lines, 1],
        }
    }
}

impl Conv for Packed {
    fn apply(&self, x: &Tensor<4>, add: Option<&Tensor<4>>) -> Option<Tensor<4>> {
        let [n, from, h, w] = x.dims();
        let factor = if self.filter.doubled { 2 } else { 1 };
        let (h, w, to) = (factor * h, factor * w, self.to as usize);
        let x = primitive(x).filter(|_| from == self.from as usize)?;
        let (height, width) = (u32::try_from(h).ok()?, u32::try_from(w).ok()?);
        let pieces = width.div_ceil(PIXELS);
        let mut info = vec![height, width, pieces];
        info.extend([0, 1, 2, 3].map(|axis| stride(&x, axis)));
        let mut read = vec![x, self.weight.clone()];
        read.extend(self.bias.clone());
        if let Some(add) = add {
            let other = primitive(add).filter(|_| add.dims() == [n, to, h, w])?;
            info.extend([0, 1, 2, 3].map(|axis| stride(&other, axis)));
            read.push(other);
        }
        let y = empty_like(&read[0], [n, h, w, to]);
        let kernel = self.kernel(add.is_some());
        let [units, lines, _] = kernel.units;
        let groups = [self.to.div_ceil(units), (height * pieces).div_ceil(lines), n as u32];
        if groups.into_iter().any(|groups| groups > MOST_GROUPS) {
            return None;
        }
        kernel.launch(groups, read, &y, &info);
        Some(tensor_of::<4>(y).permute([0, 3, 1, 2])) // [N, C_out, h, w]
    }
}
