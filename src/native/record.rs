//! Recording a run in the page's own format, for the first paint.

use super::sample::write_recording;
use crate::config::RunSettings;
use crate::generate::{Model, Noise, Request, Run};
use crate::pixels::rgba;
use crate::protocol::{FrameInfo, FramePart, RecordedRun};
use anyhow::Result;
use burn::tensor::Tensor;
use std::path::Path;
use std::time::Instant;

/// Collects the frames of a run with one picture.
pub struct Recorder {
    run: RecordedRun,
    bytes: Vec<u8>,
    last: Instant,
}

impl Recorder {
    pub fn new(model: &Model, request: &Request, run: &Run) -> Self {
        let class = request.classes[0];
        let settings = RunSettings {
            class,
            guidance_scale: request.guidance_scales[0],
            num_inference_steps: run.sampler().num_steps(),
            sampler: request.sampler.kind,
            seed: if let Noise::Seeded(seeds) = &request.noise { seeds[0] } else { 0 },
            ..RunSettings::default()
        };
        let info = run.info(settings);
        let (name, label) = (model.config.name.clone(), model.config.labels[class].clone());
        let run = RecordedRun { model: name, label, info, frames: Vec::new() };
        Self { run, bytes: Vec::new(), last: Instant::now() }
    }

    /// Appends a frame: its latents, and the picture of `x0_hat`.
    pub fn push(&mut self, model: &Model, parts: Vec<(FramePart, Tensor<4>)>, x0_hat: Tensor<4>) {
        let values = |t: Tensor<4>| t.into_data().convert::<f32>().try_into_vec::<f32>().expect("converted to f32");
        let images = model.decode(x0_hat);
        let [_, channels, _, _] = images.dims();
        let mut names = Vec::new();
        for (part, latents) in parts {
            names.push(part);
            self.bytes.extend(values(latents).iter().flat_map(|v| v.to_le_bytes()));
        }
        names.push(FramePart::Pictures);
        self.bytes.extend(rgba(&values(images.permute([0, 2, 3, 1])), channels));
        self.run.frames.push(FrameInfo {
            run: 0,
            step: self.run.frames.len(),
            ms: self.last.elapsed().as_secs_f64() * 1e3,
            image_shape: self.run.info.image_shape,
            preview: false,
            parts: names,
        });
        self.last = Instant::now();
    }

    /// # Errors
    /// Names the file that could not be written.
    pub fn save(&self, dir: &Path) -> Result<()> {
        write_recording(dir, &self.run, &self.bytes)
    }
}
