//! A model that is computed with the CPU's kernels: the numbers of the plain one, and its weights.

use crate::support::{max_difference, random, random_model, tiny_config, values};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_config::{
    AutoencoderConfig, Clipping, Conditioning, DiffusionConfig, DitConfig, ModelConfig, SamplerKind,
};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::dit::Dit;
use ditscope_core::generate::{Model, Noise, Passes, Request, Run, latent_shape};
use ditscope_core::weights::keys::TRANSFORMER;
use ditscope_core::weights::{Dtype, Loader, collect, write_shards};
use ditscope_model_dir as model_dir;
use ditscope_ops::Ops;
use std::path::Path;

fn shipped() -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/fashion");
    model_dir::load(&folder, &Device::flex()).expect("the shipped model")
}

/// Every conditioning, normalised queries and keys, embedders in every block, and the model that is shipped.
fn models() -> Vec<Model> {
    let tiny = tiny_config();
    let variant = |conditioning, qk_norm| {
        let transformer = DitConfig { depth: 3, conditioning, qk_norm, ..tiny.transformer.clone() };
        random_model(&ModelConfig { transformer, ..tiny.clone() })
    };
    let own = DitConfig { depth: 3, block_embedders: true, ..tiny.transformer.clone() };
    let own = random_model(&ModelConfig { transformer: own, ..tiny.clone() });
    let variants = Conditioning::ALL.into_iter().map(|conditioning| variant(conditioning, false));
    variants.chain([variant(Conditioning::AdaLnZero, true), own, shipped()]).collect()
}

fn fused(model: &Model) -> Model {
    model.clone().fused(Ops::of(&model.device))
}

fn largest(x: &Tensor<4>) -> f64 {
    values(x.clone()).iter().fold(0f32, |most, v| most.max(v.abs())).into()
}

/// The difference, of the largest number.
fn relative(found: Tensor<4>, plain: Tensor<4>) -> f64 {
    let most = largest(&plain);
    max_difference(found, plain) / most
}

/// Pictures at different times, one of them without a class.
fn given(model: &Model) -> (Tensor<4>, Tensor<1>, Tensor<1, Int>) {
    let y = vec![1i64, 2, model.config.transformer.null_label() as i64];
    (
        random(4, latent_shape(model, 3)),
        Tensor::from_data(TensorData::new(vec![900.0f32, 500.0, 20.0], [3]), &model.device),
        Tensor::from_data(TensorData::new(y, [3]), &model.device),
    )
}

#[test]
fn a_fused_model_puts_out_what_the_plain_one_does() {
    for model in models() {
        let (x, t, y) = given(&model);
        let (plain, fused) = (model.dit.forward(x.clone(), t.clone(), y.clone()), fused(&model));
        let found = fused.dit.forward(x.clone(), t.clone(), y.clone());
        let off = relative(found.clone(), plain.clone());
        assert!(off <= 1e-5, "{}: {off:e}", model.config.name);
        assert_ne!(found.clone().into_data(), plain.clone().into_data(), "the kernels were not used");
        for block in 0..model.config.transformer.depth {
            let (traced, trace) = fused.dit.forward_traced(x.clone(), t.clone(), y.clone(), block);
            let (_, expected) = model.dit.forward_traced(x.clone(), t.clone(), y.clone(), block);
            assert!(relative(traced, plain.clone()) <= 1e-5, "{}, block {block}", model.config.name);
            assert!(max_difference(trace.attention, expected.attention) <= 1e-5);
            assert_eq!(trace.modulation.is_some(), expected.modulation.is_some());
        }
    }
}

#[test]
fn a_fused_autoencoder_puts_out_what_the_plain_one_does() {
    let squares = |patch_size| {
        let mut config = tiny_config();
        let Some(AutoencoderConfig::Tiny(tiny)) = &mut config.autoencoder else { panic!("a tiny autoencoder") };
        tiny.patch_size = patch_size;
        config.transformer.sample_size = (8 / (2 * patch_size)).into();
        random_model(&config)
    };
    for model in [squares(1), squares(2), shipped()] {
        let (fused, z) = (fused(&model), random(2, latent_shape(&model, 3)));
        let plain = model.decode(z.clone());
        assert!(relative(fused.decode(z.clone()), plain.clone()) <= 1e-5, "{}", model.config.name);
        assert_ne!(fused.decode(z).into_data(), plain.clone().into_data(), "the kernels were not used");
        let latents = |model: &Model| model.encode(plain.clone()).expect("it has an encoder");
        assert!(relative(latents(&fused), latents(&model)) <= 1e-5, "{}", model.config.name);
    }
}

/// To the last bit.
#[test]
fn a_picture_is_the_same_in_every_batch() {
    for model in models() {
        let (model, (x, t, y)) = (fused(&model), given(&model));
        let all = model.dit.forward(x.clone(), t.clone(), y.clone());
        let pictures = model.decode(x.clone());
        for i in 0..3 {
            let x = x.clone().narrow(0, i, 1);
            let alone = model.dit.forward(x.clone(), t.clone().narrow(0, i, 1), y.clone().narrow(0, i, 1));
            assert_eq!(alone.into_data(), all.clone().narrow(0, i, 1).into_data(), "{}", model.config.name);
            assert_eq!(model.decode(x).into_data(), pictures.clone().narrow(0, i, 1).into_data());
        }
    }
}

fn request(sampler: SamplerKind) -> Request {
    Request {
        classes: vec![9, 1],
        noise: Noise::Seeded(vec![3, 4]),
        guidance_scales: vec![3.0],
        guidance_channels: None,
        sampler: SamplerConfig::new(sampler, 20),
        start: None,
    }
}

/// To the last bit, with passes that others have of it; also where a step asks twice.
#[test]
fn a_batch_may_be_computed_in_parts() {
    let (model, mut flow) = (fused(&shipped()), fused(&shipped()));
    flow.config.scheduler = DiffusionConfig::flow();
    for (model, kind, passes) in
        [(&model, SamplerKind::Ddpm, 20), (&flow, SamplerKind::Euler, 20), (&flow, SamplerKind::Heun, 40)]
    {
        let run = || Run::new(model, request(kind)).expect("a valid request");
        let (mut whole, mut parts) = (run(), run().prepared());
        let times = parts.times().to_vec();
        let (mut others, mut asked) = (Passes::new(model, vec![9, 1], times.clone()), 0);
        while let Some(batch) = parts.batch() {
            asked += 1;
            let x = parts.x_t().clone().narrow(0, 1, 1);
            assert!(times.contains(&batch.time), "{} of {times:?}", batch.time);
            let last = others.rows(x, &batch.labels[3..], batch.time); // [1, C_out, h, w]
            let outputs = Tensor::cat(vec![parts.rows(0..1), parts.rows(1..3), last], 0); // [4, C_out, h, w]
            if let Some(taken) = parts.step_from(outputs).expect("a step") {
                let expected = whole.step().expect("a step");
                assert_eq!(expected.x_t.into_data(), taken.x_t.into_data());
                assert_eq!(expected.x0_hat.into_data(), taken.x0_hat.into_data());
            }
        }
        assert!(whole.is_done() && parts.is_done());
        assert_eq!(asked, passes, "{}", kind.name());
        assert_eq!(whole.x_t().clone().into_data(), parts.x_t().clone().into_data());
    }
}

#[test]
fn a_run_ends_in_the_same_picture() {
    let model = shipped();
    let picture = |model: &Model| {
        let mut run = Run::new(model, request(SamplerKind::Ddim)).expect("a valid request");
        while !run.is_done() {
            run.step().expect("a step");
        }
        model.decode(run.x_t().clone())
    };
    let off = max_difference(picture(&fused(&model)), picture(&model));
    assert!(off <= 1.0 / 255.0, "off by {off:e}");
}

/// Clamped our way and diffusers', with every sampler.
#[test]
fn a_run_that_is_clamped_ends_alike() {
    let tiny = tiny_config();
    for clipping in [Clipping::Consistent, Clipping::Diffusers] {
        let scheduler = DiffusionConfig { clip_sample_range: Some(0.5), clipping, ..tiny.scheduler.clone() };
        let model = random_model(&ModelConfig { scheduler, ..tiny.clone() });
        for kind in SamplerKind::DIFFUSION {
            let end = |model: &Model| {
                let request = Request { classes: vec![2, 1], ..request(kind) };
                let mut run = Run::new(model, request).expect("a valid request");
                while !run.is_done() {
                    run.step().expect("a step");
                }
                run.x_t().clone()
            };
            let off = relative(end(&fused(&model)), end(&model));
            assert!(off <= 1e-4, "{clipping:?}, {}: off by {off:e}", kind.name());
            let clamps = clipping == Clipping::Consistent || matches!(kind, SamplerKind::Ddim | SamplerKind::Ddpm);
            assert_eq!(largest(&end(&model)) <= 0.5, clamps, "{clipping:?}, {}", kind.name());
        }
    }
}

/// They are kept once, in the order of the kernels, and made of that when somebody asks.
#[test]
fn the_weights_of_a_fused_model_are_those_of_the_plain_one() {
    for model in models() {
        let fused = fused(&model);
        assert_eq!(fused.num_params(), model.num_params());
        let layer = &fused.dit.blocks[0].mlp.fc1;
        assert!(!layer.weight.is_initialized(), "a second copy");
        let (found, expected) = (collect(&fused.dit, TRANSFORMER), collect(&model.dit, TRANSFORMER));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!((&found.name, &found.shape, &found.values), (&expected.name, &expected.shape, &expected.values));
        }
    }
}

#[test]
fn weights_that_are_loaded_into_a_fused_model_count() {
    let first = random_model(&tiny_config());
    let second = first.dit.clone().map(&mut Doubled);
    let shard = &write_shards(&collect(&second, TRANSFORMER), Dtype::F32, usize::MAX).shards[0];
    let (x, t, y) = given(&first);
    let fused = fused(&first).dit;
    let loaded = Loader::default().apply(fused, TRANSFORMER, "shard", &shard.bytes, &Device::flex()).expect("it fits");
    let forward = |dit: &Dit| dit.forward(x.clone(), t.clone(), y.clone());
    assert!(relative(forward(&loaded), forward(&second)) <= 1e-5);
    assert!(relative(forward(&loaded), forward(&first.dit)) > 1e-2);
}

/// Other weights than before.
struct Doubled;

impl ModuleMapper for Doubled {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor * 2.0)
    }
}
