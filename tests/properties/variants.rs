//! The paper's four conditionings, and what a run may leave out.

use crate::support::{max_difference, random, random_model, tiny_config, values};
use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};
use ditscope_config::{Conditioning, DitConfig, ModelConfig, SamplerKind, Savings};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::dit::BlockCache;
use ditscope_core::generate::{Guidance, Model, Noise, Request, Run, latent_shape};
use ditscope_core::weights::keys::TRANSFORMER;
use ditscope_core::weights::{Dtype, Loader, collect, write_shards};

fn model(conditioning: Conditioning) -> Model {
    variant(conditioning, false)
}

/// Four blocks, so that two are in the middle.
fn variant(conditioning: Conditioning, qk_norm: bool) -> Model {
    let tiny = tiny_config();
    let transformer = DitConfig { depth: 4, conditioning, qk_norm, ..tiny.transformer.clone() };
    random_model(&ModelConfig { transformer, ..tiny })
}

/// Every block with embedders of its own, as diffusers trains them.
fn with_block_embedders() -> Model {
    let tiny = tiny_config();
    let transformer = DitConfig { depth: 4, block_embedders: true, ..tiny.transformer.clone() };
    random_model(&ModelConfig { transformer, ..tiny })
}

/// The conditionings, and the paper's one with normalised queries and keys, and with embedders in every block.
fn variants() -> impl Iterator<Item = (Conditioning, Model)> {
    let plain = Conditioning::ALL.into_iter().map(|conditioning| (conditioning, model(conditioning)));
    let normed = variant(Conditioning::AdaLnZero, true);
    plain.chain([normed, with_block_embedders()].map(|model| (Conditioning::AdaLnZero, model)))
}

fn given(model: &Model) -> (Tensor<4>, Tensor<1>, Tensor<1, Int>) {
    let y = vec![1i64, model.config.transformer.null_label() as i64];
    (
        random(4, latent_shape(model, 2)),
        Tensor::from_data(TensorData::new(vec![900.0f32, 20.0], [2]), &model.device),
        Tensor::from_data(TensorData::new(y, [2]), &model.device),
    )
}

fn request(classes: &[usize], scale: f64, kind: SamplerKind, steps: usize) -> Request {
    Request {
        classes: classes.to_vec(),
        noise: Noise::Seeded((0..classes.len() as u64).collect()),
        guidance_scales: vec![scale],
        guidance_channels: None,
        sampler: SamplerConfig::new(kind, steps),
        start: None,
    }
}

fn finished(model: &Model, request: Request, savings: Savings) -> Tensor<4> {
    let mut run = Run::new(model, request).and_then(|run| run.with_savings(savings)).expect("a valid request");
    while !run.is_done() {
        run.step().expect("a step");
    }
    run.x_t().clone()
}

#[test]
fn every_conditioning_has_the_parameters_that_are_counted() {
    for (conditioning, model) in variants() {
        assert_eq!(model.dit.num_params() as u64, model.config.transformer.num_params(), "{conditioning:?}");
        assert_eq!(conditioning.name().parse(), Ok(conditioning));
    }
    assert!("film".parse::<Conditioning>().is_err());
}

#[test]
fn every_conditioning_listens_to_time_and_class() {
    for (conditioning, model) in variants() {
        let (x, t, y) = given(&model);
        let out = model.dit.forward(x.clone(), t.clone(), y.clone());
        assert_eq!(out.dims(), x.dims());
        let other_time = model.dit.forward(x.clone(), t.clone() - 10.0, y.clone());
        let other_class = model.dit.forward(x.clone(), t.clone(), y.zeros_like());
        for (what, other) in [("time", other_time), ("class", other_class)] {
            assert!(max_difference(out.clone(), other) > 1e-4, "{conditioning:?} does not hear the {what}");
        }
        // Pictures of a batch do not see one another.
        let alone = model.dit.forward(x.clone().narrow(0, 0, 1), t.clone().narrow(0, 0, 1), y.clone().narrow(0, 0, 1));
        assert!(max_difference(out.narrow(0, 0, 1), alone) < 1e-5);
    }
}

#[test]
fn every_conditioning_survives_being_written_and_read() {
    for (_, model) in variants() {
        let sharded = write_shards(&collect(&model.dit, TRANSFORMER), Dtype::F32, usize::MAX);
        let mut loader = Loader::default();
        let fresh = Model::new(&model.config, &model.device);
        let read = fresh.load_shard(&mut loader, "shard", &sharded.shards[0].bytes).expect("a good shard");
        loader.finish(&read.dit, TRANSFORMER).expect("all parameters");
        let (x, t, y) = given(&model);
        let forward = |model: &Model| model.dit.forward(x.clone(), t.clone(), y.clone());
        assert_eq!(max_difference(forward(&model), forward(&read)), 0.0);
        let json = serde_json::to_string(&model.config).expect("JSON");
        assert_eq!(serde_json::from_str::<ModelConfig>(&json).expect("the same"), model.config);
    }
}

/// Each block hears time and class by its own embedders, and the last layer by the model's.
#[test]
fn embedders_of_a_block_are_that_blocks() {
    let model = with_block_embedders();
    let (x, t, y) = given(&model);
    let (out, strengths) = (
        model.dit.forward(x.clone(), t.clone(), y.clone()),
        model.dit.modulation(t.clone(), y.clone()).expect("adaLN"),
    );
    for changed in 0..4 {
        let mut other = model.clone();
        other.dit.blocks[changed].y_embedder = model.dit.blocks[(changed + 1) % 4].y_embedder.clone();
        let found = other.dit.modulation(t.clone(), y.clone()).expect("adaLN");
        for block in 0..4 {
            let of_block = |all: &Tensor<3>| all.clone().narrow(1, block, 1);
            let difference = max_difference(of_block(&found), of_block(&strengths));
            assert_eq!(difference > 0.0, block == changed, "block {block} with another embedder in {changed}");
        }
        assert!(max_difference(other.dit.forward(x.clone(), t.clone(), y.clone()), out.clone()) > 1e-5);
    }
    let mut other = model.clone();
    other.dit.y_embedder = model.dit.blocks[0].y_embedder.clone().expect("one of its own");
    assert_eq!(max_difference(other.dit.modulation(t.clone(), y.clone()).expect("adaLN"), strengths), 0.0);
    assert!(max_difference(other.dit.forward(x, t, y), out) > 1e-5, "the last layer hears the model's");
    let tokens = DitConfig { conditioning: Conditioning::InContext, ..model.config.transformer };
    assert!(tokens.validate().expect_err("no adaLN").to_string().contains("block_embedders"));
}

#[test]
fn only_adaln_tells_how_it_modulates() {
    for (conditioning, model) in variants() {
        let (x, t, y) = given(&model);
        let (out, trace) = model.dit.forward_traced(x.clone(), t.clone(), y.clone(), 1);
        assert!(max_difference(out, model.dit.forward(x, t.clone(), y.clone())) <= 1e-6);
        assert_eq!(trace.modulation.is_some(), !conditioning.has_tokens());
        assert!(values(trace.attention.sum_dim(3)).iter().all(|sum| (sum - 1.0).abs() < 1e-5));
        if let Some(strengths) = model.dit.modulation(t, y) {
            let gates = values(strengths.narrow(2, 2, 1));
            assert_eq!(conditioning == Conditioning::AdaLn, gates.iter().all(|gate| *gate == 1.0));
        }
    }
}

/// What a run computes ahead is what the network says step by step.
#[test]
fn vectors_known_ahead_change_nothing() {
    for (conditioning, model) in variants() {
        for (classes, scale) in [(vec![1], 1.0), (vec![2, 0, 2], 3.0)] {
            let mut run = Run::new(&model, request(&classes, scale, SamplerKind::Ddim, 5)).expect("valid");
            let y: Vec<i64> = classes.iter().map(|class| *class as i64).collect();
            let y = Tensor::from_data(TensorData::new(y, [classes.len()]), &model.device);
            let guidance = Guidance { scales: vec![scale], channels: 4 };
            while !run.is_done() {
                let step = run.sampler().num_steps() - run.steps_left();
                let timestep = run.sampler().timestep(step);
                let (signal, noise) = run.sampler().schedule().q_sample_factors(run.sampler().index(step));
                let taken = run.step().expect("a step");
                let eps = model.guided_output(taken.x_t.clone(), timestep, y.clone(), &guidance);
                let x0 = (taken.x_t - eps * noise) / signal;
                let most = values(x0.clone()).iter().fold(1f32, |most, v| most.max(v.abs()));
                assert!(max_difference(x0, taken.x0_hat) <= 1e-4 * f64::from(most), "{conditioning:?}, step {step}");
            }
        }
    }
}

#[test]
fn a_fresh_pass_of_the_cache_is_the_plain_one() {
    for (_, model) in variants() {
        let (x, t, y) = given(&model);
        let mut cache = BlockCache::default();
        let plain = model.dit.forward(x.clone(), t.clone(), y.clone());
        let mut pass = |x: Tensor<4>, t: Tensor<1>, y, fresh| {
            let depth = model.config.transformer.depth;
            model.dit.pass(x, &model.dit.given(t, y, false), &mut cache.reuse(depth, fresh))
        };
        // Nothing is known yet, so even a pass that need not be fresh is.
        assert!(max_difference(pass(x.clone(), t.clone(), y.clone(), false), plain.clone()) < 1e-4);
        assert!(max_difference(pass(x.clone(), t.clone(), y.clone(), false), plain) < 1e-4, "the same input again");
        let later = t.clone() - 15.0;
        let truth = model.dit.forward(x.clone(), later.clone(), y.clone());
        let reused = pass(x.clone(), later.clone(), y.clone(), false);
        assert!(max_difference(reused, truth.clone()) > 1e-6, "something was taken over");
        assert!(max_difference(pass(x, later, y, true), truth) < 1e-4);
    }
    assert_eq!(BlockCache::passed_over(6), 1..5);
    for depth in 1..3 {
        assert!(BlockCache::passed_over(depth).is_empty(), "{depth} blocks have no middle");
    }
}

#[test]
fn what_saves_nothing_changes_nothing() {
    let model = model(Conditioning::AdaLnZero);
    let request = || request(&[0, 1], 2.5, SamplerKind::DpmSolverPlusPlus, 6);
    let plain = finished(&model, request(), Savings::default());
    let whole = Savings { guidance_interval: Some([0.0, 1.0]), ..Savings::default() };
    assert_eq!(max_difference(finished(&model, request(), whole), plain.clone()), 0.0);
    let some = Savings { guidance_interval: Some([0.2, 0.6]), ..Savings::default() };
    assert!(max_difference(finished(&model, request(), some), plain.clone()) > 1e-3);
    let cached = Savings { cache_interval: 2, ..Savings::default() };
    assert!(max_difference(finished(&model, request(), cached), plain) > 1e-6);
    // No timestep of the run is exactly half of the process: guidance never acts.
    let never = Savings { guidance_interval: Some([0.5, 0.5]), ..Savings::default() };
    let unguided = Request { guidance_scales: vec![1.0], ..request() };
    let unguided = finished(&model, unguided, Savings::default());
    assert_eq!(max_difference(finished(&model, request(), never), unguided), 0.0);
}

#[test]
fn savings_out_of_range_are_refused() {
    let model = model(Conditioning::AdaLnZero);
    for savings in [
        Savings { guidance_interval: Some([0.5, 0.4]), ..Savings::default() },
        Savings { guidance_interval: Some([-0.1, 0.4]), ..Savings::default() },
        Savings { guidance_interval: Some([f64::NAN, 1.0]), ..Savings::default() },
        Savings { cache_interval: 0, ..Savings::default() },
    ] {
        let run = Run::new(&model, request(&[0], 2.0, SamplerKind::Ddim, 3)).expect("a valid request");
        assert!(run.with_savings(savings).is_err(), "{savings:?}");
    }
}
