//! A product of matrices, of which one is packed.

use super::math::gelu_tanh;
use super::threads::{count, for_pieces};
use super::tile::{self, COLUMNS, ROWS, Rows, Sums, Work, ZERO, add_products, get, mul_add, panels, put, vectorized};
use half::f16;
use std::fmt;

/// Numbers of the rows that go through all panels together, so that they stay near the processor.
const BLOCK: usize = 64 << 10;

/// A matrix, panel by panel, and what is added to each row of the product.
pub struct Factors {
    pub d_input: usize,
    pub d_output: usize,
    pub panels: Panels,
    /// As long as the panels are wide together.
    bias: Vec<f32>,
}

/// Weights that came in fewer bits stay so, and are widened panel by panel as they are used.
pub enum Panels {
    F32(Vec<f32>),
    F16(Vec<f16>),
    /// A scale for so many rows of each column; the scales are panels, too.
    Int8 {
        numbers: Vec<i8>,
        scales: Vec<f32>,
        group: u8,
    },
}

impl fmt::Debug for Factors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Factors {} to {}", self.d_input, self.d_output)
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

pub fn unpack<E: Copy + Default>(packed: &[E], rows: usize, columns: usize) -> Vec<E> {
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
pub enum Finish<'a> {
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

impl Factors {
    /// `bias` has a number for each column.
    pub fn new(d_input: usize, d_output: usize, panels: Panels, mut bias: Vec<f32>) -> Self {
        bias.resize(tile::panels(d_output) * COLUMNS, 0.0);
        Self { d_input, d_output, panels, bias }
    }

    /// `x·W + b` for some rows, and what follows.
    pub fn multiply(&self, x: &[f32], finish: Finish, out: &mut [f32]) {
        let (d_input, d_output) = (self.d_input, self.d_output);
        let rows = x.len() / d_input;
        let fair = rows.div_ceil(count()).next_multiple_of(ROWS);
        let block = (BLOCK / d_input).next_multiple_of(ROWS).clamp(ROWS, fair);
        for_pieces(out, block * d_output, x.len() * d_output, |i, out| {
            let (first, rows) = (i * block, out.len() / d_output);
            let starts = starts(finish, first, rows, d_output);
            let x = &x[first * d_input..][..rows * d_input];
            vectorized(Product { factors: self, x, finish, starts: &starts, out });
        });
    }
}

/// Where the rows of what is added and of its gate begin, for some rows of the result.
fn starts(finish: Finish, first: usize, rows: usize, d_output: usize) -> Vec<[usize; 2]> {
    let (length, tokens) = match finish {
        Finish::Nothing | Finish::Gelu => return vec![[0; 2]; rows],
        Finish::Add { to } => (to.len(), 1),
        Finish::AddGated { to, tokens, .. } => (to.len(), tokens),
    };
    (first..first + rows).map(|row| [row * d_output % length, row / tokens * d_output]).collect()
}

/// A block of rows through all panels.
struct Product<'a> {
    factors: &'a Factors,
    x: &'a [f32],
    finish: Finish<'a>,
    /// See [`starts`], row by row.
    starts: &'a [[usize; 2]],
    out: &'a mut [f32],
}

impl Work for Product<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let factors = self.factors;
        let size = factors.d_input * COLUMNS;
        let mut sums = vec![ZERO; self.starts.len().div_ceil(ROWS)];
        match &factors.panels {
            Panels::F32(panels) => {
                for (p, panel) in panels.chunks_exact(size).enumerate() {
                    self.panel::<FMA>(p * COLUMNS, panel, &mut sums);
                }
            }
            Panels::F16(panels) => {
                let mut wide = vec![0.0; size];
                for (p, panel) in panels.chunks_exact(size).enumerate() {
                    for (wide, narrow) in wide.iter_mut().zip(panel) {
                        *wide = widened(*narrow);
                    }
                    self.panel::<FMA>(p * COLUMNS, &wide, &mut sums);
                }
            }
            Panels::Int8 { numbers, scales, group } => {
                let (mut wide, group) = (vec![0.0; size], usize::from(*group));
                let scales = scales.chunks_exact(factors.d_input.div_ceil(group) * COLUMNS);
                for (p, (panel, scales)) in numbers.chunks_exact(size).zip(scales).enumerate() {
                    scale(panel, scales, group, &mut wide);
                    self.panel::<FMA>(p * COLUMNS, &wide, &mut sums);
                }
            }
        }
    }
}

/// A panel of numbers in 8 bits times their scales, of which each holds for so many rows.
#[inline(always)]
fn scale(panel: &[i8], scales: &[f32], group: usize, wide: &mut [f32]) {
    let groups = panel.chunks(group * COLUMNS).zip(wide.chunks_mut(group * COLUMNS));
    for ((panel, wide), scales) in groups.zip(scales.as_chunks::<COLUMNS>().0) {
        for (panel, wide) in panel.as_chunks::<COLUMNS>().0.iter().zip(wide.as_chunks_mut::<COLUMNS>().0) {
            *wide = std::array::from_fn(|j| scales[j] * f32::from(panel[j]));
        }
    }
}

impl Product<'_> {
    // In WebAssembly a function of its own: as a part of `run` WebKit's compiler (2.50), when it took over in the middle of
    // the loop, now and then lost the length of `bias`, and the worker stopped (docs/lab-log.md).
    #[cfg_attr(target_family = "wasm", inline(never))]
    #[cfg_attr(not(target_family = "wasm"), inline(always))]
    fn panel<const FMA: bool>(&mut self, column: usize, panel: &[f32], sums: &mut [Sums]) {
        let Factors { d_input, d_output, bias, .. } = self.factors;
        let length = *d_input;
        let rows = Rows { values: self.x, start: 0, stride: length, count: self.starts.len(), length, between: 0 };
        sums.fill(ZERO);
        add_products::<FMA>(sums, rows, panel);
        let (bias, width) = (get(&bias[column..]), COLUMNS.min(d_output - column));
        let rows = sums.as_flattened().iter().zip(self.starts).zip(self.out.chunks_exact_mut(*d_output));
        for ((sums, starts), out) in rows {
            let y = std::array::from_fn(|j| sums[j] + bias[j]);
            put(
                finished::<FMA>(y, self.finish, starts.map(|start| start + column), width),
                &mut out[column..][..width],
            );
        }
    }
}

#[inline(always)]
fn finished<const FMA: bool>(
    mut y: [f32; COLUMNS],
    finish: Finish,
    [at, gate_at]: [usize; 2],
    width: usize,
) -> [f32; COLUMNS] {
    match finish {
        Finish::Nothing => y,
        Finish::Gelu => {
            for y in &mut y {
                *y = gelu_tanh::<FMA>(*y);
            }
            y
        }
        Finish::Add { to } => {
            let to = get(&to[at..][..width]);
            std::array::from_fn(|j| to[j] + y[j])
        }
        Finish::AddGated { to, gate, .. } => {
            let (to, gate) = (get(&to[at..][..width]), get(&gate[gate_at..][..width]));
            std::array::from_fn(|j| mul_add::<FMA>(gate[j], y[j], to[j]))
        }
    }
}

/// f16 → f32 for all finite numbers, without a branch.
#[inline(always)]
fn widened(narrow: f16) -> f32 {
    // 2^112: what the exponents of the two formats differ by.
    const SCALE: f32 = f32::from_bits((127 + 112) << 23);
    // The sign is extended over the places that the exponent gains, and taken out of them again.
    let bits = i32::from(narrow.to_bits() as i16) << 13;
    f32::from_bits(bits as u32 & 0x8fff_ffff) * SCALE
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
