//! The innermost loop of everything that multiplies matrices: a few rows times a panel of columns.

/// Rows of a tile. With more of them the sums no longer stay in registers.
pub const ROWS: usize = 4;

/// Columns of a panel, two vectors: of 128 bits in WebAssembly, of 256 natively.
pub const COLUMNS: usize = if cfg!(target_family = "wasm") { 8 } else { 16 };

/// The sums of a tile.
pub type Sums = [[f32; COLUMNS]; ROWS];

pub const ZERO: Sums = [[0.0; COLUMNS]; ROWS];

/// Adds to each sum the products of a row and a column. A panel has [`COLUMNS`] numbers of one row of the matrix after
/// the other; each of `rows` has as many numbers as there are such rows.
#[inline(always)]
pub fn add_products<const FMA: bool>(mut sums: Sums, rows: [&[f32]; ROWS], panel: &[f32]) -> Sums {
    let (panel, _) = panel.as_chunks::<COLUMNS>();
    let rows = rows.map(|row| &row[..panel.len()]);
    for (k, numbers) in panel.iter().enumerate() {
        for i in 0..ROWS {
            let factor = rows[i][k];
            for j in 0..COLUMNS {
                sums[i][j] = mul_add::<FMA>(factor, numbers[j], sums[i][j]);
            }
        }
    }
    sums
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
