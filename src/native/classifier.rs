//! A small convolutional network that names pictures, and whose features measure distances between sets of them.

use super::data::DatasetInfo;
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

/// Convolution, ReLU and max-pooling until few pixels are left; then two linear layers.
#[derive(Module, Debug)]
pub struct Classifier {
    convs: Vec<Conv2d>,
    pool: MaxPool2d,
    features: Linear,
    logits: Linear,
}

impl Classifier {
    /// Side to which the pictures are pooled, at most.
    const POOLED: usize = 7;

    /// For the pictures and classes of this data set.
    pub fn new(info: &DatasetInfo, device: &Device) -> Self {
        let stages = (0..).find(|halvings| info.side >> halvings <= Self::POOLED).unwrap_or(0);
        let widths = (0..stages).map(|stage| 16 << stage.min(2));
        let widths: Vec<usize> = std::iter::once(info.channels).chain(widths).collect();
        let pooled = info.side >> stages;
        let conv = |from, to| {
            Conv2dConfig::new([from, to], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
        };
        Self {
            convs: widths.windows(2).map(|w| conv(w[0], w[1])).collect(),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            features: LinearConfig::new(widths[stages] * pooled * pooled, NUM_FEATURES).init(device),
            logits: LinearConfig::new(NUM_FEATURES, info.labels.len()).init(device),
        }
    }

    /// # Shapes
    /// - `images`: `[N, C, side, side]` in [−1, 1]
    /// - results: features `[N, 64]`, logits `[N, classes]`
    pub fn forward(&self, images: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let x = self.convs.iter().fold(images, |x, conv| self.pool.forward(relu(conv.forward(x)))); // [N, 64, pooled, pooled]
        let features = relu(self.features.forward(x.flatten::<2>(1, 3)));
        (features.clone(), self.logits.forward(features))
    }

    /// Feature vectors (one after the other) and the most likely class of each picture.
    pub fn judge(&self, images: Tensor<4>) -> (Vec<f32>, Vec<usize>) {
        let (features, logits) = self.forward(images);
        let [_, classes] = logits.dims();
        let values = |t: Tensor<2>| t.into_data().convert::<f32>().try_into_vec::<f32>().expect("converted to f32");
        let largest = |row: &[f32]| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
        (values(features), values(logits).chunks_exact(classes).map(largest).collect())
    }

    /// # Errors
    /// Names the file that could not be written.
    pub fn save(&self, dir: &Path) -> Result<()> {
        save_tensors(dir, &collect(self, PREFIX), Dtype::F16)
    }

    /// # Errors
    /// Names the file or tensor that is missing or wrong.
    pub fn load(dir: &Path, info: &DatasetInfo, device: &Device) -> Result<Self> {
        let mut loader = Loader::default();
        let model = fold_shards(dir, Self::new(info, device), |model, file, bytes| {
            Ok(loader.apply(model, PREFIX, file, bytes, device)?)
        })
        .with_context(|| format!("--classifier wants what 'dit train classifier' wrote for {}", info.name))?;
        loader.finish(&model, PREFIX).with_context(|| dir.display().to_string())?;
        Ok(model)
    }
}
