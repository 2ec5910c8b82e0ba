//! Functions without branches, which the compiler can compute for several numbers at once.

use super::tile::mul_add;
use crate::plain::{GELU_A, GELU_B};

/// eˣ, right to about two units in the last place; where it would leave f32, the smallest or largest normal number.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, and eʳ by the polynomial of Cephes' `expf`.
#[inline(always)]
pub fn exp<const FMA: bool>(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Added to a small number it leaves the nearest integer in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.3, 88.3);
    let shifted = mul_add::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add::<FMA>(n, -LN2_LOW, mul_add::<FMA>(n, -LN2_HIGH, x));
    let mut p = 1.987_569_1e-4;
    for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = mul_add::<FMA>(p, r, c);
    }
    let e_r = mul_add::<FMA>(p, r * r, r) + 1.0;
    e_r * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// See [`crate::plain::gelu_tanh`].
#[inline(always)]
pub fn gelu_tanh<const FMA: bool>(x: f32) -> f32 {
    let inner = x * mul_add::<FMA>(x * x, GELU_B as f32, GELU_A as f32);
    x / (1.0 + exp::<FMA>(-inner))
}

/// Numbers that are summed side by side.
const LANES: usize = 8;

/// Σ f(v)
#[inline(always)]
pub fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for j in 0..LANES {
            sums[j] += f(chunk[j]);
        }
    }
    let mut total: f32 = rest.iter().map(|v| f(*v)).sum();
    for part in sums {
        total += part;
    }
    total
}

/// The largest number.
#[inline(always)]
pub fn max(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for j in 0..LANES {
            most[j] = if chunk[j] > most[j] { chunk[j] } else { most[j] };
        }
    }
    most.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| a.max(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_right_to_the_last_places() {
        for i in -8700..8800 {
            let x = i as f32 / 100.0 + 0.003;
            let (found, right) = (f64::from(exp::<false>(x)), f64::from(x).exp());
            assert!((found / right - 1.0).abs() < 2.5e-7, "exp({x}) = {found}, not {right}");
        }
        assert_eq!(exp::<false>(0.0), 1.0);
        assert!(exp::<false>(-1e30) < 1.3e-38 && exp::<false>(1e30) > 1e38);
    }
}
