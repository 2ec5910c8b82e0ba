//! The straight path of flow matching: conversions, samplers and σ.

use crate::cases;
use crate::support::{max_difference, random, random_model, tensor, tiny_config};
use burn::tensor::Tensor;
use ditscope_config::{
    ConfigError, DiffusionConfig, ModelConfig, PredictionType, RunSettings, SamplerKind, TimestepSpacing,
};
use ditscope_core::diffusion::prediction::{predict, predict_at, q_sample, training_target};
use ditscope_core::diffusion::sampler::{Sampler, SamplerConfig};
use ditscope_core::generate::{Noise, Request, Run};
use ditscope_ops::Ops;
use ditscope_schedule::training_schedule;
use proptest::prelude::*;

const SHAPE: [usize; 4] = [2, 3, 2, 2];
const KINDS: [PredictionType; 2] = [PredictionType::FlowPrediction, PredictionType::SitFlowPrediction];

fn flow(prediction_type: PredictionType) -> DiffusionConfig {
    DiffusionConfig { prediction_type, ..DiffusionConfig::flow() }
}

fn scalar(value: f64) -> Tensor<4> {
    tensor(vec![value as f32; SHAPE[0]], [SHAPE[0], 1, 1, 1])
}

/// A run along the velocity ε − x0 that a function of x_t and σ says.
fn run(config: &DiffusionConfig, sampler: SamplerConfig, velocity: impl Fn(Tensor<4>, f64) -> Tensor<4>) -> Tensor<4> {
    let mut sampler = Sampler::new(config, sampler).expect("a valid sampler");
    let mut x_t = random(77, SHAPE);
    for step in 0..sampler.num_steps() {
        loop {
            let weights = sampler.weights(step);
            let output = velocity(x_t.clone(), weights.1);
            let output = if config.prediction_type == KINDS[0] { output } else { -output };
            let prediction = predict_at(config, weights, x_t.clone(), output);
            x_t = sampler.step(step, x_t, prediction, || unreachable!("neither asks for noise"));
            if !sampler.is_half_way() {
                break;
            }
        }
    }
    x_t
}

fn spacing() -> impl Strategy<Value = TimestepSpacing> {
    prop::sample::select(vec![TimestepSpacing::Uniform, TimestepSpacing::Trailing, TimestepSpacing::Linspace])
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn predictions_undo_the_straight_path(
        kind in prop::sample::select(KINDS.to_vec()), t in 0..1000usize, seed in any::<u64>(),
    ) {
        let config = flow(kind);
        let schedule = training_schedule(&config);
        let (signal, noise) = schedule.q_sample_factors(t);
        prop_assert!((noise - (t + 1) as f64 / 1000.0).abs() < 1e-9 && (signal + noise - 1.0).abs() < 1e-12);
        prop_assert!((schedule.snr(t) - (signal / noise).powi(2)).abs() <= 1e-6 * schedule.snr(t));
        let (x0, eps) = (random(seed, SHAPE), random(!seed, SHAPE));
        let x_t = q_sample(&schedule, t, x0.clone(), eps.clone());
        let target = training_target(kind, x0.clone(), eps.clone(), scalar(signal), scalar(noise));
        let found = predict(&config, &schedule, t, x_t, target);
        prop_assert!(max_difference(found.x0_hat, x0) <= 1e-5);
        prop_assert!(max_difference(found.eps, eps) <= 1e-5);
    }

    /// However many steps, and wherever they are.
    #[test]
    fn both_samplers_are_exact_on_a_straight_line(
        kind in prop::sample::select(KINDS.to_vec()), sampler in prop::sample::select(SamplerKind::FLOW.to_vec()),
        spacing in spacing(), shift in 0.3..6.0f64, steps in 1..40usize, seed in any::<u64>(),
    ) {
        let config = DiffusionConfig { shift, ..flow(kind) };
        let x0 = random(seed, SHAPE);
        let velocity = random(77, SHAPE) - x0.clone();
        let sampler = SamplerConfig { spacing: Some(spacing), ..SamplerConfig::new(sampler, steps) };
        prop_assert!(max_difference(run(&config, sampler, |_, _| velocity.clone()), x0) <= 1e-5);
    }

    /// σ falls from 1, and what the network is told falls or, as SiT has it, rises with it.
    #[test]
    fn a_run_goes_from_noise_to_the_picture(
        spacing in spacing(), shift in 0.3..6.0f64, steps in 1..300usize,
        kind in prop::sample::select(SamplerKind::FLOW.to_vec()),
    ) {
        let config = DiffusionConfig { shift, ..DiffusionConfig::flow() };
        let of = |prediction_type| {
            let config = DiffusionConfig { prediction_type, ..config.clone() };
            let sampler = SamplerConfig { spacing: Some(spacing), ..SamplerConfig::new(kind, steps) };
            Sampler::new(&config, sampler).expect("a valid sampler")
        };
        let [sampler, sit] = KINDS.map(of);
        let schedule = sampler.schedule();
        prop_assert_eq!((schedule.len(), schedule.timesteps[steps - 1]), (steps, 999));
        prop_assert!(schedule.alphas_cumprod.windows(2).all(|pair| pair[0] > pair[1]));
        prop_assert!(schedule.timesteps.is_sorted());
        let (told, told_sit): (Vec<f32>, Vec<f32>) = (sampler.told_from(0).collect(), sit.told_from(0).collect());
        prop_assert_eq!(told.len(), if kind == SamplerKind::Heun { steps + 1 } else { steps });
        prop_assert_eq!((told[0], told_sit[0]), (1000.0, 0.0));
        prop_assert!(told.iter().zip(&told_sit).all(|(a, b)| (a / 1000.0 + b - 1.0).abs() < 1e-6));
    }
}

/// x0 ~ N(0, s²): the velocity is linear in x_t and x_t/√((1−σ)²s² + σ²) is constant along its path, so the error can be seen
/// to fall with the number of steps.
#[test]
fn euler_converges_in_first_order_and_heun_in_second() {
    const S: f64 = 0.5;
    let variance = |sigma: f64| ((1.0 - sigma) * S).powi(2) + sigma * sigma;
    let velocity = |x_t: Tensor<4>, sigma: f64| x_t * ((sigma - (1.0 - sigma) * S * S) / variance(sigma));
    let exact = random(77, SHAPE) * S;
    let error = |kind, steps| {
        max_difference(run(&DiffusionConfig::flow(), SamplerConfig::new(kind, steps), velocity), exact.clone())
    };
    for steps in [10, 20] {
        let [euler, heun] = SamplerKind::FLOW.map(|kind| error(kind, 2 * steps) / error(kind, steps));
        println!("{steps} steps: twice as many leave {euler:.2} of Euler's error, {heun:.2} of Heun's");
        assert!((0.4..0.6).contains(&euler) && (0.2..0.35).contains(&heun), "{steps} steps: {euler}, {heun}");
    }
}

#[test]
fn samplers_are_for_what_is_predicted() {
    let others = [PredictionType::Epsilon, PredictionType::Sample, PredictionType::VPrediction];
    for (kinds, fit, other) in [
        (&others[..], &SamplerKind::DIFFUSION[..], &SamplerKind::FLOW[..]),
        (&KINDS[..], &SamplerKind::FLOW[..], &SamplerKind::DIFFUSION[..]),
    ] {
        for kind in kinds {
            assert!(fit.iter().all(|sampler| kind.check(*sampler).is_ok()));
            for sampler in other {
                let error = kind.check(*sampler).expect_err("it is for others").to_string();
                assert!(error.contains(sampler.name()) && error.contains(fit[0].name()), "{error}");
            }
        }
    }
    let refused = Sampler::new(&DiffusionConfig::flow(), SamplerConfig::new(SamplerKind::Ddim, 4));
    assert!(matches!(refused, Err(ConfigError::OutOfRange { name: "sampler", .. })));
    let leading =
        SamplerConfig { spacing: Some(TimestepSpacing::Leading), ..SamplerConfig::new(SamplerKind::Euler, 4) };
    let refused = Sampler::new(&DiffusionConfig::flow(), leading);
    assert!(matches!(refused, Err(ConfigError::OutOfRange { name: "timestep spacing", .. })));
}

fn tiny_flow(clip_sample_range: Option<f64>) -> ModelConfig {
    let scheduler = DiffusionConfig { clip_sample_range, ..DiffusionConfig::flow() };
    let defaults = RunSettings { sampler: SamplerKind::Euler, ..RunSettings::default() };
    ModelConfig { scheduler, defaults, ..tiny_config() }
}

#[test]
fn a_configuration_holds_together() {
    let config = tiny_flow(None);
    config.validate().expect("a valid configuration");
    let json = serde_json::to_value(&config).expect("JSON");
    assert_eq!(json["scheduler"]["prediction_type"], "flow_prediction");
    assert_eq!(serde_json::from_value::<ModelConfig>(json).ok(), Some(config.clone()));
    type Change = fn(&mut ModelConfig);
    let wrong: [(Change, &str); 4] = [
        (|config| config.defaults.sampler = SamplerKind::Ddim, "sampler"),
        (|config| config.scheduler.prediction_type = PredictionType::Epsilon, "straight"),
        (|config| config.scheduler.beta_schedule = tiny_config().scheduler.beta_schedule, "straight"),
        (|config| config.scheduler.shift = f64::NAN, "shift"),
    ];
    for (change, word) in wrong {
        let mut config = config.clone();
        change(&mut config);
        let error = config.validate().expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    }
}

/// Clamped, too, although Heun's last evaluation is where no noise is left.
#[test]
fn a_run_gives_numbers_and_the_kernels_give_the_same() {
    for clamp in [None, Some(0.5)] {
        let model = random_model(&tiny_flow(clamp));
        let fused = model.clone().fused(Ops::of(&model.device));
        for kind in SamplerKind::FLOW {
            let [plain, fused] = [&model, &fused].map(|model| {
                let request = Request {
                    classes: vec![2, 1],
                    noise: Noise::Seeded(vec![3, 4]),
                    guidance_scales: vec![3.0],
                    guidance_channels: None,
                    sampler: SamplerConfig::new(kind, 6),
                    start: None,
                };
                let (mut run, mut steps) = (Run::new(model, request).expect("a valid request").watched(), 0);
                while !run.is_done() {
                    let step = run.step().expect("a step");
                    assert!(step.watched.is_some());
                    steps += 1;
                }
                assert_eq!(steps, 6, "a step gives one frame, however often it asks");
                run.x_t().clone()
            });
            let largest = plain.clone().abs().max().into_scalar::<f32>();
            assert!(largest.is_finite() && largest > 0.0, "{}, {clamp:?}", kind.name());
            let off = max_difference(plain, fused);
            assert!(off <= 1e-4 * f64::from(largest), "{}, {clamp:?}: off by {off:e}", kind.name());
        }
    }
}
