//! Conversions between ε, x0 and v, the samplers, the learned variance, guidance.

use crate::cases;
use crate::support::{max_difference, random, tensor, values};
use burn::tensor::Tensor;
use ditscope_config::{
    BetaSchedule, Clipping, ConfigError, DiffusionConfig, PredictionType, SamplerKind, TimestepSpacing, VarianceType,
};
use ditscope_core::diffusion::guidance::classifier_free_guidance;
use ditscope_core::diffusion::prediction::{LogVariance, log_variance, predict, q_sample, training_target};
use ditscope_core::diffusion::sampler::{Sampler, SamplerConfig};
use ditscope_schedule::training_schedule;
use proptest::prelude::*;

const SHAPE: [usize; 4] = [2, 3, 2, 2];

fn diffusion(kind: BetaSchedule, prediction_type: PredictionType) -> DiffusionConfig {
    DiffusionConfig::new(kind, prediction_type, VarianceType::FixedSmall)
}

fn beta_schedule() -> impl Strategy<Value = BetaSchedule> {
    prop_oneof![Just(BetaSchedule::Linear), Just(BetaSchedule::Cosine)]
}

fn prediction_type() -> impl Strategy<Value = PredictionType> {
    let all = [PredictionType::Epsilon, PredictionType::Sample, PredictionType::VPrediction];
    prop::sample::select(all.to_vec())
}

fn scalar(value: f64) -> Tensor<4> {
    tensor(vec![value as f32; SHAPE[0]], [SHAPE[0], 1, 1, 1])
}

/// Runs a sampler with a network that knows x0, from noise to the end.
fn run_with_oracle(config: &DiffusionConfig, sampler: SamplerConfig, x0: &Tensor<4>) -> Tensor<4> {
    let mut sampler = Sampler::new(config, sampler).expect("a valid sampler");
    let mut x_t = random(77, SHAPE);
    for step in 0..sampler.num_steps() {
        let i = sampler.index(step);
        let output = oracle(config, &sampler, i, x_t.clone(), x0.clone());
        let prediction = predict(config, sampler.schedule(), i, x_t.clone(), output);
        x_t = sampler.step(step, x_t, prediction, || random(1000 + step as u64, SHAPE));
    }
    x_t
}

/// What a perfect network puts out when the clean sample is `x0`.
fn oracle(config: &DiffusionConfig, sampler: &Sampler, i: usize, x_t: Tensor<4>, x0: Tensor<4>) -> Tensor<4> {
    let (signal, noise) = sampler.schedule().q_sample_factors(i);
    let eps = (x_t - x0.clone() * signal) / noise;
    training_target(config.prediction_type, x0, eps, scalar(signal), scalar(noise))
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn predictions_undo_the_forward_process(
        kind in beta_schedule(), prediction in prediction_type(), i in 0..1000usize, seed in any::<u64>(),
    ) {
        let config = diffusion(kind, prediction);
        let schedule = training_schedule(&config);
        let (signal, noise) = schedule.q_sample_factors(i);
        let (x0, eps) = (random(seed, SHAPE), random(!seed, SHAPE));
        let x_t = q_sample(&schedule, i, x0.clone(), eps.clone());
        let target = training_target(prediction, x0.clone(), eps.clone(), scalar(signal), scalar(noise));
        let found = predict(&config, &schedule, i, x_t, target);
        // Dividing by a small factor enlarges the rounding of f32; elsewhere 1e-4 holds.
        let (of_x0, of_eps) = (1e-4f64.max(2e-6 / signal), 1e-4f64.max(2e-6 / noise));
        prop_assert!(max_difference(found.x0_hat, x0) <= of_x0);
        prop_assert!(max_difference(found.eps, eps) <= of_eps);
        prop_assert!(found.variance_logits.is_none());
    }

    #[test]
    fn a_clamped_prediction_stays_consistent_with_x_t(
        prediction in prediction_type(), i in 100..900usize, seed in any::<u64>(), range in 0.1..2.0f64,
    ) {
        let config =
            DiffusionConfig { clip_sample_range: Some(range), ..diffusion(BetaSchedule::Linear, prediction) };
        let schedule = training_schedule(&config);
        let x_t = random(seed, SHAPE);
        let found = predict(&config, &schedule, i, x_t.clone(), random(!seed, SHAPE));
        prop_assert!(values(found.x0_hat.clone()).iter().all(|v| f64::from(v.abs()) <= range + 1e-6));
        prop_assert!(max_difference(q_sample(&schedule, i, found.x0_hat, found.eps), x_t) < 1e-4);
    }

    /// diffusers' way: x̂0 is clamped, ε stays the network's, and two of its samplers do not clamp at all.
    #[test]
    fn a_clamp_as_diffusers_has_it_leaves_eps_alone(
        prediction in prediction_type(), i in 100..900usize, seed in any::<u64>(), range in 0.01..0.5f64,
    ) {
        let plain = diffusion(BetaSchedule::Linear, prediction);
        let clipped =
            DiffusionConfig { clip_sample_range: Some(range), clipping: Clipping::Diffusers, ..plain.clone() };
        let (schedule, x_t, output) = (training_schedule(&plain), random(seed, SHAPE), random(!seed, SHAPE));
        let read = |config: &DiffusionConfig| predict(config, &schedule, i, x_t.clone(), output.clone());
        let (before, after) = (read(&plain), read(&clipped));
        prop_assert_eq!(max_difference(after.eps, before.eps), 0.0);
        prop_assert_eq!(max_difference(after.x0_hat, before.x0_hat.clone().clamp(-range, range)), 0.0);
        for kind in SamplerKind::DIFFUSION {
            let clamps = matches!(kind, SamplerKind::Ddim | SamplerKind::Ddpm);
            let sampler = Sampler::new(&clipped, SamplerConfig::new(kind, 10)).expect("a valid sampler");
            prop_assert_eq!(sampler.process().clip_sample_range, clamps.then_some(range), "{}", kind.name());
            let ours = DiffusionConfig { clipping: Clipping::Consistent, ..clipped.clone() };
            let sampler = Sampler::new(&ours, SamplerConfig::new(kind, 10)).expect("a valid sampler");
            prop_assert_eq!(sampler.process(), &ours);
        }
    }

    #[test]
    fn every_sampler_lands_on_x0_with_a_perfect_network(
        kind in beta_schedule(), prediction in prediction_type(), steps in 1..40usize, seed in any::<u64>(),
    ) {
        let config = diffusion(kind, prediction);
        let x0 = random(seed, SHAPE);
        for sampler in SamplerKind::DIFFUSION {
            let end = run_with_oracle(&config, SamplerConfig::new(sampler, steps), &x0);
            let difference = max_difference(end, x0.clone());
            // One step from the cosine's end divides by √ᾱ = 5e-5.
            let tolerance = if steps == 1 { 3e-2 } else { 1e-3 };
            prop_assert!(difference <= tolerance, "{}: off by {} after {} steps", sampler.name(), difference, steps);
        }
    }

    #[test]
    fn the_first_step_of_dpm_solver_is_ddims(
        kind in beta_schedule(), steps in prop::sample::select(&[2, 4, 5, 8, 10, 20, 25, 40][..]), seed in any::<u64>(),
    ) {
        let config = diffusion(kind, PredictionType::VPrediction);
        let (x_t, output) = (random(seed, SHAPE), random(!seed, SHAPE));
        let first = |kind| {
            // Both visit the same timesteps and go from each to the next, as these numbers divide 1000.
            let spacing = Some(TimestepSpacing::Trailing);
            let config_of = SamplerConfig { spacing, ..SamplerConfig::new(kind, steps) };
            let mut sampler = Sampler::new(&config, config_of).expect("a valid sampler");
            let prediction = predict(&config, sampler.schedule(), sampler.index(0), x_t.clone(), output.clone());
            sampler.step(0, x_t.clone(), prediction, || unreachable!("neither asks for noise"))
        };
        prop_assert!(max_difference(first(SamplerKind::Ddim), first(SamplerKind::DpmSolverPlusPlus)) < 1e-4);
    }

    #[test]
    fn ddim_with_eta_one_is_ddpm_with_the_small_variance(
        kind in beta_schedule(), steps in 2..40usize, at in any::<usize>(), seed in any::<u64>(),
    ) {
        let config = diffusion(kind, PredictionType::VPrediction);
        let (x_t, output, noise) = (random(seed, SHAPE), random(!seed, SHAPE), random(seed ^ 5, SHAPE));
        let step = at % steps;
        let taken = |kind| {
            let config_of = SamplerConfig { eta: 1.0, ..SamplerConfig::new(kind, steps) };
            let mut sampler = Sampler::new(&config, config_of).expect("a valid sampler");
            let prediction = predict(&config, sampler.schedule(), sampler.index(step), x_t.clone(), output.clone());
            sampler.step(step, x_t.clone(), prediction, || noise.clone())
        };
        prop_assert!(max_difference(taken(SamplerKind::Ddim), taken(SamplerKind::Ddpm)) < 1e-4);
    }

    #[test]
    fn the_learned_variance_spans_its_two_bounds(kind in beta_schedule(), i in 0..1000usize) {
        let schedule = training_schedule(&diffusion(kind, PredictionType::Epsilon));
        let learned = |v: f32| {
            let logits = Some(tensor(vec![v; 24], SHAPE));
            match log_variance(VarianceType::LearnedRange, &schedule, i, logits) {
                LogVariance::Learned(log) => f64::from(values(log)[0]),
                LogVariance::Fixed(_) => f64::NAN,
            }
        };
        let (small, large) = (schedule.posterior_log_variance_clipped[i], schedule.betas[i].ln());
        prop_assert!((learned(-1.0) - small).abs() < 1e-5);
        prop_assert!((learned(1.0) - large).abs() < 1e-5);
        prop_assert!((learned(0.0) - 0.5 * (small + large)).abs() < 1e-5);
    }

    #[test]
    fn guidance_interpolates_and_extrapolates_the_first_channels(
        seed in any::<u64>(), scale in -3.0..12.0f64, channels in 1..=3usize,
    ) {
        let (cond, uncond) = (random(seed, SHAPE), random(!seed, SHAPE));
        let guided = |scale, channels| classifier_free_guidance(cond.clone(), uncond.clone(), &[scale], channels);
        prop_assert!(max_difference(guided(1.0, 3), cond.clone()) < 1e-6);
        prop_assert!(max_difference(guided(0.0, 3), uncond.clone()) < 1e-6);
        let (some, all) = (guided(scale, channels), guided(scale, 3));
        let expected = uncond.clone() + (cond.clone() - uncond.clone()) * scale;
        prop_assert!(max_difference(all.clone(), expected) < 1e-5);
        let first = |t: Tensor<4>| t.narrow(1, 0, channels);
        prop_assert_eq!(max_difference(first(some.clone()), first(all)), 0.0);
        if channels < 3 {
            let rest = |t: Tensor<4>| t.narrow(1, channels, 3 - channels);
            prop_assert_eq!(max_difference(rest(some), rest(cond)), 0.0);
        }
    }
}

/// x0 ~ N(0, s²): the best x̂0 is linear in x_t and the probability-flow ODE has a closed solution,
/// x_t/√(ᾱs² + 1 − ᾱ) = const, so the error of a solver can be seen to fall with the number of steps.
#[test]
fn the_second_order_solvers_converge_faster_than_ddim() {
    const S: f64 = 0.5;
    let config = diffusion(BetaSchedule::Cosine, PredictionType::Sample);
    let error = |kind, steps| {
        let spacing = Some(TimestepSpacing::Trailing);
        let mut sampler = Sampler::new(&config, SamplerConfig { spacing, ..SamplerConfig::new(kind, steps) })
            .expect("a valid sampler");
        let scale = |ab: f64| (ab * S * S + 1.0 - ab).sqrt();
        let mut x_t = random(9, SHAPE);
        let exact = x_t.clone() * (S / scale(sampler.alpha_bar(0)));
        for step in 0..steps {
            let (i, ab) = (sampler.index(step), sampler.alpha_bar(step));
            let output = x_t.clone() * (ab.sqrt() * S * S / scale(ab).powi(2));
            let prediction = predict(&config, sampler.schedule(), i, x_t.clone(), output);
            x_t = sampler.step(step, x_t, prediction, || unreachable!("none of them asks for noise"));
        }
        max_difference(x_t, exact)
    };
    for steps in [10, 20] {
        let [ddim, dpm, unipc] =
            [SamplerKind::Ddim, SamplerKind::DpmSolverPlusPlus, SamplerKind::UniPc].map(|kind| error(kind, steps));
        println!("{steps} steps: DDIM {ddim:.1e}, DPM-Solver++ {dpm:.1e}, UniPC {unipc:.1e}");
        assert!(dpm < 0.5 * ddim && unipc < 0.5 * ddim, "{steps} steps: {ddim}, {dpm}, {unipc}");
        // With more steps both are near, and either may be ahead.
        assert!(steps > 10 || unipc < dpm, "the corrector helps: {unipc}, {dpm}");
    }
}

#[test]
fn ddim_with_eta_zero_asks_for_no_noise_and_ddpm_not_at_its_last_step() {
    let config = diffusion(BetaSchedule::Linear, PredictionType::Epsilon);
    let asked = |sampler: SamplerConfig| {
        let mut sampler = Sampler::new(&config, sampler).expect("a valid sampler");
        let mut asked = Vec::new();
        for step in 0..sampler.num_steps() {
            let x_t = random(1, SHAPE);
            let prediction = predict(&config, sampler.schedule(), sampler.index(step), x_t.clone(), random(2, SHAPE));
            let mut here = false;
            sampler.step(step, x_t, prediction, || {
                here = true;
                random(3, SHAPE)
            });
            asked.push(here);
        }
        asked
    };
    assert_eq!(asked(SamplerConfig::new(SamplerKind::Ddim, 4)), [false; 4]);
    assert_eq!(asked(SamplerConfig::new(SamplerKind::DpmSolverPlusPlus, 4)), [false; 4]);
    assert_eq!(asked(SamplerConfig::new(SamplerKind::UniPc, 4)), [false; 4]);
    assert_eq!(asked(SamplerConfig::new(SamplerKind::Ddpm, 4)), [true, true, true, false]);
    let noisy = SamplerConfig { eta: 0.5, ..SamplerConfig::new(SamplerKind::Ddim, 4) };
    assert_eq!(asked(noisy), [true, true, true, false]);
}

/// diffusers' DDPM asks whether t > 0, and its DDIM goes on to ᾱ of the first timestep without `set_alpha_to_one`.
#[test]
fn the_last_step_of_a_spacing_of_diffusers_is_as_noisy_as_there() {
    let last = |kind, spacing, change: fn(&mut DiffusionConfig)| {
        let mut config = diffusion(BetaSchedule::Linear, PredictionType::Epsilon);
        change(&mut config);
        let config_of = SamplerConfig { spacing: Some(spacing), eta: 0.5, ..SamplerConfig::new(kind, 4) };
        let sampler = Sampler::new(&config, config_of).expect("a valid sampler");
        let (x_t, output) = (random(1, SHAPE), random(2, SHAPE));
        let prediction = predict(&config, sampler.schedule(), 0, x_t.clone(), output);
        let step = |noise: f32| {
            let noise = tensor(vec![noise; SHAPE.iter().product()], SHAPE);
            sampler.clone().step(3, x_t.clone(), prediction.clone(), || noise.clone())
        };
        max_difference(step(1.0), step(0.0))
    };
    use SamplerKind::{Ddim, Ddpm};
    use TimestepSpacing::{Leading, Linspace, Trailing, Uniform};
    let large = |config: &mut DiffusionConfig| config.variance_type = VarianceType::FixedLarge;
    // β of the step from t = 249 to the picture is 1 − ᾱ there.
    let beta = 1.0 - training_schedule(&diffusion(BetaSchedule::Linear, PredictionType::Epsilon)).alphas_cumprod[249];
    assert!((last(Ddpm, Trailing, large) - beta.sqrt()).abs() < 1e-5);
    assert!(
        last(Ddpm, Leading, |config| (config.steps_offset, config.variance_type) = (1, VarianceType::FixedLarge))
            > 0.01
    );
    for spacing in [Uniform, Leading, Linspace] {
        assert_eq!(last(Ddpm, spacing, large), 0.0, "{spacing:?} ends at t = 0");
    }
    assert_eq!(last(Ddpm, Trailing, |_| {}), 0.0, "the small variance is none there");
    assert_eq!(last(Ddim, Trailing, |_| {}), 0.0);
    assert!(last(Ddim, Trailing, |config| config.set_alpha_to_one = false) > 1e-3);
}

#[test]
fn an_eta_outside_its_range_is_refused() {
    let config = diffusion(BetaSchedule::Linear, PredictionType::Epsilon);
    for eta in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let refused = Sampler::new(&config, SamplerConfig { eta, ..SamplerConfig::new(SamplerKind::Ddim, 4) });
        assert!(matches!(refused, Err(ConfigError::OutOfRange { name: "eta", .. })), "{eta}");
    }
}
