//! A small convolutional network that names pictures, and whose features measure distances between sets of them.

use super::model_dir::{fold_shards, save_tensors};
use crate::weights::{Dtype, Loader, collect};
use anyhow::{Context, Result};
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use std::path::Path;

/// Length of the penultimate feature vector.
pub const NUM_FEATURES: usize = 64;
const PREFIX: &str = "classifier.";

/// Three times convolution, ReLU, max-pooling; then two linear layers.
#[derive(Module, Debug)]
pub struct Classifier {
    convs: Vec<Conv2d>,
    pool: MaxPool2d,
    features: Linear,
    logits: Linear,
}

impl Classifier {
    pub fn new(device: &Device) -> Self {
        const WIDTHS: [usize; 4] = [1, 16, 32, 64];
        let conv = |from, to| {
            Conv2dConfig::new([from, to], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
        };
        Self {
            convs: WIDTHS.windows(2).map(|w| conv(w[0], w[1])).collect(),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            features: LinearConfig::new(WIDTHS[3] * 4 * 4, NUM_FEATURES).init(device),
            logits: LinearConfig::new(NUM_FEATURES, 10).init(device),
        }
    }

    /// # Shapes
    /// - `images`: `[N, 1, 32, 32]` in [−1, 1]
    /// - results: features `[N, 64]`, logits `[N, 10]`
    pub fn forward(&self, images: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let x = self.convs.iter().fold(images, |x, conv| self.pool.forward(relu(conv.forward(x)))); // [N, 64, 4, 4]
        let features = relu(self.features.forward(x.flatten::<2>(1, 3)));
        (features.clone(), self.logits.forward(features))
    }

    /// Feature vectors (one after the other) and the most likely class of each picture.
    pub fn judge(&self, images: Tensor<4>) -> (Vec<f32>, Vec<usize>) {
        let (features, logits) = self.forward(images);
        let values = |t: Tensor<2>| t.into_data().convert::<f32>().try_into_vec::<f32>().expect("converted to f32");
        let largest = |row: &[f32]| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
        (values(features), values(logits).chunks_exact(10).map(largest).collect())
    }

    /// # Errors
    /// Names the file that could not be written.
    pub fn save(&self, dir: &Path) -> Result<()> {
        save_tensors(dir, &collect(self, PREFIX), Dtype::F16)
    }

    /// # Errors
    /// Names the file or tensor that is missing or wrong.
    pub fn load(dir: &Path, device: &Device) -> Result<Self> {
        let mut loader = Loader::default();
        let model = fold_shards(dir, Self::new(device), |model, file, bytes| {
            Ok(loader.apply(model, PREFIX, file, bytes, device)?)
        })
        .context("--classifier wants the output folder of 'dit train classifier'")?;
        loader.finish(&model, PREFIX).with_context(|| dir.display().to_string())?;
        Ok(model)
    }
}
