//! A run that is resumed with the state that another had between two steps goes on as that one did, to the last bit.

use crate::cases;
use crate::support::{random, random_model, tensor, tiny_config, tiny_model, values};
use burn::tensor::{Device, Tensor};
use ditscope_config::{ConfigError, DiffusionConfig, DitConfig, ModelConfig, SamplerKind, Savings, VarianceType};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run, Start, latent_shape};
use ditscope_model_dir as model_dir;
use ditscope_ops::Ops;
use proptest::prelude::*;
use std::path::Path;

const STEPS: usize = 7;

fn request(kind: SamplerKind) -> Request {
    Request {
        classes: vec![2, 1],
        noise: Noise::Seeded(vec![3, 4]),
        guidance_scales: vec![3.0, 1.0],
        guidance_channels: None,
        sampler: SamplerConfig { eta: 0.5, ..SamplerConfig::new(kind, STEPS) },
        start: None,
    }
}

fn begun<'m>(model: &'m Model, request: &Request, savings: Savings) -> Run<'m> {
    let run = Run::new(model, request.clone()).expect("a valid request");
    run.with_savings(savings).expect("valid savings").watched().prepared()
}

/// All that a step tells, and the state after it, as numbers.
type Seen = Vec<Vec<f32>>;

/// The steps from here to the end.
fn rest(mut run: Run) -> Vec<Seen> {
    let mut seen = Vec::new();
    while !run.is_done() {
        let parts = run.step().expect("a step").parts();
        seen.push(parts.into_iter().map(|(_, part)| part).chain(run.state()).map(values).collect());
    }
    seen
}

/// As it comes back from a message.
fn carried(state: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
    state.into_iter().map(|latents| tensor(values(latents.clone()), latents.dims())).collect()
}

/// Breaks the run off after each number of steps, before the first and after the last one, too.
fn goes_on_everywhere(model: &Model, request: &Request, savings: Savings) {
    let whole = rest(begun(model, request, savings));
    let mut run = begun(model, request, savings);
    for taken in 0..=whole.len() {
        let resumed = begun(model, request, savings).resumed(taken, carried(run.state())).expect("its own state");
        assert_eq!(resumed.steps_left(), whole.len() - taken);
        assert_eq!(resumed.outline(), run.outline());
        let kind = request.sampler.kind.name();
        assert!(rest(resumed.prepared()) == whole[taken..], "{kind}: other numbers after {taken} steps");
        if !run.is_done() {
            run.step().expect("a step");
        }
    }
}

/// The same network with a schedule that the sampler is for.
fn fitting(model: &Model, kind: SamplerKind) -> Model {
    let mut model = model.clone();
    if SamplerKind::FLOW.contains(&kind) {
        let variance_type = model.config.scheduler.variance_type;
        model.config.scheduler = DiffusionConfig { variance_type, ..DiffusionConfig::flow() };
    }
    model
}

fn fused(model: &Model) -> Model {
    model.clone().fused(Ops::of(&Device::flex()))
}

proptest! {
    #![proptest_config(cases(10))]

    #[test]
    fn a_resumed_run_goes_on_to_the_last_bit(
        learned in any::<bool>(), clip in prop::option::of(0.5..4.0f64), is_fused in any::<bool>(),
        first in prop::option::of(0..STEPS), interval in prop::option::of((0.0..0.5f64, 0.5..1.0f64)), seed in any::<u32>(),
    ) {
        let tiny = tiny_config();
        let variance_type = if learned { VarianceType::LearnedRange } else { tiny.scheduler.variance_type };
        let scheduler = DiffusionConfig { clip_sample_range: clip, variance_type, ..tiny.scheduler.clone() };
        let transformer = DitConfig { learn_sigma: learned, ..tiny.transformer.clone() };
        let model = random_model(&ModelConfig { scheduler, transformer, ..tiny });
        let model = if is_fused { fused(&model) } else { model };
        let start = first.map(|step| Start { step, x0: random(8, latent_shape(&model, 1)) });
        let savings = Savings { guidance_interval: interval.map(|(from, to)| [from, to]), ..Savings::default() };
        for kind in SamplerKind::ALL {
            let noise = Noise::Seeded(vec![u64::from(seed), 4]);
            let model = fitting(&model, kind);
            goes_on_everywhere(&model, &Request { noise, start: start.clone(), ..request(kind) }, savings);
        }
    }
}

#[test]
fn the_shipped_model_goes_on_to_the_last_bit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/fashion");
    let model = fused(&model_dir::load(&folder, &Device::flex()).expect("the shipped model"));
    for kind in SamplerKind::ALL {
        goes_on_everywhere(&fitting(&model, kind), &request(kind), Savings::default());
    }
}

/// What is taken over from earlier steps is no part of the state: the first step is computed whole, as at its place in the
/// rhythm; the others follow the rhythm.
#[test]
fn with_reuse_of_blocks_the_first_step_is_computed_whole() {
    let model = random_model(&ModelConfig {
        transformer: DitConfig { depth: 4, ..tiny_config().transformer },
        ..tiny_config()
    });
    let savings = Savings { cache_interval: 3, ..Savings::default() };
    let whole = rest(begun(&model, &request(SamplerKind::UniPc), savings));
    let mut run = begun(&model, &request(SamplerKind::UniPc), savings);
    for taken in 0..STEPS {
        let again = begun(&model, &request(SamplerKind::UniPc), savings);
        let seen = rest(again.resumed(taken, carried(run.state())).expect("its own state"));
        assert_eq!(seen == whole[taken..], savings.computes_all(taken), "after {taken} steps");
        // The step as a run without savings takes it.
        let full = begun(&model, &request(SamplerKind::UniPc), Savings::default());
        let full = rest(full.resumed(taken, carried(run.state())).expect("its own state"));
        let off = apart(&seen[0], &full[0]);
        assert!(off < 2e-6, "after {taken} steps: {off:e}");
        let off = apart(&whole[taken], &full[0]);
        assert_eq!(off > 1e-5, !savings.computes_all(taken), "after {taken} steps: {off:e}");
        run.step().expect("a step");
    }
}

/// The largest difference, as a share of the largest number.
fn apart(a: &Seen, b: &Seen) -> f32 {
    let (a, b) = (a.concat(), b.concat());
    let largest = |numbers: &mut dyn Iterator<Item = f32>| numbers.fold(0.0, |most: f32, v| most.max(v.abs()));
    largest(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / largest(&mut b.iter().copied())
}

#[test]
fn a_state_of_another_run_is_refused() {
    let model = tiny_model();
    let run = |kind| begun(&model, &request(kind), Savings::default());
    let mut unipc = run(SamplerKind::UniPc);
    for _ in 0..3 {
        unipc.step().expect("a step");
    }
    let state = unipc.state();
    assert_eq!(state.len(), 4, "the latents, and what UniPC remembers of two steps");
    let refused = |kind, steps, state| match run(kind).resumed(steps, state) {
        Err(ConfigError::OutOfRange { name, .. }) => name,
        other => panic!("{:?}", other.map(|run| run.outline())),
    };
    assert_eq!(refused(SamplerKind::UniPc, STEPS + 1, state.clone()), "step to go on at");
    for kind in [SamplerKind::Ddim, SamplerKind::Ddpm, SamplerKind::DpmSolverPlusPlus] {
        assert_eq!(refused(kind, 3, state.clone()), "state to go on from");
    }
    for wrong in [vec![], state[..2].to_vec(), vec![random(1, [1, 4, 4, 4])]] {
        assert_eq!(refused(SamplerKind::UniPc, 3, wrong), "state to go on from");
    }
}
