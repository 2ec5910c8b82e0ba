//! Functions without branches, which the compiler can compute for several numbers at once.

use super::tile::mul_add;
use crate::plain::{GELU_A, GELU_B};
use std::f64::consts::LOG2_E;

/// 2ˣ; where it would leave f32, the smallest or largest normal number.
///
/// x = n + f with |f| ≤ 1/2, and a polynomial for 2ᶠ.
#[inline(always)]
pub fn exp2<const FMA: bool>(x: f32) -> f32 {
    // Added to a small number it leaves the nearest integer in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-126.0, 127.0);
    let shifted = x + ROUND;
    let f = x - (shifted - ROUND);
    let mut p = 1.535_336_2e-4;
    for c in [1.339_887_4e-3, 9.618_437e-3, 5.550_332_5e-2, 2.402_264_7e-1, 6.931_472e-1, 1.0] {
        p = mul_add::<FMA>(p, f, c);
    }
    // n more in the exponent.
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// See [`crate::plain::gelu_tanh`].
#[inline(always)]
pub fn gelu_tanh<const FMA: bool>(x: f32) -> f32 {
    const A: f32 = (-GELU_A * LOG2_E) as f32;
    const B: f32 = (-GELU_B * LOG2_E) as f32;
    x / (1.0 + exp2::<FMA>(x * mul_add::<FMA>(x * x, B, A)))
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
    fn powers_of_two_are_right_to_the_last_places() {
        for i in -12600..12700 {
            let x = i as f32 / 100.0 + 0.003;
            let (found, right) = (f64::from(exp2::<false>(x)), f64::from(x).exp2());
            assert!((found / right - 1.0).abs() < 2.5e-7, "2^{x} = {found}, not {right}");
        }
        assert_eq!(exp2::<false>(0.0), 1.0);
        assert!(exp2::<false>(-1e30) < 1.2e-38 && exp2::<false>(1e30) > 1.7e38);
    }

    #[test]
    fn gelu_is_right_for_small_and_for_large_numbers() {
        for i in -4000..4000 {
            let x = i as f32 / 100.0;
            let (found, wide) = (f64::from(gelu_tanh::<false>(x)), f64::from(x));
            let right = wide / (1.0 + (-wide * (GELU_A + GELU_B * wide * wide)).exp());
            assert!((found - right).abs() <= 1e-6 * wide.abs().max(1e-3), "gelu({x}) = {found}, not {right}");
        }
    }
}
