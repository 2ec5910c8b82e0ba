//! Frames: the numbers and pictures of a step of a run, read back from the device. Built here alone, for the worker that
//! streams and for the command line that records.
//!
//! It stands between the method and the messages: the core must not know the protocol, and the protocol no tensor. It
//! must not know a browser or a file.

mod readback;

pub use readback::{bytes, numbers, read, read_all, wait, wait_for};

use burn::tensor::Tensor;
use ditscope_config::RunSettings;
use ditscope_core::generate::{Model, Outline, Part, Step};
use ditscope_core::pixels::rgba;
use ditscope_protocol::{FramePart, RunInfo};

/// What the buffers of a frame hold, and the buffers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    pub parts: Vec<FramePart>,
    /// Latents f32 little-endian `[N, C, h, w]`, pictures RGBA `[N, H, W, 4]`.
    pub buffers: Vec<Vec<u8>>,
}

impl Frame {
    /// The frame of a step that was taken, with decoded pictures or, for a heavy decoder, a cheap preview; and with the
    /// run's state after it, if the run is to be resumed from there.
    ///
    /// # Errors
    /// What the device said when it was read back.
    pub async fn of_step(model: &Model, step: Step, state: Vec<Tensor<4>>, preview: bool) -> Result<Self, String> {
        let x0_hat = step.x0_hat.clone();
        let images = if preview { model.preview(x0_hat) } else { model.decode(x0_hat) };
        read_frame(latents_of(step, state), images).await
    }

    /// The last frame: the finished latents `[N, C, h, w]` and their pictures.
    ///
    /// # Errors
    /// As [`Self::of_step`].
    pub async fn of_result(model: &Model, latents: Tensor<4>) -> Result<Self, String> {
        read_frame(vec![(FramePart::XT, latents.clone())], model.decode(latents)).await
    }

    /// What a step or a run tells in latents, `[N, C, h, w]` each, whose pictures are decoded elsewhere.
    ///
    /// # Errors
    /// As [`Self::of_step`].
    pub async fn of_latents(latents: Vec<(FramePart, Tensor<4>)>) -> Result<Self, String> {
        let (parts, tensors): (Vec<_>, Vec<_>) = latents.into_iter().unzip();
        let buffers = read_all(tensors).await?.iter().map(|values| bytes(values)).collect();
        Ok(Self { parts, buffers })
    }

    /// The same frame with its pictures, RGBA `[N, H, W, 4]`.
    #[must_use]
    pub fn with_pictures(mut self, pixels: Vec<u8>) -> Self {
        self.parts.push(FramePart::Pictures);
        self.buffers.push(pixels);
        self
    }
}

/// The latents of a step and of the run's state after it, by their names in a frame.
pub fn latents_of(step: Step, state: Vec<Tensor<4>>) -> Vec<(FramePart, Tensor<4>)> {
    let parts = step.parts().into_iter().map(|(part, latents)| (named(part), latents));
    parts.chain(state.into_iter().map(|latents| (FramePart::State, latents))).collect()
}

/// Pictures `[N, C, H, W]` in [−1, 1] → RGBA `[N, H, W, 4]`.
///
/// # Errors
/// As [`Frame::of_step`].
pub async fn pictures(images: Tensor<4>) -> Result<Vec<u8>, String> {
    let [_, channels, _, _] = images.dims();
    let [values] = read([images.permute([0, 2, 3, 1])]).await?; // [N, H, W, C]
    Ok(rgba(&values, channels))
}

/// Reads latents and pictures `[N, C, H, W]` back in one go.
async fn read_frame(latents: Vec<(FramePart, Tensor<4>)>, images: Tensor<4>) -> Result<Frame, String> {
    let [_, channels, _, _] = images.dims();
    let pictures = (FramePart::Pictures, images.permute([0, 2, 3, 1]));
    let (parts, tensors): (Vec<_>, Vec<_>) = latents.into_iter().chain([pictures]).unzip();
    let values = read_all(tensors).await?;
    let buffer = |(part, values): (&FramePart, Vec<f32>)| match part {
        FramePart::Pictures => rgba(&values, channels),
        _ => bytes(&values),
    };
    let buffers = parts.iter().zip(values).map(buffer).collect();
    Ok(Frame { parts, buffers })
}

fn named(part: Part) -> FramePart {
    match part {
        Part::XT => FramePart::XT,
        Part::X0Hat => FramePart::X0Hat,
        Part::EpsCond => FramePart::EpsCond,
        Part::EpsUncond => FramePart::EpsUncond,
    }
}

/// What holds for a whole run, as the page is told; `settings` are those that it was asked for with.
pub fn run_info(outline: Outline, settings: RunSettings) -> RunInfo {
    RunInfo {
        settings,
        num_images: outline.num_images,
        latent_shape: outline.latent_shape,
        image_shape: outline.image_shape,
        timesteps: outline.timesteps,
        alpha_bar: outline.alpha_bar,
        steps_skipped: outline.steps_skipped,
        guidance_scales: outline.guidance_scales,
        guidance_channels: outline.guidance_channels,
    }
}
