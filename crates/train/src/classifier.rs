//! A small convolutional network that names pictures, and whose features measure distances between sets of them.

use crate::{Dataset, DatasetInfo, Task};
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_noise as noise;
use rand_chacha::ChaCha8Rng;

/// Length of the penultimate feature vector.
pub const NUM_FEATURES: usize = 64;

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

    /// What each convolution finds, after its ReLU: the first at the pictures' side, each other at half of the side before.
    ///
    /// # Shapes
    /// - `images`: `[N, C, side, side]` in [−1, 1]
    /// - results: `[N, width, side / 2^i, side / 2^i]`
    pub fn maps(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        let mut maps: Vec<Tensor<4>> = Vec::with_capacity(self.convs.len());
        for conv in &self.convs {
            let x = maps.last().map_or_else(|| images.clone(), |map| self.pool.forward(map.clone()));
            maps.push(relu(conv.forward(x)));
        }
        maps
    }

    /// # Shapes
    /// - `images`: `[N, C, side, side]` in [−1, 1]
    /// - results: features `[N, 64]`, logits `[N, classes]`
    pub fn forward(&self, images: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let last = self.maps(images).pop().expect("there are convolutions");
        let x = self.pool.forward(last); // [N, 64, pooled, pooled]
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
}

/// Naming pictures.
pub struct ClassifierTask {
    pub data: Dataset,
    /// With autodiff.
    pub device: Device,
}

/// Pictures `[B, C, side, side]` and their classes `[B]`.
pub struct Batch {
    images: Tensor<4>,
    labels: Tensor<1, Int>,
}

impl Task for ClassifierTask {
    type Model = Classifier;
    type Batch = Batch;

    fn num_pictures(&self) -> usize {
        self.data.len()
    }

    fn batch(&self, indices: &[usize], rng: &mut ChaCha8Rng) -> Batch {
        let mirror = self.data.info.mirror;
        let flips: Vec<bool> = indices.iter().map(|_| noise::uniform(rng) < 0.5 && mirror).collect();
        let labels: Vec<i64> = indices.iter().map(|i| i64::from(self.data.labels[*i])).collect();
        Batch {
            images: self.data.batch(indices, |i| flips[i], &self.device),
            labels: Tensor::from_data(TensorData::new(labels, [indices.len()]), &self.device),
        }
    }

    fn batch_on(&self, batch: &Batch, device: &Device) -> Batch {
        Batch { images: batch.images.clone().to_device(device), labels: batch.labels.clone().to_device(device) }
    }

    fn loss(&self, model: &Classifier, batch: &Batch) -> Tensor<1> {
        let [count, _, _, _] = batch.images.dims();
        let (_, logits) = model.forward(batch.images.clone());
        let loss = CrossEntropyLossConfig::new().with_smoothing(Some(0.05)).init(&logits.device());
        loss.forward(logits, batch.labels.clone()) * count as f64
    }
}
