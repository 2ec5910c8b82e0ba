//! Work in pieces, by several threads where there are some.

/// Multiplications below which one thread is faster.
#[cfg(not(target_family = "wasm"))]
const WORTH_THREADS: usize = 1 << 20;

/// Gives `work` each piece of `size` numbers of `out` with its number; all of them together are `cost` multiplications.
#[cfg(not(target_family = "wasm"))]
pub fn for_pieces(out: &mut [f32], size: usize, cost: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    use rayon::prelude::*;
    if cost < WORTH_THREADS || rayon::current_num_threads() == 1 {
        out.chunks_mut(size).enumerate().for_each(|(i, piece)| work(i, piece));
    } else {
        out.par_chunks_mut(size).enumerate().for_each(|(i, piece)| work(i, piece));
    }
}

/// Gives `work` each piece of `size` numbers of `out` with its number.
#[cfg(target_family = "wasm")]
pub fn for_pieces(out: &mut [f32], size: usize, _cost: usize, work: impl Fn(usize, &mut [f32])) {
    out.chunks_mut(size).enumerate().for_each(|(i, piece)| work(i, piece));
}

/// The least number of pieces that is fair to all threads.
pub fn count() -> usize {
    #[cfg(not(target_family = "wasm"))]
    return rayon::current_num_threads();
    #[cfg(target_family = "wasm")]
    1
}
