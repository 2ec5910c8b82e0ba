//! The autoencoder: pictures to latents and back.

use crate::{Dataset, Perceptual, Task};
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_core::autoencoder::AutoencoderTiny;
use ditscope_noise::{self as noise, gaussian};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Giving pictures back from their latents.
pub struct AutoencoderTask {
    pub data: Dataset,
    /// With autodiff.
    pub device: Device,
    /// Noise added to the latents, in units of their standard deviation.
    pub latent_noise: f64,
    /// What counts beside the squared error.
    pub perceptual: Option<Perceptual>,
}

/// Pictures `[B, C, side, side]`, the seed of the latent noise, and what counts beside the squared error.
pub struct Batch {
    images: Tensor<4>,
    seed: u64,
    perceptual: Option<Perceptual>,
}

impl Task for AutoencoderTask {
    type Model = AutoencoderTiny;
    type Batch = Batch;

    fn num_pictures(&self) -> usize {
        self.data.len()
    }

    fn batch(&self, indices: &[usize], rng: &mut ChaCha8Rng) -> Batch {
        let mirror = self.data.info.mirror;
        let flips: Vec<bool> = indices.iter().map(|_| noise::uniform(rng) < 0.5 && mirror).collect();
        let images = self.data.batch(indices, |i| flips[i], &self.device);
        Batch { images, seed: rng.next_u64(), perceptual: self.perceptual.clone() }
    }

    fn batch_on(&self, batch: &Batch, device: &Device) -> Batch {
        let perceptual = batch.perceptual.as_ref().map(|it| it.on(device));
        Batch { images: batch.images.clone().to_device(device), seed: batch.seed, perceptual }
    }

    /// Squared error per number of a picture, and how different it looks if that counts. Noise on the latents keeps neighbouring latents alike, which is what
    /// the transformer's small errors need.
    fn loss(&self, model: &AutoencoderTiny, batch: &Batch) -> Tensor<1> {
        let z = model.encode(batch.images.clone()); // [B, C, h, w]
        let shape = z.dims();
        let noise = TensorData::new(gaussian(batch.seed, 0, shape.iter().product()), shape);
        let noise = Tensor::from_data(noise, &z.device());
        let [_, c, _, _] = shape;
        let std = z.clone().detach().swap_dims(0, 1).reshape([c as i32, -1]).var(1).sqrt().reshape([1, c as i32, 1, 1]);
        let decoded = model.decode(z + noise * std * self.latent_noise);
        let squared = (decoded.clone() - batch.images.clone()).square().sum() / self.data.info.picture_len() as f64;
        match &batch.perceptual {
            Some(perceptual) => squared + perceptual.loss(decoded, batch.images.clone()),
            None => squared,
        }
    }
}
