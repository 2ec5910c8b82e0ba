//! Pictures with class numbers, in memory.

use super::latents::Latents;
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_config::{AudioConfig, TextConfig};
use serde::{Deserialize, Serialize};

/// What a data set is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// For people.
    pub name: String,
    /// Colour channels: 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Side of the (square) pictures in pixels; of words, how many letters they have at most.
    pub side: usize,
    /// Class names, by class number.
    pub labels: Vec<String>,
    /// Whether a mirror image is as good a picture of its class.
    pub mirror: bool,
    /// Of the data; shown with every model that was trained on it.
    pub license: String,
    /// How its pictures are sounds, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioConfig>,
    /// How its pictures are words, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextConfig>,
}

/// Pictures with class numbers.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub info: DatasetInfo,
    /// `[len, C, side, side]`, 0 to 255; of words the numbers of their symbols, `[len, side]`.
    pub images: Vec<u8>,
    pub labels: Vec<u8>,
}

impl DatasetInfo {
    /// Bytes of one picture.
    pub fn picture_len(&self) -> usize {
        if self.text.is_some() { self.side } else { self.channels * self.side * self.side }
    }
}

impl Dataset {
    /// The first `count` pictures, or all.
    pub fn first(mut self, count: usize) -> Self {
        self.labels.truncate(count);
        self.images.truncate(count * self.info.picture_len());
        self
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true for a set that was loaded.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// One picture's pixels, `[C, side, side]`.
    pub fn pixels(&self, index: usize) -> &[u8] {
        let len = self.info.picture_len();
        &self.images[index * len..][..len]
    }

    /// The latents of words; nothing for pictures.
    pub fn letters(&self) -> Option<Latents> {
        let text = self.info.text.as_ref()?;
        let values = self.images.chunks_exact(self.info.side).flat_map(|codes| text.latent(codes)).collect();
        Some(Latents::new(values, [text.bits(), 1, self.info.side]))
    }

    /// Pictures as a tensor in [−1, 1], those with `flip[i]` mirrored left to right.
    ///
    /// # Shapes
    /// - result: `[indices.len(), C, side, side]`
    pub fn batch(&self, indices: &[usize], flip: impl Fn(usize) -> bool, device: &Device) -> Tensor<4> {
        let DatasetInfo { channels, side, .. } = self.info;
        let mut values = Vec::with_capacity(indices.len() * self.info.picture_len());
        for (i, &index) in indices.iter().enumerate() {
            for row in self.pixels(index).chunks_exact(side) {
                let scaled = |p: &u8| f32::from(*p) / 127.5 - 1.0;
                match flip(i) {
                    true => values.extend(row.iter().rev().map(scaled)),
                    false => values.extend(row.iter().map(scaled)),
                }
            }
        }
        Tensor::from_data(TensorData::new(values, [indices.len(), channels, side, side]), device)
    }
}
