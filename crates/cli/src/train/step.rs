//! Gradients of one batch, data-parallel over threads, other machines' devices and micro-batches.
//!
//! On a CPU the elementwise passes are bound by memory, so a micro-batch that
//! stays in the cache beats one big batch; and threads that each run a whole
//! micro-batch wait less for one another than threads that share every small
//! operation.

use crate::nodes::Remote;
use crate::parallel::on_threads;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, ExecutionError, Tensor};
use ditscope_train::{Gradients, Task};
use pollster::block_on;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What shares the micro-batches of a step.
pub struct Workers<'a> {
    /// Of this machine, with autodiff.
    pub device: &'a Device,
    /// Threads that work on it.
    pub threads: usize,
    pub remotes: &'a [Arc<Remote>],
    /// Not 0: nobody waits for remote devices any more.
    pub stop: &'a AtomicUsize,
}

/// Why a step has no gradients.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// A remote device did not give its part, and why.
    Lost(String),
    /// It was to stop while others were waited for.
    Stopped,
}

impl Workers<'_> {
    /// Runs forward and backward for every micro-batch and sums the gradients; whoever is ready takes the next. Each loss is
    /// multiplied by `scale`. Returns the batch's loss and its gradients, on this machine's device.
    ///
    /// # Errors
    /// [`Broken`]: the sums lack micro-batches.
    pub fn gradients<T: Task>(
        &self,
        task: &Arc<T>,
        model: &T::Model,
        micro_batches: Vec<T::Batch>,
        scale: f64,
    ) -> Result<(f64, GradientsParams), Broken> {
        let (task, model, device) = (task.clone(), model.clone(), self.device.clone());
        let step = Arc::new(Step { task, model, device, micro_batches, next: AtomicUsize::new(0), scale });
        let (sender, answers) = channel();
        for remote in self.remotes {
            let (step, remote, sender) = (step.clone(), remote.clone(), sender.clone());
            remote.heard.begin();
            // Nobody waits for the end of this thread: what it is in the midst of may never end.
            std::thread::spawn(move || {
                let sum = catch_unwind(AssertUnwindSafe(|| step.there(&remote)));
                remote.heard.end();
                // The step may be given up.
                let _ = sender.send(sum.ok().and_then(Result::ok).ok_or_else(|| remote.name.clone()));
            });
        }
        let total = Mutex::new(Gradients::default());
        on_threads(self.threads, || {
            let own = step.here();
            total.lock().expect("no thread panics while it holds the sum").merge(&step.model, own);
        });
        let mut total = total.into_inner().expect("all threads have ended well");
        for _ in self.remotes {
            let sum = self.wait(&answers).inspect_err(|_| step.give_up())?;
            total.merge(&step.model, sum);
        }
        Ok(total.finish())
    }

    /// The next sum of a remote device.
    fn wait<M>(&self, answers: &Receiver<Result<Gradients<M>, String>>) -> Result<Gradients<M>, Broken> {
        const GLANCE: Duration = Duration::from_millis(100);
        loop {
            match answers.recv_timeout(GLANCE) {
                Ok(Ok(sum)) => return Ok(sum),
                Ok(Err(name)) => return Err(Broken::Lost(format!("the node {name} is lost: the connection broke"))),
                Err(RecvTimeoutError::Disconnected) => return Err(Broken::Lost("a node is lost".to_owned())),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.stop.load(Ordering::Relaxed) != 0 {
                return Err(Broken::Stopped);
            }
            if let Some(late) = self.remotes.iter().find_map(|remote| remote.late()) {
                return Err(Broken::Lost(late));
            }
        }
    }
}

/// What all workers of a step share.
struct Step<T: Task> {
    task: Arc<T>,
    /// Of this machine, with autodiff, as the device.
    model: T::Model,
    device: Device,
    micro_batches: Vec<T::Batch>,
    /// The number of the micro-batch that nobody has taken.
    next: AtomicUsize,
    scale: f64,
}

impl<T: Task> Step<T> {
    fn take(&self) -> Option<&T::Batch> {
        self.micro_batches.get(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Nobody needs the rest of a step that has a hole.
    fn give_up(&self) {
        self.next.store(self.micro_batches.len(), Ordering::Relaxed);
    }

    fn loss(&self, model: &T::Model, batch: &T::Batch) -> Tensor<1> {
        self.task.loss(model, batch) * self.scale
    }

    /// What a thread of this machine sums.
    fn here(&self) -> Gradients<T::Model> {
        // Leaves of its own keep this thread's autodiff graph apart from the others'.
        let model = self.model.clone().fork(&self.device);
        let mut own = Gradients::default();
        while let Some(batch) = self.take() {
            block_on(own.add(&model, self.loss(&model, batch))).expect("this machine's device answers");
        }
        own
    }

    /// What a remote device sums, brought here.
    fn there(&self, remote: &Remote) -> Result<Gradients<T::Model>, ExecutionError> {
        let sum = || {
            let model = self.model.clone().fork(&remote.device);
            let mut own = Gradients::default();
            while let Some(batch) = self.take() {
                let batch = self.task.batch_on(batch, &remote.device);
                block_on(own.add(&model, self.loss(&model, &batch)))?;
                remote.heard.again();
            }
            block_on(own.brought(&model, &self.device.clone().inner()))
        };
        sum().inspect_err(|_| self.give_up())
    }
}
