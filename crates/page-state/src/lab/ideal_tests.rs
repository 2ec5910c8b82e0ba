//! The denoiser against a sum that is written out, and what its runs end in.

use super::*;
use crate::fixtures::info;
use ditscope_protocol::{FrameInfo, FramePart};
use ditscope_tensor_file::LatentsInfo;

const CLASS: usize = 3;

/// Deterministic numbers between −1 and 1.
fn numbers(seed: usize, len: usize) -> Vec<f32> {
    let mut state = (seed as u32).wrapping_mul(2_654_435_761);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

fn set(count: usize) -> LatentSet {
    let shape = [4, 2, 2];
    let info = LatentsInfo {
        data: "d".into(),
        license: "l".into(),
        count,
        shape,
        num_classes: 10,
        mean: vec![0.0; 4],
        std: vec![1.0; 4],
        scales: vec![0.0; 4],
        rms_error: 0.0,
        clamped: 0.0,
    };
    let labels = (0..count).map(|i| if i % 2 == 0 { CLASS as u8 } else { 5 }).collect();
    LatentSet::round(info, labels, &numbers(1, count * 16)).expect("a sound set")
}

#[test]
fn those_of_a_class_are_taken_in_their_own_units() {
    let set = set(10);
    let known = Known::of(&set, CLASS).expect("five");
    assert_eq!(known.count(), 5);
    let expected: Vec<f32> = (0..16).map(|i| f32::from(set.numbers[2 * 16 + i]) * set.info.scales[i / 4]).collect();
    assert_eq!(known.latent(1), expected);
    assert!(Known::of(&set, 7).is_none());
}

#[test]
fn it_is_the_posterior_mean_as_the_sum_says() {
    let known = Known::of(&set(40), CLASS).expect("twenty");
    for (signal, noise) in [(0.1, 0.99), (0.7, 0.71), (0.95, 0.3)] {
        let x_t = numbers(5, 16);
        // Bayes, term by term.
        let likelihood = |i: usize| {
            let squares: f64 = (0..16)
                .map(|k| (f64::from(x_t[k]) - signal * f64::from(known.latent(i)[k])).powi(2) / (2.0 * noise * noise))
                .sum();
            (-squares).exp()
        };
        let total: f64 = (0..known.count()).map(likelihood).sum();
        let found = known.denoise(&x_t, (signal, noise));
        for k in 0..16 {
            let mean: f64 = (0..known.count()).map(|i| likelihood(i) / total * f64::from(known.latent(i)[k])).sum();
            assert!((mean - f64::from(found.x0_hat[k])).abs() < 1e-6);
        }
        let largest = (0..known.count()).map(|i| likelihood(i) / total).fold(0.0, f64::max);
        assert!((found.nearest[0].1 - largest).abs() < 1e-9 && found.nearest.len() == NEAREST);
    }
    let clean = known.denoise(known.latent(4), (1.0, 0.0));
    assert_eq!((clean.nearest[0].0, &clean.x0_hat[..]), (4, known.latent(4)));
}

#[test]
fn its_run_ends_in_a_training_picture() {
    let known = Arc::new(Known::of(&set(40), CLASS).expect("twenty"));
    for is_flow in [false, true] {
        let steps = 40;
        let mut info = info(steps, 1);
        info.alpha_bar = (0..steps).map(|i| ((i + 1) as f64 / (steps + 1) as f64).powi(2)).collect();
        let mut film = Film::new(info, "m".into(), "l".into()).expect("a sound description");
        for step in 0..=steps {
            let parts = vec![FramePart::XT, FramePart::Pictures];
            let x: Vec<u8> = numbers(step + 11, 16).iter().flat_map(|x| (2.0 * x).to_le_bytes()).collect();
            let frame = FrameInfo { run: 1, step, ms: 1.0, image_shape: [3, 3], preview: false, parts };
            film.push(&frame, vec![x, vec![0; 36]]).expect("a sound frame");
        }
        let run = IdealRun::beside(&film, 0, known.clone(), is_flow).expect("a complete film");
        assert_eq!(run.steps.len(), steps + 1);
        assert!(run.own_distance() < 1e-3, "{}", run.own_distance());
        assert!(run.of_network.1 > 0.1 && run.usual_distance > 0.1);
        assert_eq!(run.latents(steps).len(), 2 + NEAREST);
    }
}

#[test]
fn weights_are_those_of_the_process() {
    let (signal, noise) = weights(0.8, false);
    assert!((signal * signal + noise * noise - 1.0).abs() < 1e-12);
    // σ = 0.25: ᾱ = 0.75² / (0.75² + 0.25²)
    let (signal, noise) = weights(0.5625 / 0.625, true);
    assert!((signal - 0.75).abs() < 1e-12 && (noise - 0.25).abs() < 1e-12);
}
