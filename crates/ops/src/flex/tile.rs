//! The innermost loop of everything that multiplies matrices: a few rows times a panel of columns.

/// Rows of a tile. With more of them the sums no longer stay in registers.
pub const ROWS: usize = 4;

/// Columns of a panel, two vectors: of 128 bits in WebAssembly, of 256 natively.
pub const COLUMNS: usize = if cfg!(target_family = "wasm") { 8 } else { 16 };

/// The sums of a tile.
pub type Sums = [[f32; COLUMNS]; ROWS];

pub const ZERO: Sums = [[0.0; COLUMNS]; ROWS];

/// Rows of numbers at equal distances.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub values: &'a [f32],
    /// Where the first one begins.
    pub start: usize,
    /// From one to the next.
    pub stride: usize,
    pub count: usize,
    /// Numbers in each piece of a row.
    pub length: usize,
    /// From one piece of a row to the next: a window over a picture is one of each line.
    pub between: usize,
}

impl<'a> Rows<'a> {
    /// Tiles that have all rows.
    #[inline(always)]
    pub fn tiles(&self) -> usize {
        self.count.div_ceil(ROWS)
    }

    /// A piece of the rows of a tile. Where there are no more, the last one stands again.
    #[inline(always)]
    pub fn tile(&self, number: usize, piece: usize) -> [&'a [f32]; ROWS] {
        std::array::from_fn(|i| self.row((number * ROWS + i).min(self.count - 1), piece))
    }

    #[inline(always)]
    pub fn row(&self, number: usize, piece: usize) -> &'a [f32] {
        &self.values[self.start + number * self.stride + piece * self.between..][..self.length]
    }
}

/// Adds to the sums of each tile the products of its rows and a panel's columns. A panel has [`COLUMNS`] numbers of one
/// row of the matrix after the other, as many as a row has in all its pieces.
// In WebAssembly this must be a function of its own, and too large for V8 to make it part of what calls it (its limit is
// 500 bytes): in a large function V8 keeps what the inner loop needs on the stack, which costs a third of the speed.
// Natively it is a part of what calls it, so that it has the same instructions.
#[cfg(not(all(target_family = "wasm", feature = "relaxed-simd")))]
#[cfg_attr(target_family = "wasm", inline(never))]
#[cfg_attr(not(target_family = "wasm"), inline(always))]
pub fn add_products<const FMA: bool>(sums: &mut [Sums], rows: Rows, panel: &[f32]) {
    let (panel, _) = panel.as_chunks::<COLUMNS>();
    for (number, sums) in sums.iter_mut().enumerate() {
        let mut all = *sums;
        for (piece, panel) in panel.chunks_exact(rows.length).enumerate() {
            let [a, b, c, d] = rows.tile(number, piece);
            for ((((numbers, a), b), c), d) in panel.iter().zip(a).zip(b).zip(c).zip(d) {
                let factors = [*a, *b, *c, *d];
                for i in 0..ROWS {
                    for j in 0..COLUMNS {
                        all[i][j] = mul_add::<FMA>(factors[i], numbers[j], all[i][j]);
                    }
                }
            }
        }
        *sums = all;
    }
}

#[cfg(all(target_family = "wasm", feature = "relaxed-simd"))]
pub use super::fused::add_products;

/// Numbers beside each other; zeros follow where there are fewer than [`COLUMNS`].
#[inline(always)]
pub fn get(from: &[f32]) -> [f32; COLUMNS] {
    match from.first_chunk() {
        Some(numbers) => *numbers,
        None => std::array::from_fn(|j| from.get(j).copied().unwrap_or_default()),
    }
}

/// Writes numbers beside each other, as many as there is room for. (A copy whose length is not known is a call of its
/// own in WebAssembly, and slow.)
#[inline(always)]
pub fn put(numbers: [f32; COLUMNS], to: &mut [f32]) {
    match to.first_chunk_mut() {
        Some(to) => *to = numbers,
        None => to.iter_mut().zip(numbers).for_each(|(to, number)| *to = number),
    }
}

/// `a·b + c`, rounded once where the processor does that at once.
#[inline(always)]
pub fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Panels that hold so many columns.
pub fn panels(columns: usize) -> usize {
    columns.div_ceil(COLUMNS)
}

/// Work that is compiled once for each set of instructions; mark `run` and what it calls `inline(always)`.
pub trait Work {
    fn run<const FMA: bool>(self);
}

/// Does work with the best instructions that this processor has.
#[cfg(target_arch = "x86_64")]
pub fn vectorized<W: Work>(work: W) {
    struct Wide<W>(W);
    impl<W: Work> pulp::NullaryFnOnce for Wide<W> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            self.0.run::<true>();
        }
    }
    match pulp::x86::V3::try_new() {
        Some(wide) => wide.vectorize(Wide(work)),
        None => work.run::<false>(),
    }
}

/// Does work with the best instructions that this processor has.
#[cfg(not(target_arch = "x86_64"))]
pub fn vectorized<W: Work>(work: W) {
    work.run::<{ cfg!(target_arch = "aarch64") }>();
}
