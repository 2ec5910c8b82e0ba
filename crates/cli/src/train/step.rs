//! Gradients of one batch, data-parallel over threads, other machines' devices and micro-batches.
//!
//! On a CPU the elementwise passes are bound by memory, so a micro-batch that
//! stays in the cache beats one big batch; and threads that each run a whole
//! micro-batch wait less for one another than threads that share every small
//! operation.

use crate::nodes::{Remote, patiently};
use crate::parallel::on_threads;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use ditscope_train::{Gradients, Task};
use pollster::block_on;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What shares the micro-batches of a step.
pub struct Workers<'a> {
    /// Of this machine, with autodiff.
    pub device: &'a Device,
    /// Threads that work on it.
    pub threads: usize,
    pub remotes: &'a [Remote],
}

impl Workers<'_> {
    /// Runs forward and backward for every micro-batch and sums the gradients; whoever is ready takes the next. Each loss is
    /// multiplied by `scale`. Returns the batch's loss and its gradients, on this machine's device.
    ///
    /// # Errors
    /// Names the device that was lost: the sums lack its micro-batches.
    pub fn gradients<T: Task>(
        &self,
        task: &T,
        model: &T::Model,
        micro_batches: &[T::Batch],
        scale: f64,
    ) -> anyhow::Result<(f64, GradientsParams)> {
        let next = AtomicUsize::new(0);
        let take = || micro_batches.get(next.fetch_add(1, Ordering::Relaxed));
        let loss = |model: &T::Model, batch: &T::Batch| -> Tensor<1> { task.loss(model, batch) * scale };
        let total = Mutex::new(Gradients::default());
        let merge = |own| total.lock().expect("no thread panics while it holds the sum").merge(model, own);
        let here = || {
            // Leaves of its own keep this thread's autodiff graph apart from the others'.
            let model = model.clone().fork(self.device);
            let mut own = Gradients::default();
            while let Some(batch) = take() {
                block_on(own.add(&model, loss(&model, batch))).expect("this machine's device answers");
            }
            merge(own);
        };
        let there = |remote: &Remote| -> anyhow::Result<()> {
            let model = model.clone().fork(&remote.device);
            let mut own = Gradients::default();
            while let Some(batch) = take() {
                let batch = task.batch_on(batch, &remote.device);
                let added = patiently(remote, own.add(&model, loss(&model, &batch)));
                // Nobody needs the rest of a step that has a hole.
                added.inspect_err(|_| next.store(micro_batches.len(), Ordering::Relaxed))?;
                remote.done.fetch_add(1, Ordering::Relaxed);
            }
            merge(patiently(remote, own.brought(&model, &self.device.clone().inner()))?);
            Ok(())
        };
        std::thread::scope(|scope| {
            let working: Vec<_> = self.remotes.iter().map(|remote| scope.spawn(move || there(remote))).collect();
            on_threads(self.threads, here);
            working.into_iter().try_for_each(|thread| thread.join().expect("no thread of a remote device panics"))
        })?;
        Ok(total.into_inner().expect("all threads have ended well").finish())
    }
}
