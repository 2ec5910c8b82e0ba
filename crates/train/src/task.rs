//! What can be trained.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

/// A thing to train.
pub trait Task: Send + Sync + 'static {
    type Model: Module + Sync + 'static;
    /// Plain data or tensors of one micro-batch.
    type Batch: Send + Sync + 'static;

    /// Pictures in the training set.
    fn num_pictures(&self) -> usize;
    /// A micro-batch of these training pictures; all randomness comes from `rng`.
    fn batch(&self, indices: &[usize], rng: &mut ChaCha8Rng) -> Self::Batch;
    /// The same micro-batch on another device, which has a model of its own.
    fn batch_on(&self, batch: &Self::Batch, device: &Device) -> Self::Batch;
    /// Sum of the losses of the micro-batch, `[1]`.
    fn loss(&self, model: &Self::Model, batch: &Self::Batch) -> Tensor<1>;
}
