//! The training set as the transformer sees it: latents, encoded once.

use ditscope_config::LatentStats;

/// All latents of the training set: first of the pictures, then of their mirror images, where those are as good.
pub struct Latents {
    values: Vec<f32>,
    shape: [usize; 3],
}

impl Latents {
    /// # Shapes
    /// - `values`: `[pictures or 2·pictures, C, h, w]`, `shape`: `[C, h, w]`
    pub fn new(values: Vec<f32>, shape: [usize; 3]) -> Self {
        Self { values, shape }
    }

    /// `[C, h, w]`
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// `[pictures or 2·pictures, C, h, w]`
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Mean and standard deviation of every channel.
    pub fn stats(&self) -> LatentStats {
        let [c, h, w] = self.shape;
        let (mut mean, mut std) = (Vec::new(), Vec::new());
        for channel in 0..c {
            let of_channel =
                || self.values.chunks_exact(h * w).skip(channel).step_by(c).flatten().map(|v| f64::from(*v));
            let count = (self.values.len() / c) as f64;
            let m = of_channel().sum::<f64>() / count;
            let s = (of_channel().map(|v| (v - m).powi(2)).sum::<f64>() / count).sqrt();
            mean.push(m as f32);
            std.push(s as f32);
        }
        LatentStats { mean, std, rgb: None }
    }

    /// Those of the first pictures only: as many as there are pictures leave out all mirror images.
    pub fn truncate(&mut self, pictures: usize) {
        self.values.truncate(pictures * self.shape.iter().product::<usize>());
    }

    /// Brings every channel to mean 0 and standard deviation 1.
    pub fn standardize(&mut self, stats: &LatentStats) {
        let [c, h, w] = self.shape;
        for (i, chunk) in self.values.chunks_exact_mut(h * w).enumerate() {
            chunk.iter_mut().for_each(|v| *v = (*v - stats.mean[i % c]) / stats.std[i % c]);
        }
    }

    /// The latent of a picture, or of its mirror image where there are such.
    pub(crate) fn get(&self, index: usize, mirrored: bool, num_pictures: usize) -> &[f32] {
        let len: usize = self.shape.iter().product();
        let has_mirrored = self.values.len() > num_pictures * len;
        let index = if mirrored && has_mirrored { num_pictures + index } else { index };
        &self.values[index * len..][..len]
    }
}
