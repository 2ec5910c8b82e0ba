//! Gradients of one batch, data-parallel over threads and micro-batches.
//!
//! On a CPU the elementwise passes are bound by memory, so a micro-batch that
//! stays in the cache beats one big batch; and threads that each run a whole
//! micro-batch wait less for one another than threads that share every small
//! operation.

use crate::parallel::on_threads;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use ditscope_train::Gradients;
use pollster::block_on;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs forward and backward for every micro-batch and sums the gradients.
///
/// `loss` is that of [`Gradients::add`]. Returns the batch's loss and its gradients.
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
    let total = Mutex::new(Gradients::default());
    let work = || {
        // Leaves of its own keep this thread's autodiff graph apart from the others'.
        let model = model.clone().fork(device);
        let mut own = Gradients::default();
        while let Some(batch) = micro_batches.get(next.fetch_add(1, Ordering::Relaxed)) {
            block_on(own.add(&model, loss(&model, batch)));
        }
        total.lock().expect("no thread panics while it holds the sum").merge(&model, own);
    };
    on_threads(threads, work);
    total.into_inner().expect("all threads have ended well").finish()
}
