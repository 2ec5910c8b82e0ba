//! How a model's pictures grew during its training: written by the command line, shown by the page.

use super::SamplerKind;
use serde::{Deserialize, Serialize};

/// Pictures of the same classes and seeds at some steps of a training. They lie in one sheet beside this: a row for each of
/// those steps, in it for each class a run, from the first prediction to the finished picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    pub model: String,
    /// Of a picture, in pixels.
    pub width: usize,
    pub height: usize,
    /// By number and by name.
    pub classes: Vec<usize>,
    pub labels: Vec<String>,
    /// One for each class.
    pub seeds: Vec<u64>,
    pub sampler: SamplerKind,
    pub num_inference_steps: usize,
    pub guidance_scale: f64,
    /// Where in a run its pictures are taken: the predictions x̂0 at these timesteps, then the finished picture.
    pub timesteps: Vec<usize>,
    /// Steps of the training.
    pub steps: Vec<usize>,
    /// Mean of the loss around some steps of the training.
    pub loss: Vec<(usize, f64)>,
    /// Of the same network trained again, not of the weights that the film stands beside.
    #[serde(default)]
    pub repeated: bool,
}

impl Growth {
    /// Pictures of a run.
    pub fn places(&self) -> usize {
        self.timesteps.len() + 1
    }
}
