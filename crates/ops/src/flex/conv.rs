//! Convolutions with a kernel of 3x3, as products of matrices without the matrix of all windows.
//!
//! The picture is copied once, channels innermost, with a border of zeros: then each line of a window is one run of
//! numbers. Results are `[N, C, h, w]` with the channels innermost in memory, as the next convolution wants them.
//!
//! Nearest upsampling before a convolution makes four convolutions of 2x2 on the small picture, one for each of the four
//! pixels that one becomes: what falls on the same small pixel is added up beforehand, 4 products for 9.

use super::product::pack;
use super::tensors::{contiguous, numbers, primitive};
use super::threads::{count, for_pieces};
use super::tile::{COLUMNS, ROWS, Rows, Sums, Work, ZERO, add_products, get, panels, put, vectorized};
use crate::kernels::{Conv, Filter};
use burn::backend::Flex;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Shape, Tensor, TensorData};
use std::fmt;

/// Pixels that go through all panels together.
const BLOCK: usize = 64;

/// The weights of a convolution, packed.
pub struct Packed {
    from: usize,
    to: usize,
    filter: Filter,
    /// One, or four in the order of the pixels that one becomes.
    windows: Vec<Window>,
    /// As long as the panels are wide together.
    bias: Vec<f32>,
}

/// A window over the picture with its border.
struct Window {
    /// Where the window of the first pixel begins.
    offset: [usize; 2],
    /// Rows and columns.
    side: usize,
    panels: Vec<f32>,
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed {} to {}, {:?}", self.from, self.to, self.filter)
    }
}

impl Packed {
    pub fn new(weight: &Tensor<4>, bias: Option<&Tensor<1>>, filter: Filter) -> Option<Self> {
        let [to, from, 3, 3] = weight.dims() else { return None };
        let weight = contiguous(weight)?;
        let weight = numbers(&weight)?;
        let at = |o: usize, i: usize, y: usize, x: usize| weight[((o * from + i) * 3 + y) * 3 + x];
        // Which of the kernel's rows fall on each row of the window.
        let windows = if filter.doubled {
            let halves: [&[&[usize]]; 2] = [&[&[0], &[1, 2]], &[&[0, 1], &[2]]];
            let offsets = [[0, 0], [0, 1], [1, 0], [1, 1]];
            offsets.map(|[y, x]| window([to, from], [y, x], halves[y], halves[x], at)).into()
        } else {
            let lines: &[&[usize]] = &[&[0], &[1], &[2]];
            vec![window([to, from], [0, 0], lines, lines, at)]
        };
        let mut all = match bias {
            Some(bias) => numbers(&contiguous(bias)?)?.to_vec(),
            None => vec![0.0; to],
        };
        all.resize(panels(to) * COLUMNS, 0.0);
        Some(Self { from, to, filter, windows, bias: all })
    }
}

/// A window that adds up the kernel's `rows` and `columns` which fall on the same pixel.
fn window(
    [to, from]: [usize; 2],
    offset: [usize; 2],
    rows: &[&[usize]],
    columns: &[&[usize]],
    at: impl Fn(usize, usize, usize, usize) -> f32,
) -> Window {
    let mut values = Vec::with_capacity(rows.len() * columns.len() * from * to);
    for rows in rows {
        for columns in columns {
            for i in 0..from {
                let sum = |o| {
                    rows.iter()
                        .flat_map(|y| columns.iter().map(move |x| (*y, *x)))
                        .map(|(y, x)| at(o, i, y, x))
                        .sum::<f32>()
                };
                values.extend((0..to).map(sum));
            }
        }
    }
    Window { offset, side: rows.len(), panels: pack(&values, rows.len() * columns.len() * from, to) }
}

impl Conv for Packed {
    fn apply(&self, x: &Tensor<4>, add: Option<&Tensor<4>>) -> Option<Tensor<4>> {
        let [n, c, h, w] = x.dims();
        let factor = if self.filter.doubled { 2 } else { 1 };
        let shape = [n, self.to, factor * h, factor * w];
        if c != self.from || n * h * w == 0 || add.is_some_and(|add| add.dims() != shape) {
            return None;
        }
        let (x, add) = (strided(x)?, if let Some(add) = add { Some(strided(add)?) } else { None });
        let (x, add) = (Strided::of(&x), add.as_ref().map(Strided::of));
        let row = factor * factor * w * self.to;
        let mut out = vec![0.0; n * h * row];
        let block = (BLOCK / w).clamp(1, h.div_ceil(count()));
        for (i, out) in out.chunks_exact_mut(h * row).enumerate() {
            let padded = x.padded(i, [c, h, w]);
            let cost = h * row * 9 * c;
            for_pieces(out, block * row, cost, |piece, out| {
                vectorized(Lines {
                    packed: self,
                    padded: &padded,
                    add: add.as_ref(),
                    picture: i,
                    first: piece * block,
                    width: w,
                    out,
                });
            });
        }
        Some(channels_innermost(out, shape))
    }
}

/// A tensor whose order a [`Strided`] can have.
fn strided(x: &Tensor<4>) -> Option<FlexTensor> {
    let tensor = primitive(x)?;
    let forward = tensor.layout().strides().iter().all(|stride| *stride >= 0);
    Some(if forward { tensor } else { tensor.to_contiguous() })
}

/// A tensor `[N, C, h, w]` in whatever order.
struct Strided<'a> {
    values: &'a [f32],
    start: usize,
    strides: [usize; 4],
}

impl<'a> Strided<'a> {
    fn of(tensor: &'a FlexTensor) -> Self {
        let strides = std::array::from_fn(|axis| tensor.layout().strides()[axis] as usize);
        Self { values: tensor.storage::<f32>(), start: tensor.layout().start_offset(), strides }
    }

    /// The number of the first channel of a pixel, in `values`.
    #[inline(always)]
    fn at(&self, picture: usize, y: usize, x: usize) -> usize {
        self.start + picture * self.strides[0] + y * self.strides[2] + x * self.strides[3]
    }

    /// Some channels of the pixel whose first one is at `pixel`.
    #[inline(always)]
    fn channels(&self, pixel: usize, first: usize, count: usize) -> [f32; COLUMNS] {
        let (stride, values) = (self.strides[1], self.values);
        if stride == 1 {
            return get(&values[pixel + first..][..count]);
        }
        std::array::from_fn(|j| if j < count { values[pixel + (first + j) * stride] } else { 0.0 })
    }

    /// A picture with the channels innermost and a border of zeros.
    fn padded(&self, picture: usize, [c, h, w]: [usize; 3]) -> Vec<f32> {
        let mut padded = vec![0.0; (h + 2) * (w + 2) * c];
        let values = self.values;
        for y in 0..h {
            let line = &mut padded[((y + 1) * (w + 2) + 1) * c..][..w * c];
            if [self.strides[1], self.strides[3]] == [1, c] {
                line.copy_from_slice(&values[self.at(picture, y, 0)..][..w * c]);
                continue;
            }
            for (x, to) in line.chunks_exact_mut(c).enumerate() {
                let at = self.at(picture, y, x);
                for (channel, to) in to.iter_mut().enumerate() {
                    *to = values[at + channel * self.strides[1]];
                }
            }
        }
        padded
    }
}

/// `[N, h, w, C]` in memory as `[N, C, h, w]`.
fn channels_innermost(values: Vec<f32>, shape: [usize; 4]) -> Tensor<4> {
    let [n, c, h, w] = shape;
    let strides = [h * w * c, 1, w * c, c].map(|stride| stride as isize);
    let layout = Layout::new(Shape::from(shape), strides.into(), 0);
    Tensor::from_primitive::<Flex>(FlexTensor::from_data(TensorData::new(values, [n, h, w, c])).with_layout(layout))
}

/// Some lines of a picture through all panels.
struct Lines<'a> {
    packed: &'a Packed,
    /// The whole picture with its border.
    padded: &'a [f32],
    add: Option<&'a Strided<'a>>,
    picture: usize,
    /// The first line, of the picture that comes in.
    first: usize,
    /// The width of that.
    width: usize,
    out: &'a mut [f32],
}

impl Work for Lines<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let packed = self.packed;
        let factor = if packed.filter.doubled { 2 } else { 1 };
        let lines = self.out.len() / (factor * factor * self.width * packed.to);
        let mut sums = vec![ZERO; self.width.div_ceil(ROWS)];
        for window in &packed.windows {
            let size = window.side * window.side * packed.from * COLUMNS;
            for (p, panel) in window.panels.chunks_exact(size).enumerate() {
                for y in 0..lines {
                    self.line::<FMA>(window, y, panel, &mut sums);
                    self.write(p * COLUMNS, window, y, factor, &sums);
                }
            }
        }
    }
}

impl Lines<'_> {
    /// A line of pixels in one panel.
    #[inline(always)]
    fn line<const FMA: bool>(&self, window: &Window, y: usize, panel: &[f32], sums: &mut [Sums]) {
        let (from, width) = (self.packed.from, self.width);
        let first = (self.first + y + window.offset[0]) * (width + 2) + window.offset[1];
        let rows = Rows {
            values: self.padded,
            start: first * from,
            stride: from,
            count: width,
            length: window.side * from,
            between: (width + 2) * from,
        };
        sums.fill(ZERO);
        add_products::<FMA>(sums, rows, panel);
    }

    /// What becomes of its sums.
    #[inline(always)]
    fn write(&mut self, column: usize, window: &Window, y: usize, factor: usize, sums: &[Sums]) {
        let (packed, y) = (self.packed, factor * y + window.offset[0]);
        let (bias, channels) = (get(&packed.bias[column..]), COLUMNS.min(packed.to - column));
        let add = self.add.map(|add| (add, add.at(self.picture, factor * self.first + y, 0)));
        for (x, sums) in sums.as_flattened().iter().enumerate().take(self.width) {
            let x = factor * x + window.offset[1];
            let mut values = *sums;
            for j in 0..COLUMNS {
                values[j] += bias[j];
            }
            if let Some((add, line)) = add {
                let added = add.channels(line + x * add.strides[3], column, channels);
                for j in 0..COLUMNS {
                    values[j] += added[j];
                }
            }
            if packed.filter.relu {
                for value in &mut values {
                    *value = if *value < 0.0 { 0.0 } else { *value };
                }
            }
            put(values, &mut self.out[(y * factor * self.width + x) * packed.to + column..][..channels]);
        }
    }
}
