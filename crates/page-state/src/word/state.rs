//! The letters of the word on the stage, and how sure each is; pure.

use crate::Shared;
use crate::stage::clean_latent;
use ditscope_config::Letter;

/// Those of the selected picture at the step on the stage, as far as the model sees it there; nothing where pictures are no
/// words, or the step has no prediction.
pub fn letters(shared: &Shared) -> Option<Vec<Letter>> {
    let config = shared.models.config.as_ref()?;
    let (text, stats) = (config.text.as_ref()?, &config.latents);
    let (film, latent) = clean_latent(shared)?;
    // A film of another model, until this one has made its own.
    let places = film.info.latent_shape[2];
    if film.info.latent_shape != config.transformer.latent_shape() || places == 0 {
        return None;
    }
    let channels = latent.chunks_exact(places).zip(stats.mean.iter().zip(&stats.std));
    let bits: Vec<f32> =
        channels.flat_map(|(bits, (mean, std))| bits.iter().map(move |bit| bit * std + mean)).collect();
    Some(text.letters(&bits))
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
