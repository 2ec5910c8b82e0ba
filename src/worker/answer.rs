//! What the model does beside a run: encoding, noising, decoding, tracing a forward pass.

use super::decode::in_stages;
use super::jobs::{Job, JobKind};
use super::latents;
use super::measure::measure;
use super::post::{post, post_with};
use crate::event_loop::next_task;
use crate::gpu::nudge;
use burn::tensor::{Int, Tensor, TensorData};
use ditscope_audio::{LogMel, wav};
use ditscope_config::{AutoencoderConfig, ConfigError};
use ditscope_core::generate::Model;
use ditscope_core::pixels::rgba;
use ditscope_frames::{bytes, read, read_all};
use ditscope_protocol::{Answer, Ask, FromWorker, Reason, Refusal};
use ditscope_schedule::training_schedule;
use std::rc::Rc;

/// Which kind of job answers.
pub fn kind(ask: &Ask) -> JobKind {
    match ask {
        Ask::Encode => JobKind::Encode,
        Ask::DecodeLatent => JobKind::DecodeLatent,
        Ask::DecodePicture { .. } => JobKind::Decode,
        Ask::QSample { .. } => JobKind::QSample,
        Ask::SeeNoise { .. } => JobKind::SeeNoise,
        Ask::ClassErrors { .. } => JobKind::ClassErrors,
        Ask::Measure { .. } => JobKind::Measure,
        Ask::Sound => JobKind::Sound,
        Ask::Trace { .. } => JobKind::Trace,
        Ask::Modulation { .. } => JobKind::Modulation,
    }
}

/// Answers, or says why not.
pub async fn answer(job: Job, model: Rc<Model>, id: u32, ask: Ask, buffer: Vec<u8>) {
    // Questions that have arrived are read first: of many that came in a row, only the last is worth the work.
    next_task().await;
    let found = if job.goes_on() { Some(nudge::during(find(&job, &model, ask, &buffer)).await) } else { None };
    match found.filter(|_| job.goes_on()) {
        Some(Ok((answer, buffers))) => {
            let message = FromWorker::Answered { id, result: Ok(answer) };
            post_with(&message, &buffers.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        Some(Err(why)) => refuse(id, why),
        None => refuse(id, job.why_stopped().into()),
    }
}

/// Says why there is no answer.
pub fn refuse(id: u32, why: Refusal) {
    post(&FromWorker::Answered { id, result: Err(why) });
}

pub type Found = (Answer, Vec<Vec<u8>>);

async fn find(job: &Job, model: &Model, ask: Ask, buffer: &[u8]) -> Result<Found, Refusal> {
    // Long: a table, an arm for each question.
    let config = &model.config.transformer;
    let latent_shape = config.latent_shape();
    match ask {
        Ask::Encode => {
            let latent = model.encode(latents::picture(model, buffer)?).map_err(|error| match error {
                ConfigError::Model(_) => Reason::NoEncoder.into(),
                other => Refusal::from(other),
            })?;
            let [latent] = read([latent]).await.map_err(failed)?;
            Ok((Answer::Encoded { latent_shape }, vec![bytes(&latent)]))
        }
        Ask::DecodeLatent => {
            let (images, preview) = quick_picture(model, latents::parse(model, buffer, 1)?);
            let [_, channels, height, width] = images.dims();
            let [pixels] = read([images.permute([0, 2, 3, 1])]).await.map_err(failed)?;
            let answer = Answer::LatentDecoded { image_shape: [height, width], preview };
            Ok((answer, vec![rgba(&pixels, channels)]))
        }
        Ask::DecodePicture { run } => {
            let pixels = in_stages(job, model, latents::parse(model, buffer, 1)?, run).await.map_err(failed)?;
            Ok((Answer::PictureDecoded, vec![pixels.ok_or_else(|| job.why_stopped())?]))
        }
        Ask::QSample { t, seed } => {
            let x_t = model.noised(latents::parse(model, buffer, 1)?, t, &[seed])?;
            let (images, preview) = quick_picture(model, x_t.clone());
            let [_, channels, height, width] = images.dims();
            let [x_t, pixels] = read([x_t, images.permute([0, 2, 3, 1])]).await.map_err(failed)?;
            let alpha_bar = training_schedule(&model.config.scheduler).alphas_cumprod[t];
            let answer = Answer::QSampled { latent_shape, image_shape: [height, width], preview, alpha_bar };
            Ok((answer, vec![bytes(&x_t), rgba(&pixels, channels)]))
        }
        Ask::SeeNoise { t, seed, class } => {
            let noises = model.seen_noise(latents::parse(model, buffer, 1)?, t, seed, class)?;
            let noises = read(noises).await.map_err(failed)?;
            Ok((Answer::NoiseSeen { latent_shape }, noises.iter().map(|noise| bytes(noise)).collect()))
        }
        Ask::ClassErrors { t, seed, classes } => {
            if classes.is_empty() || classes.len() > Ask::MOST_CLASSES {
                return Err(out_of_range("number of classes", classes.len(), 1, Ask::MOST_CLASSES));
            }
            let errors = model.class_errors(latents::parse(model, buffer, 1)?, t, seed, &classes)?;
            let [errors] = read([errors.unsqueeze()]).await.map_err(failed)?;
            Ok((Answer::ClassErrors, vec![bytes(&errors)]))
        }
        Ask::Measure { what } => measure(model, &what, buffer).await,
        Ask::Sound => sound(model, buffer).await,
        Ask::Trace { t, class, block } => trace(model, t, class, block, buffer).await,
        Ask::Modulation { class, timesteps } => {
            let most = model.config.scheduler.num_train_timesteps;
            if timesteps.is_empty() || timesteps.len() > most {
                return Err(out_of_range("number of timesteps", timesteps.len(), 1, most));
            }
            let (t, y) = condition(model, &timesteps, class)?;
            let modulation = model.dit.modulation(t, y).ok_or(Reason::NoAdaLn)?;
            let [modulation] = read([modulation.unsqueeze()]).await.map_err(failed)?;
            let answer = Answer::Modulated { timesteps: timesteps.len(), depth: config.depth };
            Ok((answer, vec![bytes(&modulation)]))
        }
    }
}

/// Decoded, or with a heavy decoder a preview; and whether it is one.
///
/// # Shapes
/// - `x`: `[N, C, h, w]`; pictures: `[N, C, H, W]`
pub fn quick_picture(model: &Model, x: Tensor<4>) -> (Tensor<4>, bool) {
    let preview = model.config.autoencoder.as_ref().is_some_and(AutoencoderConfig::is_heavy);
    (if preview { model.preview(x) } else { model.decode(x) }, preview)
}

async fn sound(model: &Model, buffer: &[u8]) -> Result<Found, Refusal> {
    let audio = model.config.audio.as_ref().ok_or(Reason::NoSound)?;
    let images = model.decode(latents::parse(model, buffer, 1)?); // [1, 1, H, W]
    let [values] = read([images]).await.map_err(failed)?;
    Ok((Answer::Sound, vec![wav::encode(&LogMel::new(audio).sound(&values), audio.sample_rate)]))
}

async fn trace(model: &Model, t: usize, class: Option<usize>, block: usize, x_t: &[u8]) -> Result<Found, Refusal> {
    let config = &model.config.transformer;
    if block >= config.depth {
        return Err(out_of_range("block", block, 0, config.depth - 1));
    }
    // A class that comes as a token has a place in the attention that is none in the picture.
    if config.conditioning.has_tokens() {
        return Err(Reason::NoAdaLn.into());
    }
    let x_t = latents::parse(model, x_t, 1)?;
    let (t, y) = condition(model, &[t], class)?;
    let (_, trace) = model.dit.forward_traced(x_t, t, y, block);
    let modulation = trace.modulation.ok_or(Reason::NoAdaLn)?;
    let tensors = vec![trace.attention, trace.token_norms.unsqueeze(), modulation.unsqueeze()];
    let buffers = read_all(tensors).await.map_err(failed)?;
    let answer = Answer::Traced { block, heads: config.num_heads, depth: config.depth, grid: config.grid() };
    Ok((answer, buffers.iter().map(|values| bytes(values)).collect()))
}

/// Timesteps and as many classes, `[N]` each, on the device.
fn condition(model: &Model, timesteps: &[usize], class: Option<usize>) -> Result<(Tensor<1>, Tensor<1, Int>), Refusal> {
    let (config, n) = (&model.config.transformer, timesteps.len());
    let last = model.config.scheduler.num_train_timesteps - 1;
    if let Some(t) = timesteps.iter().find(|t| **t > last) {
        return Err(out_of_range("timestep", *t, 0, last));
    }
    if let Some(class) = class.filter(|class| *class >= config.num_classes) {
        return Err(out_of_range("class", class, 0, config.num_classes - 1));
    }
    if class.is_none() && !config.has_null_label {
        return Err(Reason::OutOfRange.of("class", "none", format!("0 to {}", config.num_classes - 1)));
    }
    let t: Vec<f32> = timesteps.iter().map(|t| model.config.scheduler.told_at(*t) as f32).collect();
    let y = vec![class.unwrap_or(config.null_label()) as i64; n];
    let device = &model.device;
    Ok((Tensor::from_data(TensorData::new(t, [n]), device), Tensor::from_data(TensorData::new(y, [n]), device)))
}

pub fn out_of_range(name: &'static str, value: usize, least: usize, most: usize) -> Refusal {
    Reason::OutOfRange.of(name, value, format!("{least} to {most}"))
}

pub fn failed(error: String) -> Refusal {
    Reason::Device.found(error)
}
