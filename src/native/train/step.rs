//! Gradients of one batch, data-parallel over threads and micro-batches.
//!
//! On a CPU the elementwise passes are bound by memory, so a micro-batch that
//! stays in the cache beats one big batch; and threads that each run a whole
//! micro-batch wait less for one another than threads that share every small
//! operation.

use crate::native::parallel::on_threads;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs forward and backward for every micro-batch and sums the gradients.
///
/// `loss` gives the *sum* of the losses of its micro-batch divided by the size of the whole
/// batch, so that sums over micro-batches are means over the batch.
///
/// Returns the batch's loss and its gradients.
pub fn gradients<M, B>(
    model: &M,
    device: &Device,
    threads: usize,
    micro_batches: &[B],
    loss: &(impl Fn(&M, &B) -> Tensor<1> + Sync),
) -> (f64, GradientsParams)
where
    M: Module + Sync,
    B: Sync,
{
    let next = AtomicUsize::new(0);
    let total = Mutex::new((0.0, GradientsAccumulator::<M>::new()));
    let work = || {
        // Leaves of its own keep this thread's autodiff graph apart from the others'.
        let model = model.clone().fork(device);
        let mut sum = 0.0;
        let mut own = GradientsAccumulator::<M>::new();
        while let Some(batch) = micro_batches.get(next.fetch_add(1, Ordering::Relaxed)) {
            let loss = loss(&model, batch);
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            own.accumulate(&model, grads);
            sum += f64::from(loss.into_scalar::<f32>());
        }
        let mut total = total.lock().expect("no thread panics while it holds the sum");
        total.0 += sum;
        total.1.accumulate(&model, own.grads());
    };
    on_threads(threads, work);
    let (sum, mut accumulator) = total.into_inner().expect("all threads have ended well");
    (sum, accumulator.grads())
}
