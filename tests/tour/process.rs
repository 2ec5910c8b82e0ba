//! The tour's formulas of noise, the forward and the reverse process, training, guidance and samplers, computed from
//! the code and beside it. The papers' t = 1 to 1000 is index t − 1 here.

use super::support::{max_difference, random, tensor, values};
use super::{assert_close, shipped_config, shipped_model};
use burn::tensor::{Int, Tensor, TensorData};
use clap::Parser;
use ditscope_cli::train::dit::DitOptions;
use ditscope_config::{DiffusionConfig, PredictionType, SamplerKind};
use ditscope_core::diffusion::guidance::classifier_free_guidance;
use ditscope_core::diffusion::prediction::{Prediction, eps_of_output, predict, q_sample, training_target};
use ditscope_core::diffusion::sampler::{Sampler, SamplerConfig};
use ditscope_core::generate::{Guidance, Model, Noise, Request, Run};
use ditscope_noise::{self as noise, gaussian as draw};
use ditscope_schedule::NoiseSchedule;
use ditscope_schedule::training_schedule;
use std::f64::consts::{FRAC_PI_2, PI};

formulas! {
    gaussian box_muller forward_step alpha_bar forward_jump cosine snr
    loss label_dropout min_snr v_target eps_of_v
    x0_hat posterior_mean posterior_variance ddpm_step
    guidance guidance_weight
    ddim_step ddim_sigma lambda dpm_solver dpm_data
}

const SHAPE: [usize; 4] = [2, 4, 8, 8];

/// A step in the middle of a run.
const STEP: usize = 10;

/// Of a network that answers with noise; without the clamp, which the formulas do not have.
fn diffusion() -> DiffusionConfig {
    let prediction_type = PredictionType::Epsilon;
    DiffusionConfig { clip_sample_range: None, prediction_type, ..shipped_config().scheduler }
}

fn schedule() -> NoiseSchedule {
    training_schedule(&diffusion())
}

fn sampler(kind: SamplerKind, eta: f64) -> Sampler {
    Sampler::new(&diffusion(), SamplerConfig { eta, ..SamplerConfig::new(kind, 30) }).expect("a valid sampler")
}

/// Number by number in f64, on the side of the formula.
fn by_number(a: &Tensor<4>, b: &Tensor<4>, f: impl Fn(f64, f64) -> f64) -> Tensor<4> {
    let pairs = values(a.clone()).into_iter().zip(values(b.clone()));
    tensor(pairs.map(|(a, b)| f(f64::from(a), f64::from(b)) as f32).collect(), a.dims())
}

fn assert_same(found: Tensor<4>, expected: Tensor<4>) {
    let difference = max_difference(found, expected);
    assert!(difference < 2e-5, "off by {difference}");
}

fn mean_square(x: Tensor<4>) -> f64 {
    let values = values(x);
    values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / values.len() as f64
}

/// x_t and a prediction for it: what a sampler is given.
fn given() -> (Tensor<4>, Prediction) {
    (random(1, SHAPE), Prediction { x0_hat: random(2, SHAPE), eps: random(3, SHAPE), variance_logits: None })
}

fn no_noise() -> Tensor<4> {
    unreachable!("this step draws no noise")
}

fn gaussian() {
    let density = |eps: f64| (-eps * eps / 2.0).exp() / (2.0 * PI).sqrt();
    let drawn = draw(9, 0, 400_000);
    for bin in -12..12 {
        let (from, width) = (f64::from(bin) * 0.25, 0.25);
        // Simpson's rule.
        let share = width / 6.0 * (density(from) + 4.0 * density(from + width / 2.0) + density(from + width));
        let inside = drawn.iter().filter(|v| (from..from + width).contains(&f64::from(**v))).count();
        let error = (share * (1.0 - share) / drawn.len() as f64).sqrt();
        assert!((inside as f64 / drawn.len() as f64 - share).abs() < 5.0 * error, "from {from}: {inside}, {share}");
    }
}

fn box_muller() {
    let mut rng = noise::rng(9, 0);
    for pair in draw(9, 0, 100).chunks_exact(2) {
        let (u1, u2) = (1.0 - noise::uniform(&mut rng), noise::uniform(&mut rng));
        let radius = (-2.0 * u1.ln()).sqrt();
        assert_close("ε₁", f64::from(pair[0]), radius * (2.0 * PI * u2).cos(), 1e-5);
        assert_close("ε₂", f64::from(pair[1]), radius * (2.0 * PI * u2).sin(), 1e-5);
    }
}

/// A thousand small steps leave what the schedule says in one go.
fn forward_step() {
    let schedule = schedule();
    let (mut signal, mut variance) = (1.0, 0.0);
    for (i, beta) in schedule.betas.iter().enumerate() {
        signal *= (1.0 - beta).sqrt();
        variance = (1.0 - beta) * variance + beta;
        let (of_x0, of_eps) = schedule.q_sample_factors(i);
        assert_close("signal", of_x0, signal, 1e-9);
        assert_close("noise", of_eps, variance.sqrt(), 1e-9);
    }
}

fn alpha_bar() {
    let schedule = schedule();
    for t in [1, 2, 100, 500, 1000] {
        let product: f64 = schedule.betas[..t].iter().map(|beta| 1.0 - beta).product();
        assert_close("ᾱ", schedule.alphas_cumprod[t - 1], product, 1e-9);
    }
}

fn forward_jump() {
    let (schedule, x0, eps) = (schedule(), random(1, SHAPE), random(2, SHAPE));
    for i in [0, 172, 482, 999] {
        let ab = schedule.alphas_cumprod[i];
        let expected = by_number(&x0, &eps, |x0, eps| ab.sqrt() * x0 + (1.0 - ab).sqrt() * eps);
        assert_same(q_sample(&schedule, i, x0.clone(), eps.clone()), expected);
        let (signal, noise) = schedule.q_sample_factors(i);
        assert_close("sum of squares", signal * signal + noise * noise, 1.0, 1e-12);
    }
}

fn cosine() {
    let schedule = schedule();
    let f = |t: f64| ((t / 1000.0 + 0.008) / 1.008 * FRAC_PI_2).cos().powi(2);
    for t in 1..1000 {
        assert_close("ᾱ", schedule.alphas_cumprod[t - 1], f(t as f64) / f(0.0), 1e-9);
    }
    assert_close("the last β", schedule.betas[999], 0.999, 1e-12);
}

fn snr() {
    let schedule = schedule();
    for (i, ab) in schedule.alphas_cumprod.iter().enumerate() {
        assert_close("SNR", schedule.snr(i), ab / (1.0 - ab), 1e-12);
    }
}

/// The mean squared error of the noise that a model sees in noisy versions of x0.
fn measured_loss(model: &Model, x0: &Tensor<4>, class: i64) -> f64 {
    let schedule = training_schedule(&model.config.scheduler);
    let [n, _, _, _] = x0.dims();
    let at = |i: usize| {
        let eps = random(i as u64, x0.dims());
        let [signal, noise] = [schedule.q_sample_factors(i).0, schedule.q_sample_factors(i).1].map(scalar);
        let target = training_target(PredictionType::Epsilon, x0.clone(), eps.clone(), signal, noise);
        assert_same(target, eps.clone());
        let y = Tensor::<1, Int>::from_data(TensorData::new(vec![class; n], [n]), &model.device);
        let t = Tensor::full([n], i as f32, &model.device);
        let x_t = q_sample(&schedule, i, x0.clone(), eps.clone());
        let output = model.dit.forward(x_t.clone(), t, y);
        mean_square(eps - eps_of_output(&model.config.scheduler, &schedule, i, x_t, output))
    };
    [150, 350, 550, 750].map(at).iter().sum::<f64>() / 4.0
}

fn scalar(value: f64) -> Tensor<4> {
    tensor(vec![value as f32], [1, 1, 1, 1])
}

/// A fresh network that answers with noise sees none at all, so its loss is the noise's variance, 1; training brings it down.
fn loss() {
    let trained = shipped_model();
    let request = Request {
        classes: vec![9; 4],
        noise: Noise::Seeded(vec![9, 10, 11, 12]),
        guidance_scales: vec![1.0],
        guidance_channels: None,
        sampler: SamplerConfig::new(SamplerKind::Ddim, 10),
        start: None,
    };
    let mut run = Run::new(&trained, request).expect("a valid request");
    while !run.is_done() {
        run.step().expect("a step");
    }
    let x0 = run.x_t().clone();
    let mut config = trained.config.clone();
    config.scheduler.prediction_type = PredictionType::Epsilon;
    let fresh = measured_loss(&Model::new(&config, &trained.device), &x0, 9);
    let numbers = 4.0 * x0.shape().num_elements() as f64;
    assert!((fresh - 1.0).abs() < 5.0 * (2.0 / numbers).sqrt(), "{fresh}");
    let learnt = measured_loss(&trained, &x0, 9);
    assert!(learnt < 0.3, "{learnt}");
}

fn label_dropout() {
    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: DitOptions,
    }
    let arguments = ["dit", "--autoencoder", "a", "--data", "d", "--out", "o"];
    let dropout = Command::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}")).options.class_dropout;
    assert_close("the default", dropout, 0.1, 1e-12);
    let mut rng = noise::rng(9, 0);
    let dropped = (0..100_000).filter(|_| noise::uniform(&mut rng) < dropout).count();
    assert!((dropped as f64 / 1e5 - 0.1).abs() < 5.0 * (0.1 * 0.9 / 1e5f64).sqrt(), "{dropped}");
    // The label for “no class” is one row more in the table of labels.
    let model = shipped_model();
    let rows = model.dit.y_embedder.embedding_table.weight.dims()[0];
    assert_eq!((model.config.transformer.null_label(), rows), (10, 11));
}

/// The weighted error in ε is the error in x̂0, weighted by min(SNR, γ).
fn min_snr() {
    const GAMMA: f64 = 5.0;
    let (config, schedule, x0, eps) = (diffusion(), schedule(), random(1, SHAPE), random(2, SHAPE));
    for i in [50, 172, 482, 792, 950] {
        let weight = schedule.snr(i).min(GAMMA) / schedule.snr(i);
        assert_eq!(weight == 1.0, schedule.snr(i) <= GAMMA);
        let guess = random(3 + i as u64, SHAPE);
        let x_t = q_sample(&schedule, i, x0.clone(), eps.clone());
        let found = predict(&config, &schedule, i, x_t, guess.clone());
        let of_eps = weight * mean_square(guess - eps.clone());
        let of_x0 = schedule.snr(i).min(GAMMA) * mean_square(found.x0_hat - x0.clone());
        assert_close("weighted error", of_eps, of_x0, 1e-3);
    }
}

fn v_target() {
    let (schedule, x0, eps) = (schedule(), random(1, SHAPE), random(2, SHAPE));
    for i in [0, 172, 482, 792, 999] {
        let ab = schedule.alphas_cumprod[i];
        let expected = by_number(&eps, &x0, |eps, x0| ab.sqrt() * eps - (1.0 - ab).sqrt() * x0);
        let [signal, noise] = [ab.sqrt(), (1.0 - ab).sqrt()].map(scalar);
        assert_same(training_target(PredictionType::VPrediction, x0.clone(), eps.clone(), signal, noise), expected);
    }
}

fn eps_of_v() {
    let config = DiffusionConfig { prediction_type: PredictionType::VPrediction, ..diffusion() };
    let (schedule, x_t, v) = (schedule(), random(1, SHAPE), random(2, SHAPE));
    for i in [0, 172, 482, 792, 999] {
        let ab = schedule.alphas_cumprod[i];
        let expected = by_number(&v, &x_t, |v, x_t| ab.sqrt() * v + (1.0 - ab).sqrt() * x_t);
        assert_same(predict(&config, &schedule, i, x_t.clone(), v.clone()).eps, expected);
    }
}

fn x0_hat() {
    let (config, schedule, x_t, eps) = (diffusion(), schedule(), random(1, SHAPE), random(2, SHAPE));
    for i in [0, 172, 482, 792] {
        let ab = schedule.alphas_cumprod[i];
        let expected = by_number(&x_t, &eps, |x_t, eps| (x_t - (1.0 - ab).sqrt() * eps) / ab.sqrt());
        assert_same(predict(&config, &schedule, i, x_t.clone(), eps.clone()).x0_hat, expected);
    }
}

/// Bayes' rule: precisions add up, means are weighted with them.
fn posterior(schedule: &NoiseSchedule, i: usize) -> (f64, f64, f64) {
    let (beta, before) = (schedule.betas[i], schedule.alphas_cumprod_prev[i]);
    let (of_x_t, of_x0) = ((1.0 - beta).sqrt() / beta, before.sqrt() / (1.0 - before));
    let variance = 1.0 / ((1.0 - beta) / beta + 1.0 / (1.0 - before));
    (variance * of_x0, variance * of_x_t, variance)
}

fn posterior_mean() {
    for schedule in [schedule(), sampler(SamplerKind::Ddpm, 0.0).schedule().clone()] {
        for i in 1..schedule.len() {
            let (beta, ab, before) = (schedule.betas[i], schedule.alphas_cumprod[i], schedule.alphas_cumprod_prev[i]);
            let formula = (before.sqrt() * beta / (1.0 - ab), (1.0 - beta).sqrt() * (1.0 - before) / (1.0 - ab));
            let (bayes, code) = (posterior(&schedule, i), schedule.posterior_mean_factors(i));
            for (found, expected) in [(code.0, formula.0), (code.1, formula.1), (bayes.0, code.0), (bayes.1, code.1)] {
                assert_close("factor", found, expected, 1e-6);
            }
        }
    }
}

fn posterior_variance() {
    for schedule in [schedule(), sampler(SamplerKind::Ddpm, 0.0).schedule().clone()] {
        for i in 1..schedule.len() {
            let formula =
                (1.0 - schedule.alphas_cumprod_prev[i]) / (1.0 - schedule.alphas_cumprod[i]) * schedule.betas[i];
            assert_close("β̃", schedule.posterior_log_variance_clipped[i].exp(), formula, 1e-9);
            assert_close("Bayes", posterior(&schedule, i).2, formula, 1e-6);
        }
    }
}

fn ddpm_step() {
    let mut sampler = sampler(SamplerKind::Ddpm, 0.0);
    let ((x_t, found), z) = (given(), random(4, SHAPE));
    let i = sampler.index(STEP);
    let (of_x0, of_x_t, variance) = posterior(sampler.schedule(), i);
    let mean = by_number(&found.x0_hat, &x_t, |x0, x_t| of_x0 * x0 + of_x_t * x_t);
    let expected = by_number(&mean, &z, |mean, z| mean + variance.sqrt() * z);
    assert_same(sampler.step(STEP, x_t.clone(), found.clone(), || z), expected);
    // The last step draws no noise and gives the guess itself.
    assert_same(sampler.step(29, x_t, found.clone(), no_noise), found.x0_hat);
}

fn guidance() {
    let model = shipped_model();
    let (x_t, scale) = (random(1, SHAPE), 3.0);
    let y = Tensor::<1, Int>::from_data(TensorData::new(vec![9i64, 0], [2]), &model.device);
    let (cond, uncond) = model.outputs(x_t.clone(), 482, y.clone(), true);
    let uncond = uncond.expect("guided");
    let expected = by_number(&cond, &uncond, |cond, uncond| uncond + scale * (cond - uncond));
    assert_same(model.guided_output(x_t, 482, y, &Guidance { scales: vec![scale], channels: 4 }), expected);
}

fn guidance_weight() {
    let (cond, uncond) = (random(1, SHAPE), random(2, SHAPE));
    for w in [0.0, 1.0, 6.5] {
        let expected = by_number(&cond, &uncond, |cond, uncond| (1.0 + w) * cond - w * uncond);
        assert_same(classifier_free_guidance(cond.clone(), uncond.clone(), &[1.0 + w], 4), expected);
    }
}

/// DDIM's eq. 16 at the step STEP.
fn sigma(sampler: &Sampler, eta: f64) -> f64 {
    let (schedule, i) = (sampler.schedule(), sampler.index(STEP));
    let (ab, before) = (schedule.alphas_cumprod[i], schedule.alphas_cumprod_prev[i]);
    eta * ((1.0 - before) / (1.0 - ab)).sqrt() * (1.0 - ab / before).sqrt()
}

fn ddim_step() {
    for eta in [0.0, 0.6, 1.0] {
        let mut sampler = sampler(SamplerKind::Ddim, eta);
        let ((x_t, found), z) = (given(), random(4, SHAPE));
        let (sigma, before) = (sigma(&sampler, eta), sampler.alpha_bar(STEP + 1));
        let mean = by_number(&found.x0_hat, &found.eps, |x0, eps| {
            before.sqrt() * x0 + (1.0 - before - sigma * sigma).sqrt() * eps
        });
        let expected = by_number(&mean, &z, |mean, z| mean + sigma * z);
        assert_same(sampler.step(STEP, x_t.clone(), found.clone(), || z), expected);
        assert_same(sampler.step(29, x_t, found.clone(), no_noise), found.x0_hat);
    }
}

/// σ as the noise that a step lets through; at η = 1 it is DDPM's.
fn ddim_sigma() {
    for eta in [0.3, 1.0] {
        let mut sampler = sampler(SamplerKind::Ddim, eta);
        let (x_t, found) = given();
        let mut with =
            |z: f32| sampler.step(STEP, x_t.clone(), found.clone(), || Tensor::full(SHAPE, z, &x_t.device()));
        let through = f64::from(values(with(1.0) - with(0.0))[0]);
        assert_close("σ", through, sigma(&sampler, eta), 1e-4);
        if eta == 1.0 {
            let log_variance = sampler.schedule().posterior_log_variance_clipped[sampler.index(STEP)];
            assert_close("σ² = β̃", sigma(&sampler, eta).powi(2), log_variance.exp(), 1e-9);
        }
    }
}

/// λ = ln(α/σ) at a step of a run.
fn lambda_at(sampler: &Sampler, step: usize) -> f64 {
    let (alpha, sigma) = sampler.schedule().q_sample_factors(sampler.index(step));
    (alpha / sigma).ln()
}

fn lambda() {
    let sampler = sampler(SamplerKind::DpmSolverPlusPlus, 0.0);
    for step in 0..30 {
        let half_log = 0.5 * sampler.schedule().snr(sampler.index(step)).ln();
        assert!((lambda_at(&sampler, step) - half_log).abs() < 1e-9);
    }
}

/// The step with D given: the right side of the tour's formula.
fn towards(sampler: &Sampler, step: usize, x_t: &Tensor<4>, data: &Tensor<4>) -> Tensor<4> {
    let (_, sigma_from) = sampler.schedule().q_sample_factors(sampler.index(step));
    let (alpha_to, sigma_to) = sampler.schedule().q_sample_factors(sampler.index(step + 1));
    let h = lambda_at(sampler, step + 1) - lambda_at(sampler, step);
    by_number(x_t, data, |x_t, d| sigma_to / sigma_from * x_t - alpha_to * ((-h).exp() - 1.0) * d)
}

/// The first step, where D = x̂0, and the last, whose result is D.
fn dpm_solver() {
    let mut sampler = sampler(SamplerKind::DpmSolverPlusPlus, 0.0);
    let (x_t, found) = given();
    let expected = towards(&sampler, 0, &x_t, &found.x0_hat);
    assert_same(sampler.step(0, x_t.clone(), found.clone(), no_noise), expected);
    assert_same(sampler.step(29, x_t, found.clone(), no_noise), found.x0_hat);
}

fn dpm_data() {
    let mut sampler = sampler(SamplerKind::DpmSolverPlusPlus, 0.0);
    let (x_t, before) = given();
    let now = Prediction { x0_hat: random(5, SHAPE), ..before.clone() };
    sampler.step(STEP - 1, x_t.clone(), before.clone(), no_noise);
    let [l0, l1, l2] = [STEP - 1, STEP, STEP + 1].map(|step| lambda_at(&sampler, step));
    let r = (l1 - l0) / (l2 - l1);
    let data = by_number(&now.x0_hat, &before.x0_hat, |now, before| (1.0 + 1.0 / (2.0 * r)) * now - before / (2.0 * r));
    let expected = towards(&sampler, STEP, &x_t, &data);
    assert_same(sampler.step(STEP, x_t, now, no_noise), expected);
}
