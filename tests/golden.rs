//! Golden numbers: the official DiT code and diffusers, on small random weights (see tests/golden/README.md).

use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope::autoencoder::AutoencoderTiny;
use ditscope::config::{
    AutoencoderConfig, BetaSchedule, DiffusionConfig, DitConfig, LatentStats, ModelConfig, PredictionType, RunSettings,
    SamplerKind, VarianceType,
};
use ditscope::diffusion::sampler::SamplerConfig;
use ditscope::diffusion::schedule::{NoiseSchedule, Spacing};
use ditscope::dit::Dit;
use ditscope::generate::{Guidance, Model, Noise, Request, Run};
use ditscope::weights::Loader;
use safetensors::SafeTensors;

const TOLERANCE: f64 = 1e-4;
const GUIDED: [&str; 2] = ["dit-learn-sigma-p2", "dit-learn-sigma-p4"];
const ALL: [&str; 3] = ["dit-learn-sigma-p2", "dit-learn-sigma-p4", "dit-eps-p2-gray"];

#[test]
fn schedules_match_the_official_respacing() {
    let golden: serde_json::Value = serde_json::from_slice(&read("schedules.json")).expect("schedules.json");
    let full = NoiseSchedule::new(BetaSchedule::Linear, 1000);
    let golden = golden.as_object().expect("an object");
    assert_eq!(golden.len(), 9);
    for (name, expected) in golden {
        let (spacing, steps) = match name.strip_prefix("ddim") {
            Some(steps) => (Spacing::DdimStride, steps),
            None => (Spacing::Linspace, name.as_str()),
        };
        let schedule = full.respaced(spacing, steps.parse().expect("a number")).expect("a valid respacing");
        let stride = expected["stride"].as_u64().expect("stride") as usize;
        let list = |key: &str| -> Vec<f64> {
            expected[key].as_array().expect(key).iter().map(|v| v.as_f64().expect(key)).collect()
        };
        let timesteps: Vec<f64> = schedule.timesteps.iter().map(|t| *t as f64).collect();
        assert_eq!(timesteps, list("timesteps"), "{name}");
        for (key, ours) in [
            ("betas", &schedule.betas),
            ("alphas_cumprod", &schedule.alphas_cumprod),
            ("posterior_log_variance_clipped", &schedule.posterior_log_variance_clipped),
        ] {
            let theirs = list(key);
            assert_eq!(ours.iter().step_by(stride).count(), theirs.len(), "{name} {key}");
            for (ours, theirs) in ours.iter().step_by(stride).zip(theirs) {
                assert!((ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0), "{name} {key}: {ours} and {theirs}");
            }
        }
    }
}

#[test]
fn forward_matches_the_official_model() {
    for name in ALL {
        let (model, io) = (model(name), Golden::read(&format!("{name}-io")));
        let out = model.dit.forward(io.tensor("x"), io.tensor("t"), io.classes("y"));
        io.assert_close("out", out, name);
    }
}

#[test]
fn guided_forward_matches_on_three_channels() {
    for name in GUIDED {
        let (model, io) = (model(name), Golden::read(&format!("{name}-io")));
        let x: Tensor<4> = io.tensor("cfg_x");
        let guidance = Guidance { scale: 3.0, channels: 3 };
        let out = model.guided_output(x.clone(), 500, io.classes("cfg_y"), guidance);
        let [n, c, h, w] = out.dims();
        let golden: Tensor<4> = io.tensor("cfg_out");
        assert_eq!(golden.dims(), [2 * n, c, h, w]);
        let error = relative_error(out, golden.narrow(0, 0, n));
        assert!(error <= TOLERANCE, "{name}: relative error {error:e}");
    }
}

#[test]
fn ddim_matches_at_10_and_20_steps() {
    for name in ALL {
        for steps in [10, 20] {
            let sampler =
                SamplerConfig { spacing: Spacing::DdimStride, ..SamplerConfig::new(SamplerKind::Ddim, steps) };
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

#[test]
fn tiny_decoder_matches_diffusers() {
    let config = AutoencoderConfig {
        in_channels: 3,
        latent_channels: 4,
        encoder_block_out_channels: vec![16; 4],
        num_encoder_blocks: vec![1, 3, 3, 3],
        decoder_block_out_channels: vec![16; 4],
        num_decoder_blocks: vec![3, 3, 3, 1],
        latent_magnitude: 3.0,
    };
    let device = Device::flex();
    let mut loader = Loader::default();
    let autoencoder = AutoencoderTiny::new(&config, &device);
    let autoencoder = loader.apply(autoencoder, "", "taesd", &read("taesd.safetensors"), &device).expect("it loads");
    loader.finish(&autoencoder, "").expect("every parameter is there");
    let io = Golden::read("taesd-io");
    io.assert_close("image", autoencoder.decode(io.tensor("z")), "taesd");
}

fn assert_run_matches(name: &str, sampler: SamplerConfig, golden: &str, steps: Vec<Tensor<4>>) {
    let (model, io) = (model(name), Golden::read(&format!("{name}-io")));
    let guided = GUIDED.contains(&name);
    let request = Request {
        classes: vec![1, 2],
        noise: Noise::Given { start: io.tensor("noise"), steps },
        guidance_scale: if guided { 3.0 } else { 1.0 },
        guidance_channels: guided.then_some(3),
        sampler,
    };
    let mut run = Run::new(&model, request).expect("a valid request");
    while !run.is_done() {
        run.step().expect("noise for every step");
    }
    io.assert_close(golden, run.x_t().clone(), name);
}

/// A golden model with its official weights.
fn model(name: &str) -> Model {
    let transformer: DitConfig = serde_json::from_slice(&read(&format!("{name}.json"))).expect("a configuration");
    let channels = transformer.in_channels;
    let config = ModelConfig {
        name: name.into(),
        scheduler: DiffusionConfig {
            num_train_timesteps: 1000,
            beta_schedule: BetaSchedule::Linear,
            prediction_type: PredictionType::Epsilon,
            variance_type: if transformer.learn_sigma { VarianceType::LearnedRange } else { VarianceType::FixedLarge },
            clip_sample_range: None,
            guidance_channels: None,
        },
        autoencoder: None,
        latents: LatentStats { mean: vec![0.0; channels], std: vec![1.0; channels] },
        labels: (0..transformer.num_classes).map(|i| i.to_string()).collect(),
        defaults: RunSettings::default(),
        license: String::new(),
        transformer,
    };
    config.validate().expect("a valid configuration");
    let device = Device::flex();
    let mut loader = Loader::default();
    let dit = Dit::new(&config.transformer, &device);
    let dit = loader.apply(dit, "", name, &read(&format!("{name}.safetensors")), &device).expect("it loads");
    loader.finish(&dit, "").expect("every parameter is there");
    Model { config, dit, autoencoder: None, device }
}

struct Golden(Vec<u8>);

impl Golden {
    fn read(name: &str) -> Self {
        Self(read(&format!("{name}.safetensors")))
    }

    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let file = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        let view = file.tensor(name).expect(name);
        assert_eq!(view.dtype(), safetensors::Dtype::F32);
        let values: Vec<f32> =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Tensor::from_data(TensorData::new(values, view.shape().to_vec()), &Device::flex())
    }

    fn classes(&self, name: &str) -> Tensor<1, Int> {
        self.tensor::<1>(name).int()
    }

    fn assert_close(&self, golden: &str, ours: Tensor<4>, name: &str) {
        let error = relative_error(ours, self.tensor(golden));
        assert!(error <= TOLERANCE, "{name} {golden}: relative error {error:e}");
        println!("{name} {golden}: relative error {error:.1e}");
    }
}

/// ‖ours − theirs‖ / ‖theirs‖
fn relative_error(ours: Tensor<4>, theirs: Tensor<4>) -> f64 {
    assert_eq!(ours.dims(), theirs.dims());
    let values = |t: Tensor<4>| t.into_data().try_into_vec::<f32>().expect("f32");
    let (ours, theirs) = (values(ours), values(theirs));
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut ours.iter().zip(&theirs).map(|(a, b)| f64::from(a - b)));
    difference / norm(&mut theirs.iter().map(|v| f64::from(*v)))
}

fn read(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
