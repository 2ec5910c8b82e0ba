//! What is seen of a training: samples of the averaged weights, and what they say of training pictures.

use burn::tensor::{Int, Tensor, TensorData};
use ditscope_core::diffusion::prediction::predict;
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_frames::pictures;
use ditscope_protocol::training::{FromTrainer, SamplesInfo};
use ditscope_protocol::{Reason, Refusal};
use ditscope_schedule::training_schedule;
use ditscope_tensor_file::LatentSet;

/// Steps of a sample's run: few, as there are many.
const STEPS: usize = 10;
/// No more samples at a time.
const MOST_SAMPLES: usize = 10;
/// Shares of the process at which it is asked for the picture.
const LEVELS: [f64; 3] = [0.25, 0.5, 0.75];

/// One picture of each of some classes, always from the same noise. `labels`: classes of the model.
///
/// # Errors
/// A device that does not answer.
pub async fn samples(model: &Model, labels: &[usize], step: usize) -> Result<(SamplesInfo, Vec<u8>), Refusal> {
    let labels: Vec<usize> = spread(labels, MOST_SAMPLES);
    let defaults = &model.config.defaults;
    let request = Request {
        classes: labels.clone(),
        noise: Noise::Seeded(labels.iter().map(|label| *label as u64).collect()),
        guidance_scales: vec![defaults.guidance_scale],
        guidance_channels: None,
        sampler: SamplerConfig::new(defaults.sampler, STEPS),
        start: None,
    };
    let mut run = Run::new(model, request)?;
    while !run.is_done() {
        run.step()?;
    }
    let side = model.config.image_size();
    let pixels = pixels(model, run.x_t().clone()).await?;
    Ok((SamplesInfo { step, image_shape: [side, side], labels }, pixels))
}

/// What the model takes for the picture in a few training pictures under noise, others each time.
///
/// `labels[i]` is what the model calls the class `classes[i]` of the latents.
///
/// # Errors
/// As [`samples`].
pub async fn exercise(
    model: &Model,
    set: &LatentSet,
    classes: &[usize],
    labels: &[usize],
    step: usize,
) -> Result<(FromTrainer, Vec<u8>), Refusal> {
    let (diffusion, schedule) = (&model.config.scheduler, training_schedule(&model.config.scheduler));
    let [c, h, w] = set.info.shape;
    let place = |i: usize| classes.iter().position(|class| *class == usize::from(set.labels[i]));
    let pictures: Vec<(usize, usize)> = (0..set.labels.len()).filter_map(|i| Some((i, place(i)?))).collect();
    let (mut shown, mut named, mut timesteps) = (vec![], vec![], vec![]);
    for (i, level) in LEVELS.into_iter().enumerate() {
        // Far from one another, and others at every step.
        let number = step * LEVELS.len() + i;
        let (index, place) = pictures[number * 997 % pictures.len()];
        let t = (level * (diffusion.num_train_timesteps - 1) as f64) as usize;
        let values: Vec<f32> = set.latent(index).collect();
        let x0 = Tensor::<4>::from_data(TensorData::new(values, [1, c, h, w]), &model.device); // [1, C, h, w]
        let x_t = model.noised(x0.clone(), t, &[number as u64])?; // [1, C, h, w]
        let y = Tensor::<1, Int>::from_data(TensorData::new(vec![labels[place] as i64], [1]), &model.device); // [1]
        let (output, _) = model.outputs(x_t.clone(), t, y, false); // [1, C, h, w]
        let x0_hat = predict(diffusion, &schedule, t, x_t.clone(), output).x0_hat; // [1, C, h, w]
        shown.extend([x0, x_t, x0_hat]);
        named.push(labels[place]);
        timesteps.push(t);
    }
    let side = model.config.image_size();
    let pixels = pixels(model, Tensor::cat(shown, 0)).await?;
    Ok((FromTrainer::Exercise { step, image_shape: [side, side], labels: named, timesteps }, pixels))
}

/// Latents as pictures, u8 RGBA `[N, H, W, 4]`.
async fn pixels(model: &Model, x: Tensor<4>) -> Result<Vec<u8>, Refusal> {
    pictures(model.decode(x)).await.map_err(|error| Reason::Device.found(error))
}

/// So many of them at most, evenly.
fn spread(all: &[usize], most: usize) -> Vec<usize> {
    let count = all.len().min(most);
    (0..count).map(|i| all[i * all.len() / count]).collect()
}
