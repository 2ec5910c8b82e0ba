//! Recording a run in the page's own format, for the first paint.

use super::sample::write_recording;
use crate::config::RunSettings;
use crate::generate::{Model, Noise, Request, Run};
use crate::pixels::rgba;
use crate::protocol::{RecordedRun, RunInfo};
use anyhow::Result;
use burn::tensor::Tensor;
use std::path::Path;
use std::time::Instant;

/// Collects the frames of a run with one picture.
pub struct Recorder {
    run: RecordedRun,
    frames: Vec<u8>,
    last: Instant,
}

impl Recorder {
    pub fn new(model: &Model, request: &Request, run: &Run) -> Self {
        let dit = &model.config.transformer;
        let side = model.config.image_size();
        let steps = 0..run.sampler().num_steps();
        let class = request.classes[0];
        let settings = RunSettings {
            class,
            guidance_scale: request.guidance_scale,
            num_inference_steps: run.sampler().num_steps(),
            sampler: request.sampler.kind,
            seed: if let Noise::Seeded(seeds) = &request.noise { seeds[0] } else { 0 },
            num_images: 1,
        };
        let info = RunInfo {
            settings,
            num_images: 1,
            latent_shape: [dit.in_channels, dit.sample_size, dit.sample_size],
            image_shape: [side, side],
            timesteps: steps.clone().map(|step| run.sampler().timestep(step)).collect(),
            alpha_bar: steps.map(|step| run.sampler().alpha_bar(step)).collect(),
        };
        let (name, label) = (model.config.name.clone(), model.config.labels[class].clone());
        let run = RecordedRun { model: name, label, info, frame_ms: Vec::new() };
        Self { run, frames: Vec::new(), last: Instant::now() }
    }

    /// Appends a frame: the latents and the decoded prediction.
    pub fn push(&mut self, model: &Model, x_t: Tensor<4>, x0_hat: Tensor<4>) {
        let values = |t: Tensor<4>| t.into_data().convert::<f32>().try_into_vec::<f32>().expect("converted to f32");
        let images = model.decode(x0_hat);
        let [_, channels, _, _] = images.dims();
        self.frames.extend(values(x_t).iter().flat_map(|v| v.to_le_bytes()));
        self.frames.extend(rgba(&values(images.permute([0, 2, 3, 1])), channels));
        self.run.frame_ms.push(self.last.elapsed().as_secs_f64() * 1e3);
        self.last = Instant::now();
    }

    /// # Errors
    /// Names the file that could not be written.
    pub fn save(&self, dir: &Path) -> Result<()> {
        write_recording(dir, &self.run, &self.frames)
    }
}
