//! The tour's formulas of flow matching and of experiments on a model, computed from the code and beside it.

use super::support::{max_difference, random, tensor, values};
use super::{assert_close, model_folder, root, shipped_config, shipped_model};
use burn::tensor::Tensor;
use ditscope_config::{DiffusionConfig, ModelConfig, Paint, PredictionType, SamplerKind};
use ditscope_core::diffusion::prediction::{Prediction, predict, q_sample, training_target};
use ditscope_core::diffusion::sampler::{Sampler, SamplerConfig};
use ditscope_core::generate::{Noise, Request, Run, between};
use ditscope_model_dir as model_dir;
use ditscope_noise::gaussian as draw;
use ditscope_page_state::forward::shares;
use ditscope_page_state::lab::ideal::Known;
use ditscope_schedule::{NoiseSchedule, training_schedule};
use ditscope_tensor_file::{LATENTS_DATA, LATENTS_FILE, LatentSet};

formulas! {
    flow_path flow_velocity flow_x0 euler_step
    repaint ddim_inversion spherical
    class_shares variational_bound
    ideal_denoiser ideal_weights
}

const SHAPE: [usize; 4] = [1, 4, 8, 8];

/// Of a shipped flow model.
fn flow() -> DiffusionConfig {
    let config: ModelConfig = model_dir::read_config(&root().join("assets/models/avatars")).expect("a configuration");
    assert_eq!(config.scheduler.prediction_type, PredictionType::FlowPrediction);
    config.scheduler
}

/// Number by number in f64, on the side of the formula.
fn by_number(all: &[&Tensor<4>], f: impl Fn(&[f64]) -> f64) -> Tensor<4> {
    let columns: Vec<Vec<f32>> = all.iter().map(|one| values((*one).clone())).collect();
    let one = |i: usize| f(&columns.iter().map(|column| f64::from(column[i])).collect::<Vec<f64>>()) as f32;
    tensor((0..columns[0].len()).map(one).collect(), all[0].dims())
}

fn assert_same(found: Tensor<4>, expected: Tensor<4>) {
    let difference = max_difference(found, expected);
    assert!(difference < 2e-5, "off by {difference}");
}

/// σ at an index of the process.
fn sigma(schedule: &NoiseSchedule, i: usize) -> f64 {
    schedule.q_sample_factors(i).1
}

fn flow_path() {
    let (schedule, x0, eps) = (training_schedule(&flow()), random(1, SHAPE), random(2, SHAPE));
    for i in [0, 250, 499, 999] {
        let sigma = sigma(&schedule, i);
        assert_close("σ", sigma, (i + 1) as f64 / 1000.0, 1e-9);
        let expected = by_number(&[&x0, &eps], |v| (1.0 - sigma) * v[0] + sigma * v[1]);
        assert_same(q_sample(&schedule, i, x0.clone(), eps.clone()), expected);
    }
}

fn flow_velocity() {
    let (x0, eps) = (random(1, SHAPE), random(2, SHAPE));
    let scalar = |value: f32| tensor(vec![value], [1, 1, 1, 1]);
    let found = training_target(flow().prediction_type, x0.clone(), eps.clone(), scalar(0.7), scalar(0.3));
    assert_same(found, by_number(&[&eps, &x0], |v| v[0] - v[1]));
}

fn flow_x0() {
    let (config, x, v) = (flow(), random(1, SHAPE), random(2, SHAPE));
    let schedule = training_schedule(&config);
    for i in [0, 250, 499, 999] {
        let expected = by_number(&[&x, &v], |n| n[0] - sigma(&schedule, i) * n[1]);
        assert_same(predict(&config, &schedule, i, x.clone(), v.clone()).x0_hat, expected);
    }
}

fn euler_step() {
    let config = flow();
    let mut sampler = Sampler::new(&config, SamplerConfig::new(SamplerKind::Euler, 14)).expect("a valid sampler");
    let (x, v) = (random(1, SHAPE), random(2, SHAPE));
    for step in 0..14 {
        let (from, to) = (sampler.weights(step).1, if step < 13 { sampler.weights(step + 1).1 } else { 0.0 });
        let x0_hat = by_number(&[&x, &v], |n| n[0] - from * n[1]);
        let eps = by_number(&[&x, &v], |n| n[0] + (1.0 - from) * n[1]);
        let found = Prediction { x0_hat, eps, variance_logits: None };
        let expected = by_number(&[&x, &v], |n| n[0] + (to - from) * n[1]);
        assert_same(sampler.step(step, x.clone(), found, || unreachable!("no noise is drawn")), expected);
    }
}

/// The boot that the tour speaks of, in few steps.
fn boot() -> Request {
    Request {
        classes: vec![9],
        noise: Noise::Seeded(vec![9]),
        guidance_scales: vec![2.0],
        guidance_channels: None,
        sampler: SamplerConfig::new(SamplerKind::Ddim, 10),
        start: None,
    }
}

/// The noise for what is kept has streams of its own (`ditscope_core::generate`).
const KEPT: u64 = 1 << 32;

/// The first step of a painting beside that of a plain run from the same noise.
fn repaint() {
    let model = shipped_model();
    let x0 = random(5, SHAPE);
    let mask: Vec<bool> = (0..64).map(|i| i % 8 < 4).collect();
    let paint = Paint { mask: mask.clone(), jump_length: 3, resamplings: 1 };
    let mut plain = Run::new(&model, boot()).expect("valid");
    plain.step().expect("a step");
    let mut painted = Run::new(&model, boot()).expect("valid").painting(&paint, x0.clone()).expect("valid");
    painted.step().expect("a step");
    let ab = painted.sampler().alpha_bar(1);
    let m = tensor((0..256).map(|i| f32::from(mask[i % 64])).collect(), SHAPE);
    let eps = tensor(draw(9, KEPT + 1, 256), SHAPE);
    let expected = by_number(&[&m, plain.x_t(), &x0, &eps], |v| {
        v[0] * v[1] + (1.0 - v[0]) * (ab.sqrt() * v[2] + (1.0 - ab).sqrt() * v[3])
    });
    assert_same(painted.x_t().clone(), expected);
}

/// It takes a step of DDIM back, if the noise that is seen is the same on both sides.
fn ddim_inversion() {
    let config = DiffusionConfig { clip_sample_range: None, ..shipped_config().scheduler };
    let mut sampler = Sampler::new(&config, SamplerConfig::new(SamplerKind::Ddim, 30)).expect("a valid sampler");
    let (x_t, eps) = (random(1, SHAPE), random(2, SHAPE));
    for step in [3, 15, 28] {
        let (ab, before) = (sampler.alpha_bar(step), sampler.alpha_bar(step + 1));
        let x0_hat = by_number(&[&x_t, &eps], |v| (v[0] - (1.0 - ab).sqrt() * v[1]) / ab.sqrt());
        let found = Prediction { x0_hat, eps: eps.clone(), variance_logits: None };
        let after = sampler.step(step, x_t.clone(), found, || unreachable!("DDIM draws no noise"));
        let back = by_number(&[&after, &eps], |v| {
            ab.sqrt() * (v[0] - (1.0 - before).sqrt() * v[1]) / before.sqrt() + (1.0 - ab).sqrt() * v[1]
        });
        assert_same(back, x_t.clone());
    }
}

fn spherical() {
    let [from, to] = [9, 10].map(|seed| draw(seed, 0, 256));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let phi = (dot(&from, &to) / (dot(&from, &from).sqrt() * dot(&to, &to).sqrt())).acos();
    for w in [0.0, 0.3, 0.5, 1.0] {
        let (a, b) = (((1.0 - w) * phi).sin() / phi.sin(), (w * phi).sin() / phi.sin());
        let found = between(9, 10, w, 256);
        for ((from, to), found) in from.iter().zip(&to).zip(&found) {
            assert!((a * f64::from(*from) + b * f64::from(*to) - f64::from(*found)).abs() < 1e-5);
        }
        // It stays about as long as noise is.
        assert_close("length", dot(&found, &found).sqrt(), 16.0, 0.15);
    }
}

fn class_shares() {
    let means = [0.21, 0.2, 0.35];
    let weights = means.map(|mean: f64| (-mean * 256.0).exp());
    for (found, weight) in shares(&means, 256).into_iter().zip(weights) {
        assert_close("share", found, weight / weights.iter().sum::<f64>(), 1e-9);
    }
    // The shipped model finds the noise in its own boot best if it is told that it is one.
    let model = shipped_model();
    let mut run = Run::new(&model, boot()).expect("a valid request");
    while !run.is_done() {
        run.step().expect("a step");
    }
    let classes: Vec<usize> = (0..10).collect();
    let mut means = vec![0.0; 10];
    for (seed, t) in [150, 350, 550, 750].into_iter().enumerate() {
        let errors = model.class_errors(run.x_t().clone(), t, seed as u64, &classes).expect("valid");
        let errors = errors.into_data().try_into_vec::<f32>().expect("f32");
        means.iter_mut().zip(errors).for_each(|(sum, error)| *sum += f64::from(error) / 4.0);
    }
    let shares = shares(&means, 256);
    assert!(shares[9] > 0.5, "{shares:?}");
}

/// The KL divergence of two normal distributions with the posterior's variance, their means from x0 and from x̂0.
fn variational_bound() {
    let schedule = training_schedule(&shipped_config().scheduler);
    for i in [1, 100, 482, 900] {
        let of_x0 = schedule.posterior_mean_factors(i).0;
        let variance = schedule.posterior_log_variance_clipped[i].exp();
        let formula = 0.5 * (schedule.snr(i - 1) - schedule.snr(i));
        assert_close("weight of ‖x₀ − x̂₀‖²", of_x0.powi(2) / (2.0 * variance), formula, 1e-6);
    }
}

fn known() -> (Known, Vec<Vec<f64>>) {
    let file = |name: &str| std::fs::read(model_folder().join(name)).expect("training latents");
    let text = String::from_utf8(file(LATENTS_FILE)).expect("JSON");
    let set = LatentSet::read(&text, &file(LATENTS_DATA)).expect("sound latents");
    let known = Known::of(&set, 9).expect("boots");
    let all = (0..known.count()).map(|i| known.latent(i).iter().map(|v| f64::from(*v)).collect()).collect();
    (known, all)
}

/// The weights as the formula has them, in the order of the training pictures.
fn weights(x_t: &[f64], all: &[Vec<f64>], ab: f64) -> Vec<f64> {
    let square = |x: &Vec<f64>| x_t.iter().zip(x).map(|(a, b)| (a - ab.sqrt() * b).powi(2)).sum::<f64>();
    let logs: Vec<f64> = all.iter().map(|x| -square(x) / (2.0 * (1.0 - ab))).collect();
    // Otherwise all would be 0 in f64.
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
    exps.iter().map(|exp| exp / exps.iter().sum::<f64>()).collect()
}

fn noisy(all: &[Vec<f64>], ab: f64) -> Vec<f32> {
    let eps = draw(9, 0, all[7].len());
    all[7].iter().zip(eps).map(|(x, eps)| (ab.sqrt() * x + (1.0 - ab).sqrt() * f64::from(eps)) as f32).collect()
}

fn ideal_denoiser() {
    let (known, all) = known();
    for ab in [0.001, 0.1, 0.5, 0.9] {
        let x_t = noisy(&all, ab);
        let x: Vec<f64> = x_t.iter().map(|v| f64::from(*v)).collect();
        let weights = weights(&x, &all, ab);
        let found = known.denoise(&x_t, (ab.sqrt(), (1.0 - ab).sqrt())).x0_hat;
        for (n, found) in found.iter().enumerate() {
            let expected: f64 = all.iter().zip(&weights).map(|(x, w)| w * x[n]).sum();
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{found}, {expected}");
        }
    }
}

fn ideal_weights() {
    let (known, all) = known();
    for ab in [0.001, 0.1, 0.5, 0.9] {
        let x_t = noisy(&all, ab);
        let x: Vec<f64> = x_t.iter().map(|v| f64::from(*v)).collect();
        let weights = weights(&x, &all, ab);
        for (i, share) in known.denoise(&x_t, (ab.sqrt(), (1.0 - ab).sqrt())).nearest {
            assert!((share - weights[i]).abs() < 1e-6, "{share}, {}", weights[i]);
        }
    }
}
