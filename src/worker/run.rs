//! A run: one frame after the other; between two of them messages are read.

use super::decode::in_stages;
use super::experiment::Experiment;
use super::jobs::Job;
use super::latents;
use super::pool::{Crew, Finished, Pool};
use super::post::{fail, post, post_frame};
use crate::event_loop::next_task;
use crate::global::now;
use crate::gpu::nudge;
use burn::tensor::Tensor;
use ditscope_config::{AutoencoderConfig, ConfigError, RunSettings};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run, Start, Step};
use ditscope_frames::{Frame, run_info, wait};
use ditscope_protocol::{FrameInfo, FramePart, FromWorker, Reason, Refusal, StartFrom};
use std::cell::Cell;
use std::rc::Rc;

/// What a run was asked for with.
pub struct Asked {
    pub run: u32,
    pub settings: RunSettings,
    /// Empty: the settings' one.
    pub guidance_scales: Vec<f64>,
    /// With the latents' bytes.
    pub start: Option<(StartFrom, Vec<u8>)>,
    /// The next frame, with the state after the one before.
    pub resume: Option<(usize, Vec<Vec<u8>>)>,
    pub experiment: Option<Experiment>,
}

/// Runs to the end, to a cancellation or to a failure, and reports which it was.
pub async fn run(job: Job, model: Rc<Model>, pool: Rc<Pool>, asked: Asked) {
    let (run, clock) = (asked.run, Clock::start());
    match stream(&job, &model, &pool, asked, &clock).await {
        Ok(true) => post(&FromWorker::Done { run, total_ms: clock.total() }),
        Ok(false) => post(&FromWorker::Cancelled { run }),
        Err(why) => fail(Some(run), why),
    }
}

/// The time of a run, without that for which it is held.
struct Clock {
    started: f64,
    held: Cell<f64>,
    /// Until when frames have told of it.
    told: Cell<f64>,
}

impl Clock {
    fn start() -> Self {
        let started = now();
        Self { started, held: Cell::new(0.0), told: Cell::new(started) }
    }

    fn total(&self) -> f64 {
        now() - self.started - self.held.get()
    }

    /// Waits until the run may take its next step.
    async fn turn(&self, job: &Job) {
        let from = now();
        job.turn().await;
        let held = now() - from;
        self.held.set(self.held.get() + held);
        self.told.set(self.told.get() + held);
    }
}

/// Whether the run came to its end.
async fn stream(job: &Job, model: &Model, pool: &Pool, asked: Asked, clock: &Clock) -> Result<bool, Refusal> {
    let run = asked.run;
    let mut work = begun(model, &asked)?;
    let is_heavy = model.config.autoencoder.as_ref().is_some_and(AutoencoderConfig::is_heavy);
    let outline = work.outline();
    let num_steps = outline.timesteps.len();
    let classes = vec![asked.settings.class; outline.num_images];
    let mut crew = Crew::of(pool, model, is_heavy, classes, work.times().to_vec());
    work = work.prepared();
    // What is only enqueued would be the first step's.
    nudge::during(wait(&model.device)).await.map_err(|error| Reason::Device.found(error))?;
    post(&FromWorker::Started { run, info: run_info(outline, asked.settings) });
    if let Some(crew) = &crew {
        post(&FromWorker::Shared { run, workers: crew.size() });
    }
    let send = |(step, Frame { parts, buffers }): Finished| {
        let preview = is_heavy && step < num_steps;
        let [_, height, width] = model.config.transformer.latent_shape();
        let image_shape = if preview { [height, width] } else { model.config.image_shape() };
        let info = FrameInfo { run, step, ms: 0.0, image_shape, preview, parts };
        let buffers: Vec<&[u8]> = buffers.iter().map(Vec::as_slice).collect();
        clock.told.set(post_frame(info, clock.told.get(), &buffers));
    };
    for step in num_steps - work.steps_left()..=num_steps {
        next_task().await;
        if (step == num_steps || job.is_held())
            && let Some(crew) = &mut crew
        {
            crew.finish().await?.into_iter().for_each(send);
        }
        if step < num_steps {
            if job.is_held() {
                post(&FromWorker::Paused { run, step });
            }
            clock.turn(job).await;
        }
        if !job.goes_on() {
            return Ok(false);
        }
        let made = if step < num_steps {
            match &mut crew {
                Some(crew) => crew.step(&mut work, step).await?,
                None => {
                    let taken = work.step()?;
                    vec![(step, of_step(model, taken, work.state(), is_heavy).await?)]
                }
            }
        } else {
            let frame = result(job, model, work.x_t().clone(), run, is_heavy).await?;
            frame.into_iter().map(|frame| (step, frame)).collect()
        };
        if !job.goes_on() {
            return Ok(false);
        }
        made.into_iter().for_each(send);
    }
    Ok(true)
}

async fn of_step(model: &Model, step: Step, state: Vec<Tensor<4>>, preview: bool) -> Result<Frame, Refusal> {
    nudge::during(Frame::of_step(model, step, state, preview)).await.map_err(|error| Reason::Device.found(error))
}

/// The last frame, with a heavy decoder piece by piece; nothing, if the job does not go on.
async fn result(job: &Job, model: &Model, x_t: Tensor<4>, run: u32, is_heavy: bool) -> Result<Option<Frame>, Refusal> {
    let frame = async {
        if !is_heavy {
            return Frame::of_result(model, x_t).await.map(Some);
        }
        let Some(pixels) = in_stages(job, model, x_t.clone(), run).await? else { return Ok(None) };
        Frame::of_latents(vec![(FramePart::XT, x_t)]).await.map(|frame| Some(frame.with_pictures(pixels)))
    };
    nudge::during(frame).await.map_err(|error: String| Reason::Device.found(error))
}

/// The run before the first step that it takes here.
fn begun<'m>(model: &'m Model, asked: &Asked) -> Result<Run<'m>, Refusal> {
    let request = request(model, asked)?;
    let start = request.start.clone();
    let run = Run::new(model, request)?.with_savings(asked.settings.savings)?.watched();
    let run = match &asked.experiment {
        Some(experiment) => experiment.run(run, start.as_ref())?,
        None => run,
    };
    let Some((step, state)) = &asked.resume else { return Ok(run) };
    let [pictures, ..] = run.x_t().dims();
    let state: Result<_, _> = state.iter().map(|bytes| latents::parse(model, bytes, pictures)).collect();
    Ok(run.resumed(*step, state?)?)
}

/// Checked settings → a request.
fn request(
    model: &Model,
    Asked { settings, guidance_scales, start, experiment, .. }: &Asked,
) -> Result<Request, ConfigError> {
    let valid = |settings: &RunSettings| settings.validate(model.config.labels.len());
    valid(settings)?;
    for scale in guidance_scales {
        valid(&RunSettings { guidance_scale: *scale, ..settings.clone() })?;
    }
    let (seeds, scales): (Vec<u64>, Vec<f64>) = if let Some(experiment) = experiment {
        (experiment.seeds(settings), vec![settings.guidance_scale])
    } else if guidance_scales.is_empty() {
        let seeds = (0..settings.num_images as u64).map(|i| settings.seed + i);
        (seeds.collect(), vec![settings.guidance_scale])
    } else {
        valid(&RunSettings { num_images: guidance_scales.len(), ..settings.clone() })?;
        (vec![settings.seed; guidance_scales.len()], guidance_scales.clone())
    };
    let is_one = experiment.is_some();
    let start = start.as_ref().map(|(StartFrom { step }, bytes)| {
        latents::parse(model, bytes, if is_one { 1 } else { seeds.len() }).map(|x0| Start { step: *step, x0 })
    });
    let request = Request {
        classes: vec![settings.class; seeds.len()],
        noise: Noise::Seeded(seeds),
        guidance_scales: scales,
        guidance_channels: None,
        sampler: SamplerConfig {
            spacing: settings.timestep_spacing,
            ..SamplerConfig::new(settings.sampler, settings.num_inference_steps)
        },
        start: start.transpose()?,
    };
    match experiment {
        Some(experiment) => experiment.request(model, request),
        None => Ok(request),
    }
}
