//! The official DiT: one forward pass, guidance, whole runs.

use crate::support::max_difference;
use crate::{F16_TOLERANCE, Golden, TOLERANCE, load, load_as, read, relative_error};
use burn::tensor::{DType, Device, Tensor};
use ditscope_config::{
    BetaSchedule, DiffusionConfig, DitConfig, LatentStats, ModelConfig, PredictionType, RunSettings, SamplerKind,
    TimestepSpacing, VarianceType,
};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::dit::{Dit, timestep_frequencies};
use ditscope_core::generate::{Guidance, Model, Noise, Request, Run};
use ditscope_core::selfcheck::{Check, check};
use ditscope_core::weights::keys::TRANSFORMER;
use ditscope_core::weights::{Dtype, LinearWeights, Loader, collect, write_shards};
use ditscope_ops::Ops;

const GUIDED: [&str; 2] = ["dit-learn-sigma-p2", "dit-learn-sigma-p4"];
const ALL: [&str; 3] = ["dit-learn-sigma-p2", "dit-learn-sigma-p4", "dit-eps-p2-gray"];

#[test]
fn forward_matches_the_official_model() {
    for name in ALL {
        let io = Golden::read(&format!("{name}-io"));
        for model in ways(name) {
            let out = model.dit.forward(io.tensor("x"), io.tensor("t"), io.classes("y"));
            io.assert_close("out", out, TOLERANCE, name);
        }
    }
}

#[test]
fn a_traced_pass_gives_the_plain_ones_output() {
    for name in ALL {
        let (model, io) = (model(name), Golden::read(&format!("{name}-io")));
        let (x, t, y) = (io.tensor("x"), io.tensor("t"), io.classes("y"));
        let fused = model.dit.clone().fused(Ops::of(&model.device));
        let plain = model.dit.forward(x.clone(), t.clone(), y.clone());
        for block in 0..model.config.transformer.depth {
            let (traced, _) = model.dit.forward_traced(x.clone(), t.clone(), y.clone(), block);
            assert!(max_difference(traced, plain.clone()) <= 1e-6, "{name}, block {block}");
            let (traced, _) = fused.forward_traced(x.clone(), t.clone(), y.clone(), block);
            assert!(relative_error(traced, plain.clone()) <= 1e-5, "{name}, block {block}, fused");
        }
    }
}

/// The model of these golden numbers as it is stored, and how it is loaded again.
fn stored(name: &str, dtype: Dtype) -> impl Fn(LinearWeights) -> Dit {
    let model = model(name);
    let shard = write_shards(&collect(&model.dit, TRANSFORMER), dtype, usize::MAX).shards.remove(0);
    move |linear| {
        let fresh = Dit::new(&model.config.transformer, &Device::flex());
        load_as(fresh, TRANSFORMER, &shard.bytes, Loader::keeping(linear))
    }
}

/// Stored as f16 or in 8 bits: widened by the loader, by each layer as it computes, and by the kernels.
#[test]
fn forward_is_the_same_wherever_weights_are_widened() {
    let ops = Ops::of(&Device::flex());
    for name in ALL {
        let io = Golden::read(&format!("{name}-io"));
        let forward = |dit: Dit| dit.forward(io.tensor("x"), io.tensor("t"), io.classes("y"));
        for (dtype, keep) in [(Dtype::F16, LinearWeights::F16), (Dtype::Int8, LinearWeights::Stored)] {
            let load = stored(name, dtype);
            let widened = forward(load(LinearWeights::F32));
            if dtype == Dtype::F16 {
                io.assert_close("out", widened.clone(), F16_TOLERANCE, name);
            }
            let kept = load(keep);
            let found = kept.blocks[0].attn.qkv.weight.val().dtype();
            assert!(matches!(found, DType::F16 | DType::QFloat(_)), "{name}: {found:?}");
            let off = [kept.clone().fused(ops), kept].map(|dit| relative_error(forward(dit), widened.clone()));
            assert!(off.iter().all(|off| *off <= 1e-5), "{name}, {dtype:?}: off by {off:?}");
        }
    }
}

/// What the worker checks before it keeps weights in fewer bits.
#[test]
fn the_cpu_passes_the_checks_of_weights_in_fewer_bits() {
    let device = Device::flex();
    for what in [Check::HalfWeights, Check::Int8Weights] {
        assert_eq!(pollster::block_on(check(&device, what, Ops::of(&device))), Ok(()), "{what:?}");
    }
}

/// The two codes divide by 128 and by 127, and their norms have another ε.
#[test]
fn diffusers_frequencies_and_norm_are_options() {
    for (shift, divisor) in [(0, 128.0), (1, 127.0)] {
        for (i, frequency) in timestep_frequencies(shift).into_iter().enumerate() {
            let expected = (-(10_000f64.ln()) * i as f64 / divisor).exp();
            assert!((f64::from(frequency) / expected - 1.0).abs() < 1e-6, "{shift}, {i}: {frequency}");
        }
    }
    let (model, io) = (model(ALL[0]), Golden::read(&format!("{}-io", ALL[0])));
    let weights = read(&format!("{}.safetensors", ALL[0]));
    let forward = |downscale_freq_shift, mlp_norm_eps| {
        let config = DitConfig { downscale_freq_shift, mlp_norm_eps, ..model.config.transformer.clone() };
        let dit = load(Dit::new(&config, &Device::flex()), &weights, Loader::default());
        dit.forward(io.tensor("x"), io.tensor("t"), io.classes("y"))
    };
    let official = forward(0, DitConfig::NORM_EPS);
    assert!(relative_error(forward(1, DitConfig::NORM_EPS), official.clone()) > 1e-3);
    assert!(relative_error(forward(0, 1e-2), official) > 1e-4);
}

#[test]
fn guided_forward_matches_on_three_channels() {
    for name in GUIDED {
        let io = Golden::read(&format!("{name}-io"));
        for model in ways(name) {
            let guidance = Guidance { scales: vec![3.0], channels: 3 };
            let out = model.guided_output(io.tensor("cfg_x"), 500, io.classes("cfg_y"), &guidance);
            let [n, c, h, w] = out.dims();
            let golden: Tensor<4> = io.tensor("cfg_out");
            assert_eq!(golden.dims(), [2 * n, c, h, w]);
            let error = relative_error(out, golden.narrow(0, 0, n));
            assert!(error <= TOLERANCE, "{name}: relative error {error:e}");
        }
    }
}

#[test]
fn ddim_matches_at_10_and_20_steps() {
    for name in ALL {
        for steps in [10, 20] {
            let spacing = Some(TimestepSpacing::Leading);
            let sampler = SamplerConfig { spacing, ..SamplerConfig::new(SamplerKind::Ddim, steps) };
            assert_run_matches(name, sampler, &format!("ddim{steps}"), vec![]);
        }
    }
}

#[test]
fn ddpm_matches_at_25_steps_with_recorded_noise() {
    for name in ALL {
        let io = Golden::read(&format!("{name}-io"));
        let noise: Tensor<5> = io.tensor("ddpm25_noise");
        let steps = (0..25).map(|i| noise.clone().narrow(0, i, 1).squeeze_dim(0)).collect();
        assert_run_matches(name, SamplerConfig::new(SamplerKind::Ddpm, 25), "ddpm25", steps);
    }
}

fn assert_run_matches(name: &str, sampler: SamplerConfig, golden: &str, steps: Vec<Tensor<4>>) {
    let io = Golden::read(&format!("{name}-io"));
    let guided = GUIDED.contains(&name);
    let request = Request {
        classes: vec![1, 2],
        noise: Noise::Given { start: io.tensor("noise"), steps },
        guidance_scales: vec![if guided { 3.0 } else { 1.0 }],
        guidance_channels: guided.then_some(3),
        sampler,
        start: None,
    };
    for model in ways(name) {
        let mut run = Run::new(&model, request.clone()).expect("a valid request");
        while !run.is_done() {
            run.step().expect("noise for every step");
        }
        io.assert_close(golden, run.x_t().clone(), TOLERANCE, name);
    }
}

/// A golden model, computed the plain way and with the CPU's kernels.
pub fn ways(name: &str) -> [Model; 2] {
    let plain = model(name);
    let ops = Ops::of(&plain.device);
    [plain.clone(), plain.fused(ops)]
}

/// A golden model with its official weights.
fn model(name: &str) -> Model {
    let transformer: DitConfig = serde_json::from_slice(&read(&format!("{name}.json"))).expect("a configuration");
    let channels = transformer.in_channels;
    let config = ModelConfig {
        name: name.into(),
        scheduler: DiffusionConfig::new(
            BetaSchedule::Linear,
            PredictionType::Epsilon,
            if transformer.learn_sigma { VarianceType::LearnedRange } else { VarianceType::FixedLarge },
        ),
        autoencoder: None,
        latents: LatentStats { mean: vec![0.0; channels], std: vec![1.0; channels], rgb: None },
        audio: None,
        text: None,
        labels: (0..transformer.num_classes).map(|i| i.to_string()).collect(),
        defaults: RunSettings::default(),
        license: String::new(),
        transformer,
    };
    config.validate().expect("a valid configuration");
    let weights = read(&format!("{name}.safetensors"));
    let dit = load(Dit::new(&config.transformer, &Device::flex()), &weights, Loader::default());
    Model::of(config, dit, None, Device::flex())
}
