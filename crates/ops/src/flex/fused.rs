//! The innermost loop with a multiplication and an addition in one instruction (WebAssembly's relaxed SIMD).
//!
//! The module that has it needs a browser that knows it; what builds the app makes one without it besides
//! (xtask/src/plain.rs).

use super::tile::{COLUMNS, ROWS, Rows, Sums};
use core::arch::wasm32::{f32x4, f32x4_extract_lane, f32x4_relaxed_madd, f32x4_splat, v128};
use std::array::from_fn;

const VECTORS: usize = COLUMNS / 4;

/// See the one of `tile`. One step at a time: with several of them V8 runs out of registers.
#[target_feature(enable = "relaxed-simd")]
#[inline(never)]
pub fn add_products<const FMA: bool>(sums: &mut [Sums], rows: Rows, panel: &[f32]) {
    let (panel, _) = panel.as_chunks::<COLUMNS>();
    for (number, sums) in sums.iter_mut().enumerate() {
        let mut all = sums.map(|sums| vectors(&sums));
        for (piece, panel) in panel.chunks_exact(rows.length).enumerate() {
            let [a, b, c, d] = rows.tile(number, piece);
            for ((((numbers, a), b), c), d) in panel.iter().zip(a).zip(b).zip(c).zip(d) {
                let (factors, numbers) = ([*a, *b, *c, *d], vectors(numbers));
                for i in 0..ROWS {
                    let factor = f32x4_splat(factors[i]);
                    for j in 0..VECTORS {
                        all[i][j] = f32x4_relaxed_madd(factor, numbers[j], all[i][j]);
                    }
                }
            }
        }
        *sums = all.map(numbers);
    }
}

#[inline(always)]
fn vectors(numbers: &[f32; COLUMNS]) -> [v128; VECTORS] {
    from_fn(|j| f32x4(numbers[4 * j], numbers[4 * j + 1], numbers[4 * j + 2], numbers[4 * j + 3]))
}

#[inline(always)]
fn numbers(vectors: [v128; VECTORS]) -> [f32; COLUMNS] {
    from_fn(|i| {
        let vector = vectors[i / 4];
        match i % 4 {
            0 => f32x4_extract_lane::<0>(vector),
            1 => f32x4_extract_lane::<1>(vector),
            2 => f32x4_extract_lane::<2>(vector),
            _ => f32x4_extract_lane::<3>(vector),
        }
    })
}
