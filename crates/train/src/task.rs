//! What can be trained.

use burn::module::Module;
use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

/// A thing to train.
pub trait Task: Sync {
    type Model: Module + Sync;
    /// Plain data or tensors of one micro-batch.
    type Batch: Send + Sync;

    /// Pictures in the training set.
    fn num_pictures(&self) -> usize;
    /// A micro-batch of these training pictures; all randomness comes from `rng`.
    fn batch(&self, indices: &[usize], rng: &mut ChaCha8Rng) -> Self::Batch;
    /// Sum of the losses of the micro-batch, `[1]`.
    fn loss(&self, model: &Self::Model, batch: &Self::Batch) -> Tensor<1>;
}
