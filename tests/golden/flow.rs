//! SiT: the network of a DiT taken for a velocity along the straight path.

use crate::transformer::ways;
use crate::{Golden, TOLERANCE};
use burn::tensor::Tensor;
use ditscope_config::{DiffusionConfig, PredictionType, RunSettings, SamplerKind};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Guidance, Model, Noise, Request, Run};

/// The golden model, computed the plain way and with the CPU's kernels.
fn sit() -> [Model; 2] {
    ways("dit-learn-sigma-p2").map(|mut model| {
        let prediction_type = PredictionType::SitFlowPrediction;
        model.config.scheduler =
            DiffusionConfig { prediction_type, guidance_channels: Some(3), ..DiffusionConfig::flow() };
        model.config.defaults = RunSettings { sampler: SamplerKind::Heun, ..RunSettings::default() };
        model.config.validate().expect("a valid configuration");
        model
    })
}

#[test]
fn the_guided_velocity_matches() {
    let io = Golden::read("sit-io");
    for model in sit() {
        let y = Tensor::from_data([1i64, 2], &model.device);
        let guidance = Guidance { scales: vec![3.0], channels: 3 };
        // t = 0.3 from the noise is σ = 0.7.
        let output = model.guided_output(io.tensor("noise"), 699, y, &guidance);
        io.assert_close("velocity_at_0.3", output.narrow(1, 0, 4), TOLERANCE, "SiT");
    }
}

#[test]
fn euler_and_heun_match() {
    let io = Golden::read("sit-io");
    for (golden, kind, steps) in
        [("euler10", SamplerKind::Euler, 10), ("euler25", SamplerKind::Euler, 25), ("heun10", SamplerKind::Heun, 10)]
    {
        for model in sit() {
            let request = Request {
                classes: vec![1, 2],
                noise: Noise::Given { start: io.tensor("noise"), steps: vec![] },
                guidance_scales: vec![3.0],
                guidance_channels: None,
                sampler: SamplerConfig::new(kind, steps),
                start: None,
            };
            let mut run = Run::new(&model, request).expect("a valid request");
            while !run.is_done() {
                run.step().expect("a step");
            }
            io.assert_close(golden, run.x_t().clone(), TOLERANCE, "SiT");
        }
    }
}
