//! A run: one frame after the other, with an ear open between two of them.

use super::decode::in_stages;
use super::event_loop::next_task;
use super::failure::Failure;
use super::jobs::Job;
use super::latents;
use super::post::{now, post, post_frame};
use super::readback::{bytes, read, read_all};
use crate::config::{AutoencoderConfig, ConfigError, RunSettings};
use crate::diffusion::sampler::SamplerConfig;
use crate::generate::{Model, Noise, Request, Run, Start, Step};
use crate::pixels::rgba;
use crate::protocol::{FrameInfo, FramePart, FromWorker, StartFrom};
use burn::tensor::Tensor;
use std::rc::Rc;

/// What a run was asked for with.
pub struct Asked {
    pub run: u32,
    pub settings: RunSettings,
    /// Empty: the settings' one.
    pub guidance_scales: Vec<f64>,
    /// With the latents' bytes.
    pub start: Option<(StartFrom, Vec<u8>)>,
}

/// Runs to the end, to a cancellation or to a failure, and reports which it was.
pub async fn run(job: Job, model: Rc<Model>, asked: Asked) {
    let (started, run) = (now(), asked.run);
    let mut held = 0.0;
    match stream(&job, &model, asked, &mut held).await {
        Ok(true) => post(&FromWorker::Done { run, total_ms: now() - started - held }),
        Ok(false) => post(&FromWorker::Cancelled { run }),
        Err(failure) => failure.post(Some(run)),
    }
}

/// Whether the run came to its end. Adds to `held` the milliseconds for which it was held.
async fn stream(job: &Job, model: &Model, asked: Asked, held: &mut f64) -> Result<bool, Failure> {
    let run = asked.run;
    let request = request(model, &asked).map_err(Failure::bad_request)?;
    let work = Run::new(model, request).and_then(|run| run.with_savings(asked.settings.savings));
    let mut work = work.map_err(Failure::bad_request)?.watched();
    post(&FromWorker::Started { run, info: work.info(asked.settings) });
    let is_heavy = model.config.autoencoder.as_ref().is_some_and(AutoencoderConfig::is_heavy);
    let num_steps = work.steps_left();
    let mut posting = 0.0;
    for step in 0..=num_steps {
        next_task().await;
        if step < num_steps {
            if job.is_held() {
                post(&FromWorker::Paused { run, step });
            }
            let held_from = now();
            job.turn().await;
            *held += now() - held_from;
        }
        if !job.goes_on() {
            return Ok(false);
        }
        // No message can tell how long it takes to post it: the next one counts that.
        let started = now() - posting;
        let preview = is_heavy && step < num_steps;
        let frame = if step < num_steps {
            taken(model, work.step().map_err(Failure::bad_request)?, preview).await.map(Some)
        } else if is_heavy {
            finished(job, model, work.x_t().clone(), run).await
        } else {
            let x_t = work.x_t().clone();
            with_pictures(model.decode(x_t.clone()), vec![(FramePart::XT, x_t)]).await.map(Some)
        };
        let Some(frame) = frame.map_err(Failure::lost)?.filter(|_| job.goes_on()) else { return Ok(false) };
        let (parts, buffers): (Vec<_>, Vec<_>) = frame.into_iter().unzip();
        let side = if preview { model.config.transformer.sample_size } else { model.config.image_size() };
        let info = FrameInfo { run, step, ms: 0.0, image_shape: [side, side], preview, parts };
        posting = post_frame(info, started, &buffers.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    Ok(true)
}

/// What the buffers of a frame hold, and the buffers.
type Frame = Vec<(FramePart, Vec<u8>)>;

/// A step that was taken, with decoded or cheap pictures.
async fn taken(model: &Model, step: Step, preview: bool) -> Result<Frame, String> {
    let x0_hat = step.x0_hat.clone();
    let images = if preview { model.preview(x0_hat) } else { model.decode(x0_hat) };
    with_pictures(images, step.parts()).await
}

/// Reads latents and pictures `[N, C, H, W]` back in one go.
async fn with_pictures(images: Tensor<4>, parts: Vec<(FramePart, Tensor<4>)>) -> Result<Frame, String> {
    let [_, channels, _, _] = images.dims();
    let pictures = (FramePart::Pictures, images.permute([0, 2, 3, 1]));
    let (names, tensors): (Vec<_>, Vec<_>) = parts.into_iter().chain([pictures]).unzip();
    let values = read_all(tensors).await?;
    let buffer = |(part, values): (FramePart, Vec<f32>)| match part {
        FramePart::Pictures => (part, rgba(&values, channels)),
        _ => (part, bytes(&values)),
    };
    Ok(names.into_iter().zip(values).map(buffer).collect())
}

/// The last frame, decoded piece by piece; nothing, if the job does not go on.
async fn finished(job: &Job, model: &Model, x_t: Tensor<4>, run: u32) -> Result<Option<Frame>, String> {
    let [latents] = read([x_t.clone()]).await?;
    let pixels = in_stages(job, model, x_t, run).await?;
    Ok(pixels.map(|pixels| vec![(FramePart::XT, bytes(&latents)), (FramePart::Pictures, pixels)]))
}

/// Checked settings → a request.
fn request(model: &Model, Asked { settings, guidance_scales, start, .. }: &Asked) -> Result<Request, ConfigError> {
    let valid = |settings: &RunSettings| settings.validate(model.config.labels.len());
    valid(settings)?;
    for scale in guidance_scales {
        valid(&RunSettings { guidance_scale: *scale, ..settings.clone() })?;
    }
    let (seeds, scales): (Vec<u64>, Vec<f64>) = if guidance_scales.is_empty() {
        let seeds = (0..settings.num_images as u64).map(|i| settings.seed + i);
        (seeds.collect(), vec![settings.guidance_scale])
    } else {
        valid(&RunSettings { num_images: guidance_scales.len(), ..settings.clone() })?;
        (vec![settings.seed; guidance_scales.len()], guidance_scales.clone())
    };
    let start = start.as_ref().map(|(StartFrom { step }, bytes)| {
        latents::parse(model, bytes, seeds.len()).map(|x0| Start { step: *step, x0 })
    });
    Ok(Request {
        classes: vec![settings.class; seeds.len()],
        noise: Noise::Seeded(seeds),
        guidance_scales: scales,
        guidance_channels: None,
        sampler: SamplerConfig::new(settings.sampler, settings.num_inference_steps),
        start: start.transpose()?,
    })
}
