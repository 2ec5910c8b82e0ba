//! Attention, a few rows at a time: no more than their scores are ever in memory.

use super::math::{exp2, max, sum};
use super::tensors::{from_numbers, primitive};
use super::threads::for_pieces;
use super::tile::{COLUMNS, ROWS, Rows, Work, ZERO, add_products, get, panels, put, vectorized};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use std::f32::consts::LOG2_E;

/// Queries whose scores are in memory together.
const BLOCK: usize = 4 * ROWS;

/// See [`crate::plain::attention`].
pub fn attention(q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) -> Option<Tensor<3>> {
    let ([n, heads, t, d], [_, _, s, _]) = (q.dims(), k.dims());
    if k.dims() != [n, heads, s, d] || v.dims() != k.dims() || n * heads * t * s * d == 0 {
        return None;
    }
    let [q, k, v] = [Heads::new(q)?, Heads::new(k)?, Heads::new(v)?];
    // Head by head, `[N, heads, T, d]`: each is then a piece of its own.
    let mut by_heads = vec![0.0; n * heads * t * d];
    for_pieces(&mut by_heads, t * d, 2 * n * heads * t * s * d, |i, out| {
        vectorized(Head { q: &q, k: &k, v: &v, picture: i / heads, head: i % heads, tokens: [t, s], width: d, out });
    });
    let mut out = vec![0.0; by_heads.len()];
    for (i, from) in by_heads.chunks_exact(d).enumerate() {
        let (picture, head, token) = (i / (heads * t), i / t % heads, i % t);
        out[((picture * t + token) * heads + head) * d..][..d].copy_from_slice(from);
    }
    Some(from_numbers(out, [n, t, heads * d]))
}

/// A tensor `[N, heads, T, d]` whose rows have their numbers side by side, wherever the rows lie.
struct Heads {
    tensor: FlexTensor,
    start: usize,
    strides: [usize; 3],
    width: usize,
}

impl Heads {
    fn new(x: &Tensor<4>) -> Option<Self> {
        let [.., width] = x.dims();
        let tensor = primitive(x)?;
        let fits = |tensor: &FlexTensor| {
            tensor.layout().strides()[3] == 1 && tensor.layout().strides().iter().all(|stride| *stride >= 0)
        };
        let tensor = if fits(&tensor) { tensor } else { tensor.to_contiguous() };
        let stride = |axis: usize| tensor.layout().strides()[axis] as usize;
        Some(Self { start: tensor.layout().start_offset(), strides: [stride(0), stride(1), stride(2)], width, tensor })
    }

    /// Some tokens of a head.
    #[inline(always)]
    fn rows(&self, picture: usize, head: usize, token: usize, count: usize) -> Rows<'_> {
        let [of_picture, of_head, stride] = self.strides;
        let start = self.start + picture * of_picture + head * of_head + token * stride;
        Rows { values: self.tensor.storage::<f32>(), start, stride, count, length: self.width, between: 0 }
    }
}

/// One head of one picture.
struct Head<'a> {
    q: &'a Heads,
    k: &'a Heads,
    v: &'a Heads,
    picture: usize,
    head: usize,
    /// T and S.
    tokens: [usize; 2],
    width: usize,
    /// `[T, d]`
    out: &'a mut [f32],
}

impl Work for Head<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (d, [t, s]) = (self.width, self.tokens);
        let keys = self.keys();
        let values = self.values();
        let scale = LOG2_E / (d as f32).sqrt();
        let length = panels(s) * COLUMNS;
        let (mut scores, mut sums) = (vec![0.0; BLOCK * length], [ZERO; BLOCK / ROWS]);
        let mut factors = [0.0; BLOCK];
        for (first, out) in (0..t).step_by(BLOCK).zip(self.out.chunks_mut(BLOCK * d)) {
            let count = BLOCK.min(t - first);
            let queries = self.q.rows(self.picture, self.head, first, count);
            let sums = &mut sums[..queries.tiles()];
            for (p, panel) in keys.chunks_exact(d * COLUMNS).enumerate() {
                sums.fill(ZERO);
                add_products::<FMA>(sums, queries, panel);
                for (row, sums) in scores.chunks_exact_mut(length).zip(sums.as_flattened()) {
                    put(*sums, &mut row[p * COLUMNS..]);
                }
            }
            for (row, factor) in scores.chunks_exact_mut(length).zip(&mut factors[..count]) {
                *factor = weigh::<FMA>(&mut row[..s], scale);
            }
            let weights = Rows { values: &scores, start: 0, stride: length, count, length: s, between: 0 };
            for (p, panel) in values.chunks_exact(s * COLUMNS).enumerate() {
                sums.fill(ZERO);
                add_products::<FMA>(sums, weights, panel);
                let (column, width) = (p * COLUMNS, COLUMNS.min(d - p * COLUMNS));
                for ((out, sums), factor) in out.chunks_exact_mut(d).zip(sums.as_flattened()).zip(factors) {
                    put(sums.map(|sum| sum * factor), &mut out[column..][..width]);
                }
            }
        }
    }
}

impl Head<'_> {
    /// Panels of keys: number after number of [`COLUMNS`] tokens.
    #[inline(always)]
    fn keys(&self) -> Vec<f32> {
        let (d, [_, s]) = (self.width, self.tokens);
        let mut packed = vec![0.0; panels(s) * COLUMNS * d];
        let rows = self.k.rows(self.picture, self.head, 0, s);
        for token in 0..s {
            let key = rows.row(token, 0);
            let panel = &mut packed[token / COLUMNS * COLUMNS * d..][..COLUMNS * d];
            for (to, from) in panel.chunks_exact_mut(COLUMNS).zip(key) {
                to[token % COLUMNS] = *from;
            }
        }
        packed
    }

    /// Panels of values: token after token of [`COLUMNS`] numbers.
    #[inline(always)]
    fn values(&self) -> Vec<f32> {
        let (d, [_, s]) = (self.width, self.tokens);
        let mut packed = vec![0.0; panels(d) * COLUMNS * s];
        let rows = self.v.rows(self.picture, self.head, 0, s);
        for token in 0..s {
            let value = rows.row(token, 0);
            for (p, from) in value.chunks(COLUMNS).enumerate() {
                put(get(from), &mut packed[(p * s + token) * COLUMNS..][..COLUMNS]);
            }
        }
        packed
    }
}

/// Scores → weights, as powers of two, that are not yet divided by their sum; gives 1 / sum.
#[inline(always)]
fn weigh<const FMA: bool>(scores: &mut [f32], scale: f32) -> f32 {
    let most = max(scores);
    for score in scores.iter_mut() {
        *score = exp2::<FMA>((*score - most) * scale);
    }
    1.0 / sum(scores, |weight| weight)
}
