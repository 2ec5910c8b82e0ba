//! Linear layers: weights packed once, and what follows the product done before it is written.

use super::math::gelu_tanh;
use super::threads::{count, for_pieces};
use super::tile::{COLUMNS, ROWS, Work, ZERO, add_products, mul_add, panels, vectorized};
use super::{any_primitive, contiguous, from_numbers, numbers};
use crate::kernels::{Matrix, Then};
use burn::tensor::{DType, Device, Tensor, TensorData};
use half::f16;
use std::fmt;

/// Numbers of the rows that go through all panels together, so that they stay near the processor.
const BLOCK: usize = 64 << 10;

/// A matrix, panel by panel.
pub struct Packed {
    d_input: usize,
    d_output: usize,
    panels: Panels,
    /// As long as the panels are wide together.
    bias: Vec<f32>,
}

/// Weights that came as f16 stay so, and are widened panel by panel as they are used.
enum Panels {
    F32(Vec<f32>),
    F16(Vec<f16>),
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed {} to {}", self.d_input, self.d_output)
    }
}

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
        let mut all = match bias {
            Some(bias) => numbers(&contiguous(bias)?)?.to_vec(),
            None => vec![0.0; d_output],
        };
        all.resize(super::tile::panels(d_output) * COLUMNS, 0.0);
        Some(Self { d_input, d_output, panels, bias: all })
    }
}

impl Matrix for Packed {
    fn apply(&self, x: &Tensor<3>, then: &Then) -> Option<Tensor<3>> {
        let [n, t, d] = x.dims();
        if d != self.d_input || n * t * self.d_output == 0 {
            return None;
        }
        let x = contiguous(x)?;
        let (to, gate) = match then {
            Then::Add { to, gate } => {
                let fits = [[n, t, self.d_output], [1, t, self.d_output]].contains(&to.dims());
                let gate = match gate {
                    Some(gate) if gate.dims() == [n, 1, self.d_output] => Some(contiguous(gate)?),
                    Some(_) => return None,
                    None => None,
                };
                (Some(fits.then(|| contiguous(to))??), gate)
            }
            Then::Nothing | Then::Gelu => (None, None),
        };
        let finish = match (&to, &gate) {
            (Some(to), Some(gate)) => Finish::AddGated { to: numbers(to)?, gate: numbers(gate)?, tokens: t },
            (Some(to), None) => Finish::Add { to: numbers(to)? },
            (None, _) if matches!(then, Then::Gelu) => Finish::Gelu,
            (None, _) => Finish::Nothing,
        };
        let mut out = vec![0.0; n * t * self.d_output];
        multiply(self, numbers(&x)?, finish, &mut out);
        Some(from_numbers(out, [n, t, self.d_output]))
    }

    fn weight(&self, device: &Device) -> Tensor<2> {
        let shape = [self.d_input, self.d_output];
        match &self.panels {
            Panels::F32(panels) => {
                let values = unpack(panels, self.d_input, self.d_output);
                Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
            }
            Panels::F16(panels) => {
                let values = unpack(panels, self.d_input, self.d_output);
                Tensor::from_data(TensorData::new(values, shape), (device, DType::F16))
            }
        }
    }
}

/// `[rows, columns]` → panels of so many columns, the last filled up with zeros.
pub fn pack<E: Copy + Default>(values: &[E], rows: usize, columns: usize) -> Vec<E> {
    let mut packed = vec![E::default(); panels(columns) * rows * COLUMNS];
    for (panel, first) in packed.chunks_exact_mut(rows * COLUMNS).zip((0..columns).step_by(COLUMNS)) {
        let width = COLUMNS.min(columns - first);
        for (to, from) in panel.chunks_exact_mut(COLUMNS).zip(values.chunks_exact(columns)) {
            to[..width].copy_from_slice(&from[first..first + width]);
        }
    }
    packed
}

fn unpack<E: Copy + Default>(packed: &[E], rows: usize, columns: usize) -> Vec<E> {
    let mut values = vec![E::default(); rows * columns];
    for (panel, first) in packed.chunks_exact(rows * COLUMNS).zip((0..columns).step_by(COLUMNS)) {
        let width = COLUMNS.min(columns - first);
        for (from, to) in panel.chunks_exact(COLUMNS).zip(values.chunks_exact_mut(columns)) {
            to[first..first + width].copy_from_slice(&from[..width]);
        }
    }
    values
}

/// What is done to sums and bias.
#[derive(Clone, Copy)]
enum Finish<'a> {
    Nothing,
    Gelu,
    /// `to` begins anew when it is at its end.
    Add {
        to: &'a [f32],
    },
    AddGated {
        to: &'a [f32],
        gate: &'a [f32],
        tokens: usize,
    },
}

fn multiply(packed: &Packed, x: &[f32], finish: Finish, out: &mut [f32]) {
    let (d_input, d_output) = (packed.d_input, packed.d_output);
    let rows = x.len() / d_input;
    let fair = rows.div_ceil(count()).next_multiple_of(ROWS);
    let block = (BLOCK / d_input).next_multiple_of(ROWS).clamp(ROWS, fair);
    for_pieces(out, block * d_output, x.len() * d_output, |i, out| {
        let first = i * block;
        let x = &x[first * d_input..][..out.len() / d_output * d_input];
        vectorized(Product { packed, x, first, finish, out });
    });
}

/// A block of rows through all panels.
struct Product<'a> {
    packed: &'a Packed,
    x: &'a [f32],
    /// The number of the block's first row.
    first: usize,
    finish: Finish<'a>,
    out: &'a mut [f32],
}

impl Work for Product<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let size = self.packed.d_input * COLUMNS;
        match &self.packed.panels {
            Panels::F32(panels) => {
                for (p, panel) in panels.chunks_exact(size).enumerate() {
                    self.panel::<FMA>(p, panel);
                }
            }
            Panels::F16(panels) => {
                let mut wide = vec![0.0; size];
                for (p, panel) in panels.chunks_exact(size).enumerate() {
                    for (wide, narrow) in wide.iter_mut().zip(panel) {
                        *wide = widened(*narrow);
                    }
                    self.panel::<FMA>(p, &wide);
                }
            }
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn panel<const FMA: bool>(&mut self, p: usize, panel: &[f32]) {
        let (d_input, d_output) = (self.packed.d_input, self.packed.d_output);
        let column = p * COLUMNS;
        let width = COLUMNS.min(d_output - column);
        let Some((bias, _)) = self.packed.bias[column..].split_first_chunk::<COLUMNS>() else { return };
        let rows = self.x.len() / d_input;
        for row in (0..rows).step_by(ROWS) {
            // Where rows are missing, the last one is computed again.
            let x = std::array::from_fn(|i| &self.x[(row + i).min(rows - 1) * d_input..][..d_input]);
            let sums = add_products::<FMA>(ZERO, x, panel);
            for (i, sums) in sums.iter().enumerate().take(rows - row) {
                let y = std::array::from_fn(|j| sums[j] + bias[j]);
                let y = finished::<FMA>(y, self.finish, self.first + row + i, column, width, d_output);
                self.out[(row + i) * d_output + column..][..width].copy_from_slice(&y[..width]);
            }
        }
    }
}

#[inline(always)]
fn finished<const FMA: bool>(
    mut y: [f32; COLUMNS],
    finish: Finish,
    row: usize,
    column: usize,
    width: usize,
    d_output: usize,
) -> [f32; COLUMNS] {
    match finish {
        Finish::Nothing => {}
        Finish::Gelu => {
            for y in &mut y {
                *y = gelu_tanh::<FMA>(*y);
            }
        }
        Finish::Add { to } => {
            let at = (row * d_output + column) % to.len();
            for (y, to) in y.iter_mut().zip(&to[at..at + width]) {
                *y += to;
            }
        }
        Finish::AddGated { to, gate, tokens } => {
            let at = (row * d_output + column) % to.len();
            let gate = &gate[row / tokens * d_output + column..][..width];
            for ((y, to), gate) in y.iter_mut().zip(&to[at..at + width]).zip(gate) {
                *y = mul_add::<FMA>(*gate, *y, *to);
            }
        }
    }
    y
}

/// f16 → f32 for all finite numbers, without a branch.
#[inline(always)]
fn widened(narrow: f16) -> f32 {
    // 2^112: what the exponents of the two formats differ by.
    const SCALE: f32 = f32::from_bits((127 + 112) << 23);
    let bits = u32::from(narrow.to_bits());
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * SCALE;
    f32::from_bits(magnitude.to_bits() | (bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_f16_is_widened_exactly() {
        for narrow in (0..=u16::MAX).map(f16::from_bits).filter(|narrow| narrow.is_finite()) {
            assert_eq!(widened(narrow).to_bits(), narrow.to_f32().to_bits(), "{narrow}");
        }
    }

    #[test]
    fn what_was_packed_can_be_unpacked() {
        for (rows, columns) in [(1, 1), (3, 7), (5, 8), (2, 33)] {
            let values: Vec<usize> = (1..=rows * columns).collect();
            assert_eq!(unpack(&pack(&values, rows, columns), rows, columns), values);
        }
    }
}
