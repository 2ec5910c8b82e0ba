//! Attention, a few rows at a time: no more than their scores are ever in memory.

use super::math::{exp, max, sum};
use super::threads::for_pieces;
use super::tile::{COLUMNS, ROWS, Work, ZERO, add_products, panels, vectorized};
use super::{from_numbers, primitive};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

/// See [`crate::plain::attention`].
pub fn attention(q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) -> Option<Tensor<3>> {
    let ([n, heads, t, d], [_, _, s, _]) = (q.dims(), k.dims());
    if k.dims() != [n, heads, s, d] || v.dims() != k.dims() || n * heads * t * s * d == 0 {
        return None;
    }
    let [q, k, v] = [Rows::new(q)?, Rows::new(k)?, Rows::new(v)?];
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
struct Rows {
    tensor: FlexTensor,
    start: usize,
    strides: [usize; 3],
    width: usize,
}

impl Rows {
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

    #[inline(always)]
    fn row(&self, picture: usize, head: usize, token: usize) -> &[f32] {
        let [of_picture, of_head, of_token] = self.strides;
        let at = self.start + picture * of_picture + head * of_head + token * of_token;
        &self.tensor.storage::<f32>()[at..at + self.width]
    }
}

/// One head of one picture.
struct Head<'a> {
    q: &'a Rows,
    k: &'a Rows,
    v: &'a Rows,
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
        let scale = 1.0 / (d as f32).sqrt();
        let length = panels(s) * COLUMNS;
        let mut scores = vec![0.0; ROWS * length];
        for first in (0..t).step_by(ROWS) {
            // Where rows are missing, the last one is computed again.
            let q = std::array::from_fn(|i| self.q.row(self.picture, self.head, (first + i).min(t - 1)));
            for (p, panel) in keys.chunks_exact(d * COLUMNS).enumerate() {
                let sums = add_products::<FMA>(ZERO, q, panel);
                for (row, sums) in scores.chunks_exact_mut(length).zip(sums) {
                    row[p * COLUMNS..][..COLUMNS].copy_from_slice(&sums);
                }
            }
            let mut factors = [0.0; ROWS];
            for (row, factor) in scores.chunks_exact_mut(length).zip(&mut factors) {
                *factor = weigh::<FMA>(&mut row[..s], scale);
            }
            let weights = std::array::from_fn(|i| &scores[i * length..][..s]);
            for (p, panel) in values.chunks_exact(s * COLUMNS).enumerate() {
                let sums = add_products::<FMA>(ZERO, weights, panel);
                let width = COLUMNS.min(d - p * COLUMNS);
                for (i, sums) in sums.iter().enumerate().take(t - first) {
                    let scaled: [f32; COLUMNS] = std::array::from_fn(|j| sums[j] * factors[i]);
                    self.out[(first + i) * d + p * COLUMNS..][..width].copy_from_slice(&scaled[..width]);
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
        for token in 0..s {
            let key = self.k.row(self.picture, self.head, token);
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
        for token in 0..s {
            let value = self.v.row(self.picture, self.head, token);
            for (p, from) in value.chunks(COLUMNS).enumerate() {
                packed[(p * s + token) * COLUMNS..][..from.len()].copy_from_slice(from);
            }
        }
        packed
    }
}

/// Scores → weights that are not yet divided by their sum; gives 1 / sum.
#[inline(always)]
fn weigh<const FMA: bool>(scores: &mut [f32], scale: f32) -> f32 {
    let most = max(scores);
    for score in scores.iter_mut() {
        *score = exp::<FMA>((*score - most) * scale);
    }
    1.0 / sum(scores, |weight| weight)
}
