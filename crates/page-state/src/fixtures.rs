//! Runs and frames for tests, of this crate and of the views.

use crate::film::Film;
use ditscope_config::RunSettings;
use ditscope_protocol::{FrameInfo, FramePart, RunInfo};

/// A run of so many steps and pictures: latents `[4, 2, 2]`, pictures 3x3.
pub fn info(steps: usize, num_images: usize) -> RunInfo {
    RunInfo {
        settings: RunSettings { num_inference_steps: steps, num_images, ..RunSettings::default() },
        num_images,
        latent_shape: [4, 2, 2],
        image_shape: [3, 3],
        timesteps: (0..steps).map(|i| (steps - 1 - i) * 10).collect(),
        alpha_bar: (0..steps).map(|i| (i + 1) as f64 / (steps + 1) as f64).collect(),
        steps_skipped: 0,
        guidance_scales: vec![4.0; num_images],
        guidance_channels: 4,
    }
}

/// A plain frame of it.
pub fn frame(step: usize) -> FrameInfo {
    let parts = vec![FramePart::XT, FramePart::Pictures];
    FrameInfo { run: 1, step, ms: 40.0, image_shape: [3, 3], preview: false, parts }
}

/// A frame whose pictures are as large as the latents.
pub fn preview(step: usize) -> FrameInfo {
    let parts = vec![FramePart::XT, FramePart::Pictures, FramePart::X0Hat];
    FrameInfo { image_shape: [2, 2], preview: true, parts, ..frame(step) }
}

/// The first `frames` frames of a run with all parts, whose numbers say where they are from.
pub fn film(steps: usize, n: usize, frames: usize) -> Film {
    let mut film = Film::new(info(steps, n), "Fashion".into(), "Ankle boot".into()).expect("a sound description");
    for step in 0..frames {
        let mut parts = vec![FramePart::XT, FramePart::Pictures];
        let latents = |base: usize| -> Vec<u8> {
            (0..16 * n).flat_map(|i| ((base + step * 1000 + i) as f32).to_le_bytes()).collect()
        };
        let pictures = (0..9 * n).flat_map(|i| [step as u8, step as u8, (step + i / 9) as u8, 255]).collect();
        let mut buffers = vec![latents(0), pictures];
        if step < steps {
            parts.extend([FramePart::X0Hat, FramePart::EpsCond, FramePart::EpsUncond]);
            buffers.extend([latents(100_000), latents(200_000), latents(300_000)]);
        }
        let frame = FrameInfo { run: 1, step, ms: 40.0, image_shape: [3, 3], preview: false, parts };
        film.push(&frame, buffers).expect("a sound frame");
    }
    film
}
