//! Noise and pixels.

use crate::cases;
use ditscope_core::pixels::{rgba, to_u8};
use ditscope_noise::gaussian;
use proptest::prelude::*;

/// Seed, stream, and the bits of `gaussian(seed, stream, 4)`. Every platform must give exactly
/// these; the last is part of the self-check that runs in the browser too.
const GOLDEN_NOISE: [(u64, u64, [u32; 4]); 3] = [
    (0, 0, [0xbfc4_8c9e, 0x3eaa_f61d, 0x3fb8_610d, 0x3f12_75ed]),
    (7, 0, [0x3e93_ddd6, 0x3f02_8cc6, 0xbe68_c391, 0xbfc5_acf7]),
    (7, 1, [0x4046_d72a, 0x3e35_2130, 0xbfc9_83fa, 0xbe8f_d805]),
];

#[test]
fn noise_has_the_same_bits_as_ever() {
    let bits = |seed, stream| -> Vec<u32> { gaussian(seed, stream, 4).into_iter().map(f32::to_bits).collect() };
    let ours = GOLDEN_NOISE.map(|(seed, stream, _)| bits(seed, stream));
    assert_eq!(ours, GOLDEN_NOISE.map(|(_, _, golden)| golden.to_vec()), "{ours:#010x?}");
}

#[test]
fn noise_is_standard_normal() {
    let values: Vec<f64> = gaussian(3, 0, 200_000).into_iter().map(f64::from).collect();
    let moment = |k: i32| values.iter().map(|v| v.powi(k)).sum::<f64>() / values.len() as f64;
    // Five standard errors of each moment at this length.
    for (k, expected, error) in [(1, 0.0, 0.0023), (2, 1.0, 0.0032), (3, 0.0, 0.0087), (4, 3.0, 0.022)] {
        assert!((moment(k) - expected).abs() < 5.0 * error, "moment {k} is {}", moment(k));
    }
    let within = |limit: f64| values.iter().filter(|v| v.abs() < limit).count() as f64 / values.len() as f64;
    assert!((within(1.0) - 0.6827).abs() < 0.006);
    assert!((within(2.0) - 0.9545).abs() < 0.003);
}

#[test]
fn seeds_and_streams_are_uncorrelated() {
    let correlation =
        |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>() / a.len() as f64;
    let length = 50_000;
    let base = gaussian(7, 0, length);
    for (seed, stream) in [(7, 1), (7, 2), (8, 0), (6, 0), (1 << 40 | 7, 0)] {
        let other = gaussian(seed, stream, length);
        assert!(correlation(&base, &other).abs() < 0.03, "seed {seed}, stream {stream}");
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn longer_noise_begins_with_the_shorter(seed in any::<u64>(), stream in any::<u64>(), short in 0..40usize, more in 0..40usize) {
        let (a, b) = (gaussian(seed, stream, 2 * short), gaussian(seed, stream, 2 * short + more));
        prop_assert_eq!(b.len(), 2 * short + more);
        prop_assert_eq!(&a[..], &b[..2 * short]);
        prop_assert!(b.iter().all(|v| v.is_finite()));
    }

    #[test]
    fn pixels_round_to_nearest_and_never_leave_their_range(value in -1.0..1.0f32) {
        let back = f32::from(to_u8(value)) / 127.5 - 1.0;
        prop_assert!((back - value).abs() <= 0.5 / 127.5 + 1e-6);
    }

    #[test]
    fn every_pixel_survives_the_way_to_numbers_and_back(pixel in any::<u8>()) {
        prop_assert_eq!(to_u8(f32::from(pixel) / 127.5 - 1.0), pixel);
    }

    #[test]
    fn any_number_becomes_some_pixel(value in any::<f32>()) {
        let pixel = to_u8(value);
        if value <= -1.0 { prop_assert_eq!(pixel, 0) }
        if value >= 1.0 { prop_assert_eq!(pixel, 255) }
        if value.is_nan() { prop_assert_eq!(pixel, 0) }
    }

    #[test]
    fn rgba_is_opaque_and_in_order(values in prop::collection::vec(-1.0..1.0f32, 0..24)) {
        let gray = rgba(&values, 1);
        prop_assert_eq!(gray.len(), 4 * values.len());
        for (pixel, value) in gray.chunks_exact(4).zip(&values) {
            let v = to_u8(*value);
            prop_assert_eq!(pixel, &[v, v, v, 255][..]);
        }
        for (pixel, colour) in rgba(&values, 3).chunks_exact(4).zip(values.chunks_exact(3)) {
            prop_assert_eq!(pixel, &[to_u8(colour[0]), to_u8(colour[1]), to_u8(colour[2]), 255][..]);
        }
    }
}

#[test]
fn known_pixels() {
    let known = [(-1.0, 0), (0.0, 128), (1.0, 255), (-7.0, 0), (7.0, 255), (f32::INFINITY, 255), (f32::NAN, 0)];
    for (value, pixel) in known {
        assert_eq!(to_u8(value), pixel, "{value}");
    }
}
