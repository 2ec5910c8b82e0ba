//! What is done to a run to find out how it works: parts that are missing, conditions and noise between two, a part of a
//! picture made anew, and DDIM backwards.

use crate::cases;
use crate::support::{max_difference, random, random_model, tiny_config, tiny_model, values};
use burn::tensor::{Device, Tensor};
use ditscope_config::{ConfigError, Departure, DiffusionConfig, DitConfig, ModelConfig, Paint, Part, SamplerKind};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run, Start, between, latent_shape};
use ditscope_noise::gaussian;
use ditscope_ops::Ops;
use proptest::prelude::*;

const STEPS: usize = 6;

fn request(kind: SamplerKind, pictures: usize) -> Request {
    Request {
        classes: vec![1; pictures],
        noise: Noise::Seeded(vec![7; pictures]),
        guidance_scales: vec![3.0],
        guidance_channels: None,
        sampler: SamplerConfig::new(kind, STEPS),
        start: None,
    }
}

fn run<'m>(model: &'m Model, request: Request) -> Run<'m> {
    Run::new(model, request).expect("a valid request")
}

fn end(mut run: Run) -> Tensor<4> {
    while !run.is_done() {
        run.step().expect("a step");
    }
    run.x_t().clone()
}

fn deep_model() -> Model {
    let tiny = tiny_config();
    random_model(&ModelConfig { transformer: DitConfig { depth: 3, ..tiny.transformer.clone() }, ..tiny })
}

fn flow_model() -> Model {
    let mut model = tiny_model();
    model.config.scheduler = DiffusionConfig::flow();
    model
}

fn without(parts: &[Part]) -> Departure {
    Departure { without: parts.to_vec(), ..Departure::default() }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn nothing_missing_is_the_plain_run(is_fused in any::<bool>(), kind in prop::sample::select(&SamplerKind::DIFFUSION[..])) {
        let model = if is_fused { deep_model().fused(Ops::of(&Device::flex())) } else { deep_model() };
        let plain = end(run(&model, request(kind, 2)));
        let same = run(&model, request(kind, 2)).departing(vec![Departure::default(); 2], None).expect("two pictures");
        prop_assert!(max_difference(plain, end(same)) <= 1e-6);
    }

    #[test]
    fn a_part_that_is_missing_outside_its_steps_changes_nothing(block in 0..3usize, head in 0..2usize) {
        let model = deep_model();
        let parts = [Part::Block(block), Part::Head(block, head), Part::Class];
        let plain = end(run(&model, request(SamplerKind::Ddim, 1)));
        let late = run(&model, request(SamplerKind::Ddim, 1)).departing(vec![without(&parts)], Some([2.0, 3.0]));
        prop_assert!(max_difference(plain.clone(), end(late.expect("valid"))) <= 1e-6);
        let always = run(&model, request(SamplerKind::Ddim, 1)).departing(vec![without(&parts)], None);
        prop_assert!(max_difference(plain, end(always.expect("valid"))) > 1e-4);
    }

    #[test]
    fn all_heads_are_the_attention_and_both_branches_are_the_block(block in 0..3usize) {
        let model = deep_model();
        let ends = |parts: &[Part]| {
            end(run(&model, request(SamplerKind::Ddim, 1)).departing(vec![without(parts)], None).expect("valid"))
        };
        let (attention, mlp) = (Part::Attention(block), Part::Mlp(block));
        let whole = ends(&[Part::Block(block)]);
        prop_assert!(max_difference(whole.clone(), ends(&[attention, mlp])) <= 1e-5);
        // What is left of an attention without heads is the bias of its projection.
        prop_assert!(max_difference(whole, ends(&[mlp])) > 1e-4);
    }

    #[test]
    fn a_picture_between_two_classes_begins_and_ends_at_them(share in 0.05..0.95f64, is_guided in any::<bool>()) {
        let model = tiny_model();
        let scale = if is_guided { 3.0 } else { 1.0 };
        let towards = |share| Departure { towards_class: Some((2, share)), ..Departure::default() };
        let asked = |n| Request { guidance_scales: vec![scale], ..request(SamplerKind::Ddim, n) };
        let row = run(&model, asked(3)).departing(vec![towards(0.0), towards(share), towards(1.0)], None);
        let row = end(row.expect("valid"));
        let of = |class| end(run(&model, Request { classes: vec![class], ..asked(1) }));
        prop_assert!(max_difference(row.clone().narrow(0, 0, 1), of(1)) <= 1e-5);
        prop_assert!(max_difference(row.clone().narrow(0, 2, 1), of(2)) <= 1e-5);
        let middle = row.narrow(0, 1, 1);
        prop_assert!(max_difference(middle.clone(), of(1)) > 1e-5 && max_difference(middle, of(2)) > 1e-5);
    }

    #[test]
    fn noise_between_two_seeds_stays_noise(seed in any::<u32>(), other in any::<u32>(), share in 0.0..1.0f64) {
        let (seed, other, len) = (u64::from(seed), u64::from(other), 512);
        let length = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let (a, b, c) = (gaussian(seed, 0, len), gaussian(other, 0, len), between(seed, other, share, len));
        let (least, most) = (length(&a).min(length(&b)), length(&a).max(length(&b)));
        prop_assert!(length(&c) > 0.98 * least && length(&c) < 1.02 * most);
        prop_assert_eq!(between(seed, other, 0.0, len), a);
        let end = between(seed, other, 1.0, len);
        prop_assert!(end.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-5));
    }

    #[test]
    fn what_is_kept_of_a_picture_stays_to_the_last_bit(
        mask in prop::collection::vec(any::<bool>(), 16), jump_length in 1..4usize, resamplings in 1..4usize,
        first in 0..STEPS, kind in prop::sample::select(&SamplerKind::ALL[..]),
    ) {
        let model = if SamplerKind::FLOW.contains(&kind) { flow_model() } else { tiny_model() };
        let x0 = random(3, latent_shape(&model, 1));
        let start = Start { step: first, x0: x0.clone() };
        let paint = Paint { mask: mask.clone(), jump_length, resamplings };
        let painted = run(&model, Request { start: Some(start), ..request(kind, 1) }).painting(&paint, x0.clone());
        let painted = painted.expect("valid");
        prop_assert_eq!(painted.outline().timesteps.len(), paint.order(first..STEPS).len());
        let (after, before) = (values(end(painted)), values(x0));
        for (i, (after, before)) in after.iter().zip(&before).enumerate() {
            prop_assert!(after.is_finite());
            if !mask[i % 16] {
                prop_assert_eq!(after.to_bits(), before.to_bits(), "cell {}", i % 16);
            }
        }
    }

    #[test]
    fn a_painting_that_is_broken_off_goes_on_to_the_last_bit(taken in 0..9usize) {
        let model = tiny_model();
        let x0 = random(3, latent_shape(&model, 1));
        let paint = Paint { mask: (0..16).map(|i| i % 3 == 0).collect(), jump_length: 3, resamplings: 2 };
        let begun = || run(&model, request(SamplerKind::UniPc, 1)).painting(&paint, x0.clone()).expect("valid");
        let mut broken = begun();
        for _ in 0..taken {
            broken.step().expect("a step");
        }
        let resumed = begun().resumed(taken, broken.state()).expect("its own state");
        prop_assert_eq!(values(end(resumed)), values(end(begun())));
    }
}

/// The more steps, the nearer the picture comes back.
#[test]
fn the_error_of_an_inversion_falls_with_the_steps() {
    for model in [tiny_model(), flow_model()] {
        let kind =
            if model.config.scheduler == DiffusionConfig::flow() { SamplerKind::Euler } else { SamplerKind::Ddim };
        let x0 = random(5, latent_shape(&model, 1));
        let error = |steps| {
            let noise = model.inverted(x0.clone(), 1, steps).expect("valid");
            let request = Request {
                noise: Noise::Begun { start: noise, seeds: vec![0] },
                guidance_scales: vec![1.0],
                sampler: SamplerConfig::new(kind, steps),
                ..request(kind, 1)
            };
            let back = end(run(&model, request));
            values((back - x0.clone()).square().mean())[0].sqrt()
        };
        let errors = [5, 20, 80].map(error);
        assert!(errors.is_sorted_by(|a, b| a > b), "{kind:?}: {errors:?}");
        assert!(errors[2] < 0.5 * errors[0], "{kind:?}: {errors:?}");
    }
}

/// As many errors as sets and one; that of no set, and of an empty one, is the model's own.
#[test]
fn errors_without_parts_begin_with_the_whole_models() {
    let model = deep_model();
    let x0 = random(5, latent_shape(&model, 1));
    let sets = [vec![], vec![Part::Block(1)], vec![Part::Class]];
    let errors = values(model.errors_without(x0.clone(), 400, 2, 1, &sets).expect("valid"));
    let own = values(model.class_errors(x0, 400, 2, &[1]).expect("valid"));
    assert_eq!(errors.len(), 4);
    assert!((errors[0] - own[0]).abs() < 1e-6 && errors[0] == errors[1], "{errors:?}, {own:?}");
    assert!(errors[2] != errors[0] && errors[3] != errors[0]);
}

/// At a step of the training process x̂0 is what a run that is there predicts.
#[test]
fn one_step_is_what_a_run_predicts_there() {
    let model = tiny_model();
    let t = model.config.scheduler.num_train_timesteps - 1;
    let mut run = run(&model, request(SamplerKind::Ddim, 1));
    assert_eq!(run.sampler().timestep(0), t);
    let step = run.step().expect("a step");
    let guess = model.one_step(None, t, 1, 3.0, &[7]).expect("valid");
    assert!(max_difference(step.x0_hat, guess) < 1e-5);
}

#[test]
fn what_the_model_does_not_have_is_refused() {
    let model = tiny_model();
    let departing =
        |departure: Departure| run(&model, request(SamplerKind::Ddim, 1)).departing(vec![departure], None).map(|_| ());
    for part in [Part::Block(1), Part::Head(0, 2), Part::Mlp(9)] {
        assert!(matches!(departing(without(&[part])), Err(ConfigError::OutOfRange { .. })), "{part:?}");
    }
    let class = |class| Departure { class: Some(class), ..Departure::default() };
    assert!(departing(class(2)).is_ok() && departing(class(3)).is_err());
    let towards = |to| Departure { towards_class: Some(to), ..Departure::default() };
    assert!(
        departing(towards((2, 0.5))).is_ok()
            && departing(towards((2, 1.5))).is_err()
            && departing(towards((3, 0.5))).is_err()
    );
    let few = run(&model, request(SamplerKind::Ddim, 2)).departing(vec![Departure::default()], None);
    assert!(few.is_err(), "one departure for two pictures");
    let x0 = random(3, latent_shape(&model, 1));
    let paint = Paint { mask: vec![true; 3], jump_length: 1, resamplings: 1 };
    assert!(run(&model, request(SamplerKind::Ddim, 1)).painting(&paint, x0.clone()).is_err());
    assert!(model.one_step(None, 1000, 0, 1.0, &[1]).is_err() && model.one_step(None, 0, 3, 1.0, &[1]).is_err());
    assert!(model.inverted(x0.clone(), 3, 5).is_err() && model.inverted(x0.clone(), 0, 0).is_err());
    assert!(model.errors_without(x0, 5, 0, 0, &[vec![Part::Block(4)]]).is_err());
}
