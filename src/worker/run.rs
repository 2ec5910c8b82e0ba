//! A run: one frame after the other, with an ear open between two of them.

use super::State;
use super::post::{post, post_with, scope};
use crate::config::RunSettings;
use crate::diffusion::sampler::SamplerConfig;
use crate::generate::{Model, Noise, Request, Run};
use crate::pixels::rgba;
use crate::protocol::{FailureKind, FrameInfo, FromWorker, RunInfo};
use burn::tensor::{Tensor, Transaction};
use gloo::timers::future::TimeoutFuture;
use std::rc::Rc;

/// Runs to the end, to a cancellation or to a failure, and reports which it was.
pub(super) async fn run(state: Rc<State>, number: u32, model: Rc<Model>, run: u32, settings: RunSettings) {
    let started = now();
    match stream(&state, number, &model, run, settings).await {
        Ok(true) => post(&FromWorker::Done { run, total_ms: now() - started }),
        Ok(false) => post(&FromWorker::Cancelled { run }),
        Err((kind, message)) => post(&FromWorker::Failed { run: Some(run), kind, message }),
    }
}

/// Whether the run came to its end.
async fn stream(
    state: &State,
    number: u32,
    model: &Model,
    run: u32,
    settings: RunSettings,
) -> Result<bool, (FailureKind, String)> {
    let bad = |error: crate::config::ConfigError| (FailureKind::BadRequest, error.to_string());
    let lost = |message: String| (FailureKind::Device, format!("The device failed: {message}. Retry starts it again."));
    settings.validate(model.config.labels.len()).map_err(bad)?;
    let mut work = Run::new(model, request(&settings)).map_err(bad)?;
    post(&FromWorker::Started { run, info: info(model, &work, settings) });
    let num_steps = work.sampler().num_steps();
    for step in 0..=num_steps {
        // A task of its own for every step: messages that came meanwhile are handled first.
        TimeoutFuture::new(0).await;
        if state.run.get() != number {
            return Ok(false);
        }
        let started = now();
        let (x_t, x0) = match step < num_steps {
            true => work.step().map(|step| (step.x_t, step.x0_hat)).map_err(bad)?,
            false => (work.x_t().clone(), work.x_t().clone()),
        };
        let (latents, pixels) = read(x_t, model.decode(x0)).await.map_err(lost)?;
        if state.run.get() != number {
            return Ok(false);
        }
        post_with(&FromWorker::Frame(FrameInfo { run, step, ms: now() - started }), &[&latents, &pixels]);
    }
    Ok(true)
}

fn request(settings: &RunSettings) -> Request {
    let pictures = settings.num_images as u64;
    Request {
        classes: vec![settings.class; settings.num_images],
        noise: Noise::Seeded((0..pictures).map(|i| settings.seed + i).collect()),
        guidance_scale: settings.guidance_scale,
        guidance_channels: None,
        sampler: SamplerConfig::new(settings.sampler, settings.num_inference_steps),
    }
}

fn info(model: &Model, work: &Run, settings: RunSettings) -> RunInfo {
    let dit = &model.config.transformer;
    let side = model.config.image_size();
    let steps = 0..work.sampler().num_steps();
    RunInfo {
        num_images: settings.num_images,
        settings,
        latent_shape: [dit.in_channels, dit.sample_size, dit.sample_size],
        image_shape: [side, side],
        timesteps: steps.clone().map(|step| work.sampler().timestep(step)).collect(),
        alpha_bar: steps.map(|step| work.sampler().alpha_bar(step)).collect(),
    }
}

/// Reads latents (f32, little-endian) and pictures (RGBA) back in one go.
async fn read(x_t: Tensor<4>, images: Tensor<4>) -> Result<(Vec<u8>, Vec<u8>), String> {
    let [_, channels, _, _] = images.dims();
    let interleaved = images.permute([0, 2, 3, 1]); // [N, H, W, C]
    let data = Transaction::default().register(x_t).register(interleaved).execute_async().await.map_err(brief)?;
    let [latents, pixels]: [Vec<f32>; 2] = data
        .into_iter()
        .map(|data| data.convert::<f32>().try_into_vec().map_err(brief))
        .collect::<Result<Vec<_>, _>>()?
        .try_into()
        .map_err(|_| "two tensors were read, another number came back".to_owned())?;
    let latents = latents.iter().flat_map(|value| value.to_le_bytes()).collect();
    Ok((latents, rgba(&pixels, channels)))
}

/// An error and its causes on one line, without the backtrace.
fn brief(error: impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let causes = text.split("Backtrace").next().unwrap_or_default();
    let mut lines: Vec<&str> = causes.lines().map(str::trim).filter(|l| !l.is_empty() && *l != "Caused by:").collect();
    lines.dedup();
    lines.join(": ")
}

/// Milliseconds on the worker's clock.
fn now() -> f64 {
    scope().performance().map_or(0.0, |performance| performance.now())
}
