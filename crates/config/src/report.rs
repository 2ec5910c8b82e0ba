//! What `dit eval` measured: written by the command line, shown by the page.

use super::{Conditioning, SamplerKind, Savings};
use serde::{Deserialize, Serialize};

/// Everything that was measured of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalReport {
    pub model: String,
    pub conditioning: Conditioning,
    pub depth: usize,
    /// Of the transformer.
    pub parameters: u64,
    /// Bytes of all weight files.
    pub weight_bytes: u64,
    /// Multiply-adds of one forward pass of one picture, in thousand millions.
    pub pass_gflops: f64,
    /// Mean squared error of the prediction over test pictures, timesteps and noise; absent without an encoder.
    pub loss: Option<f64>,
    /// Pictures for each row.
    pub samples: usize,
    /// The classifier's own accuracy on the test set.
    pub classifier_accuracy: f64,
    /// Fréchet distance of as many training pictures from the test set: what a perfect model would reach.
    pub floor: f64,
    /// The same training pictures, encoded and decoded: what the autoencoder alone costs.
    pub reconstruction: Option<f64>,
    pub rows: Vec<EvalRow>,
}

/// One way to make pictures, and how good they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalRow {
    pub sampler: SamplerKind,
    pub steps: usize,
    pub guidance_scale: f64,
    #[serde(default)]
    pub savings: Savings,
    /// Multiply-adds of the transformer for one picture, in thousand millions.
    pub gflops: f64,
    /// Share of the pictures that the classifier names as they were asked for.
    pub class_accuracy: f64,
    /// From the test set, in the classifier's features (Heusel et al. 2017, arXiv:1706.08500).
    pub frechet_distance: f64,
    /// Mean length of the way of `x_t` from noise to result, in lengths of the straight line between the two: 1 is straight
    /// (compare Liu et al. 2023, arXiv:2209.03003, section 2.2). `None` where fresh noise is added on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_length: Option<f64>,
    /// For all pictures, on the machine that measured.
    pub seconds: f64,
}
