//! What the controls say of the ends of their sliders, of the shipped model.

use super::shipped_model;
use super::support::values;
use ditscope_config::SamplerKind;
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run};

/// Where `ditscope_words::hints` says so: from this guidance scale on, and in no more steps.
const HIGH_GUIDANCE: f64 = 7.0;
const FEW_STEPS: usize = 2;

const SANDAL: usize = 5;
const BOOT: usize = 9;

/// Eight pictures as brightness from 0 to 255.
fn pictures(model: &Model, class: usize, guidance_scale: f64, steps: usize) -> Vec<Vec<f64>> {
    let request = Request {
        classes: vec![class; 8],
        noise: Noise::Seeded((1..=8).collect()),
        guidance_scales: vec![guidance_scale],
        guidance_channels: None,
        sampler: SamplerConfig::new(SamplerKind::Ddim, steps),
        start: None,
    };
    let mut run = Run::new(model, request).expect("a valid request");
    while !run.is_done() {
        run.step().expect("a step");
    }
    let bright: Vec<f64> =
        values(model.decode(run.x_t().clone())).into_iter().map(|v| (f64::from(v) + 1.0) * 127.5).collect();
    bright.chunks_exact(bright.len() / 8).map(<[f64]>::to_vec).collect()
}

/// The share of pixels that are at least so bright.
fn share(pictures: &[Vec<f64>], least: f64) -> f64 {
    let all = pictures.concat();
    all.iter().filter(|bright| **bright >= least).count() as f64 / all.len() as f64
}

/// The mean root mean square difference of two of the pictures.
fn apart(pictures: &[Vec<f64>]) -> f64 {
    let distance =
        |a: &[f64], b: &[f64]| (a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len() as f64).sqrt();
    let pairs = (0..pictures.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let distances: Vec<f64> = pairs.map(|(i, j)| distance(&pictures[i], &pictures[j])).collect();
    distances.iter().sum::<f64>() / distances.len() as f64
}

#[test]
fn high_guidance_thins_sandals_and_makes_them_glare() {
    let model = shipped_model();
    let [usual, high] = [2.0, HIGH_GUIDANCE].map(|scale| pictures(&model, SANDAL, scale, 30));
    assert!(share(&high, 32.0) < 0.7 * share(&usual, 32.0), "{} of {}", share(&high, 32.0), share(&usual, 32.0));
    assert!(share(&high, 250.0) > 2.0 * share(&usual, 250.0));
}

#[test]
fn in_few_steps_the_seed_hardly_matters() {
    let model = shipped_model();
    for class in [BOOT, SANDAL, 0] {
        let [few, usual] = [FEW_STEPS, 30].map(|steps| apart(&pictures(&model, class, 2.0, steps)));
        assert!(few < 0.5 * usual, "class {class}: {few} and {usual}");
    }
}
