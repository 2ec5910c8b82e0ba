//! The innermost loop of everything that multiplies matrices: a few rows times a panel of columns.

/// Rows of a tile. With more of them the sums no longer stay in registers.
pub const ROWS: usize = 4;

/// Columns of a panel, two vectors: of 128 bits in WebAssembly, of 256 natively.
pub const COLUMNS: usize = if cfg!(target_family = "wasm") { 8 } else { 16 };

/// The sums of a tile.
pub type Sums = [[f32; COLUMNS]; ROWS];

pub const ZERO: Sums = [[0.0; COLUMNS]; ROWS];

/// Adds to each sum the products of a row and a column. A panel has [`COLUMNS`] numbers of one row of the matrix after
/// the other; each of the rows has as many numbers as there are such rows.
// In WebAssembly a function of its own: V8 keeps counters of the loop on the stack where the function around it is large,
// and does not unroll a loop that can panic. Natively it is part of what calls it, so that it has the same instructions.
#[cfg_attr(target_family = "wasm", inline(never))]
#[cfg_attr(not(target_family = "wasm"), inline(always))]
pub fn add_products<const FMA: bool>(sums: &mut Sums, rows: [&[f32]; ROWS], panel: &[f32]) {
    let [a, b, c, d] = rows;
    let (panel, _) = panel.as_chunks::<COLUMNS>();
    let mut all = *sums;
    for ((((numbers, a), b), c), d) in panel.iter().zip(a).zip(b).zip(c).zip(d) {
        let factors = [*a, *b, *c, *d];
        for i in 0..ROWS {
            for j in 0..COLUMNS {
                all[i][j] = mul_add::<FMA>(factors[i], numbers[j], all[i][j]);
            }
        }
    }
    *sums = all;
}

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
