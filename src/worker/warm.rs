//! A GPU compiles a kernel when it is first used: that happens here, while the model is loading, and not in the first step
//! of the first run.

use ditscope_config::AutoencoderConfig;
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_frames::Frame;

/// Takes a step as a run does, guided and decoded, and forgets it.
///
/// # Errors
/// What the device said.
pub async fn warm(model: &Model) -> Result<(), String> {
    let request = Request {
        classes: vec![0],
        noise: Noise::Seeded(vec![0]),
        guidance_scales: vec![2.0],
        guidance_channels: None,
        sampler: SamplerConfig::new(model.config.defaults.sampler, 2),
        start: None,
    };
    let mut run = Run::new(model, request).map_err(|error| error.to_string())?.watched();
    let is_heavy = model.config.autoencoder.as_ref().is_some_and(AutoencoderConfig::is_heavy);
    while !run.is_done() {
        let step = run.step().map_err(|error| error.to_string())?;
        Frame::of_step(model, step, run.state(), is_heavy).await?;
    }
    Ok(())
}
