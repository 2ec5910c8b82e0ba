//! Measurements: what is asked of a model about one latent.

use super::answer::{Found, failed, out_of_range, quick_picture};
use super::latents;
use burn::tensor::Tensor;
use ditscope_config::{Measurement, RunSettings};
use ditscope_core::generate::Model;
use ditscope_core::pixels::rgba;
use ditscope_frames::{bytes, read};
use ditscope_protocol::{Answer, Reason, Refusal};

/// Sets of parts that one question may be about.
const MOST_SETS: usize = 64;

/// `buffer`: the latent, or nothing.
pub async fn measure(model: &Model, what: &str, buffer: &[u8]) -> Result<Found, Refusal> {
    let what: Measurement = serde_json::from_str(what).map_err(|error| Reason::Message.found(error))?;
    let count = if let Measurement::Decode { count } = what { count } else { 1 };
    let x0 = if buffer.is_empty() { None } else { Some(latents::parse(model, buffer, count)?) };
    let needed = || x0.clone().ok_or_else(|| out_of_range("latents", 0, 1, 1));
    let buffers = match what {
        Measurement::OneStep { t, class, guidance_scale, seeds } => {
            let most = *RunSettings::NUM_IMAGES.end();
            if seeds.is_empty() || seeds.len() > most {
                return Err(out_of_range("number of seeds", seeds.len(), 1, most));
            }
            one_step(model, model.one_step(x0, t, class, guidance_scale, &seeds)?).await?
        }
        Measurement::Invert { class, steps } => {
            let (least, most) = (*RunSettings::STEPS.start(), *RunSettings::STEPS.end());
            if !RunSettings::STEPS.contains(&steps) {
                return Err(out_of_range("steps", steps, least, most));
            }
            let [noise] = read([model.inverted(needed()?, class, steps)?]).await.map_err(failed)?;
            vec![bytes(&noise)]
        }
        Measurement::Decode { count } => {
            let most = *RunSettings::NUM_IMAGES.end();
            if count == 0 || count > most {
                return Err(out_of_range("latents", count, 1, most));
            }
            vec![decoded(model, needed()?).await?]
        }
        Measurement::Without { t, seed, class, sets } => {
            if sets.len() > MOST_SETS {
                return Err(out_of_range("number of sets", sets.len(), 0, MOST_SETS));
            }
            let errors = model.errors_without(needed()?, t, seed, class, &sets)?;
            let [errors] = read([errors.unsqueeze()]).await.map_err(failed)?;
            vec![bytes(&errors)]
        }
    };
    Ok((Answer::Measured, buffers))
}

/// The latents, and pictures of them and of their mean.
async fn one_step(model: &Model, x0_hat: Tensor<4>) -> Result<Vec<Vec<u8>>, Refusal> {
    let mean = x0_hat.clone().mean_dim(0); // [1, C, h, w]
    let pictures = decoded(model, Tensor::cat(vec![x0_hat.clone(), mean], 0)).await?;
    let [x0_hat] = read([x0_hat]).await.map_err(failed)?;
    Ok(vec![bytes(&x0_hat), pictures])
}

/// RGBA `[N, H, W, 4]` of latents `[N, C, h, w]`.
async fn decoded(model: &Model, latents: Tensor<4>) -> Result<Vec<u8>, Refusal> {
    let (images, _) = quick_picture(model, latents);
    let [_, channels, ..] = images.dims();
    let [pixels] = read([images.permute([0, 2, 3, 1])]).await.map_err(failed)?;
    Ok(rgba(&pixels, channels))
}
