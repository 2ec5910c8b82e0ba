//! Gradients summed over micro-batches.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;

/// The loss of some micro-batches and its gradients.
pub struct Gradients<M> {
    loss: f64,
    sum: GradientsAccumulator<M>,
}

impl<M: Module> Default for Gradients<M> {
    fn default() -> Self {
        Self { loss: 0.0, sum: GradientsAccumulator::new() }
    }
}

impl<M: Module> Gradients<M> {
    /// Adds a micro-batch.
    ///
    /// # Shapes
    /// - `loss`: `[1]`, the *sum* of the losses of the micro-batch divided by the size of the whole batch, so that sums
    ///   over micro-batches are means over the batch
    pub async fn add(&mut self, model: &M, loss: Tensor<1>) {
        let gradients = GradientsParams::from_grads(loss.backward(), model);
        self.sum.accumulate(model, gradients);
        self.loss += f64::from(scalar(loss).await);
    }

    /// Adds what another has summed.
    pub fn merge(&mut self, model: &M, mut other: Self) {
        self.loss += other.loss;
        self.sum.accumulate(model, other.sum.grads());
    }

    /// The batch's loss and its gradients.
    pub fn finish(mut self) -> (f64, GradientsParams) {
        (self.loss, self.sum.grads())
    }
}

/// The one number of a tensor `[1]`, read back.
pub(crate) async fn scalar(tensor: Tensor<1>) -> f32 {
    let data = tensor.into_data_async().await.expect("the device answers").convert::<f32>();
    data.try_into_vec::<f32>().expect("converted to f32")[0]
}
