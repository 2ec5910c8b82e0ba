//! A run: one frame after the other; between two of them messages are read.

use super::decode::in_stages;
use super::event_loop::next_task;
use super::jobs::Job;
use super::latents;
use super::nudge;
use super::post::{fail, now, post, post_frame};
use burn::tensor::Tensor;
use ditscope_config::{AutoencoderConfig, ConfigError, RunSettings};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run, Start};
use ditscope_frames::{Frame, run_info};
use ditscope_protocol::{FrameInfo, FromWorker, Reason, Refusal, StartFrom};
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
        Err(why) => fail(Some(run), why),
    }
}

/// Whether the run came to its end. Adds to `held` the milliseconds for which it was held.
async fn stream(job: &Job, model: &Model, asked: Asked, held: &mut f64) -> Result<bool, Refusal> {
    let run = asked.run;
    let mut work = Run::new(model, request(model, &asked)?)?.with_savings(asked.settings.savings)?.watched();
    post(&FromWorker::Started { run, info: run_info(work.outline(), asked.settings) });
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
            nudge::during(Frame::of_step(model, work.step()?, preview)).await.map(Some)
        } else if is_heavy {
            nudge::during(decoded(job, model, work.x_t().clone(), run)).await
        } else {
            nudge::during(Frame::of_result(model, work.x_t().clone())).await.map(Some)
        };
        let Some(frame) = frame.map_err(|error| Reason::Device.found(error))?.filter(|_| job.goes_on()) else {
            return Ok(false);
        };
        let Frame { parts, buffers } = frame;
        let side = if preview { model.config.transformer.sample_size } else { model.config.image_size() };
        let info = FrameInfo { run, step, ms: 0.0, image_shape: [side, side], preview, parts };
        posting = post_frame(info, started, &buffers.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    Ok(true)
}

/// The last frame, decoded piece by piece; nothing, if the job does not go on.
async fn decoded(job: &Job, model: &Model, x_t: Tensor<4>, run: u32) -> Result<Option<Frame>, String> {
    match in_stages(job, model, x_t.clone(), run).await? {
        Some(pixels) => Frame::of_decoded(x_t, pixels).await.map(Some),
        None => Ok(None),
    }
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
