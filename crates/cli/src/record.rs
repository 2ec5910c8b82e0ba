//! Recording a run in the page's own format, for the first paint.

use super::sample::write_recording;
use anyhow::Result;
use ditscope_config::RunSettings;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_frames::{Frame, run_info};
use ditscope_protocol::{FrameInfo, RecordedRun};
use std::path::Path;
use std::time::Instant;

/// Whether all pictures have one class and one seed, so that guidance alone tells them apart.
pub fn is_one_picture(request: &Request) -> bool {
    let same_class = request.classes.windows(2).all(|pair| pair[0] == pair[1]);
    let same_seed = match &request.noise {
        Noise::Seeded(seeds) => seeds.windows(2).all(|pair| pair[0] == pair[1]),
        Noise::Begun { .. } | Noise::Given { .. } => request.classes.len() == 1,
    };
    same_class && same_seed
}

/// Collects the frames of a run with one picture, or with one at several guidance scales.
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
            timestep_spacing: request.sampler.spacing,
            seed: if let Noise::Seeded(seeds) = &request.noise { seeds[0] } else { 0 },
            ..RunSettings::default()
        };
        let info = run_info(run.outline(), settings);
        let (name, label) = (model.config.name.clone(), model.config.labels[class].clone());
        let run = RecordedRun { model: name, label, info, frames: Vec::new() };
        Self { run, bytes: Vec::new(), last: Instant::now() }
    }

    /// Appends a frame.
    pub fn push(&mut self, frame: Frame) {
        self.bytes.extend(frame.buffers.concat());
        self.run.frames.push(FrameInfo {
            run: 0,
            step: self.run.frames.len(),
            ms: self.last.elapsed().as_secs_f64() * 1e3,
            image_shape: self.run.info.image_shape,
            preview: false,
            parts: frame.parts,
        });
        self.last = Instant::now();
    }

    /// # Errors
    /// Names the file that could not be written.
    pub fn save(&self, dir: &Path) -> Result<()> {
        write_recording(dir, &self.run, &self.bytes)
    }
}
