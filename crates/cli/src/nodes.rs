//! Devices of other machines that share the batches of a training: burn's remote backend, over WebSocket.
//!
//! A node runs what it is sent, operation by operation, and keeps no state of a training: weights go there with each step, gradients
//! come back.

use burn::tensor::Device;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[cfg(feature = "nodes")]
mod connect;
#[cfg(feature = "nodes")]
mod serve;

#[cfg(feature = "nodes")]
pub use connect::NodesOptions;
#[cfg(feature = "nodes")]
pub use serve::NodeOptions;

/// A device of another machine.
#[derive(Debug)]
pub struct Remote {
    /// Where it is, for people.
    pub name: String,
    /// With autodiff: the graph is on this side.
    pub device: Device,
    /// How long it may be silent while it has something to do.
    pub patience: Duration,
    pub heard: Heard,
}

impl Remote {
    /// What is said of it when it is silent for too long.
    pub fn late(&self) -> Option<String> {
        (self.heard.silence()? > self.patience).then(|| {
            let (name, seconds) = (&self.name, self.patience.as_secs_f64());
            let time =
                if seconds < 100.0 { format!("{seconds:.0} s") } else { format!("{:.0} minutes", seconds / 60.0) };
            format!("the node {name} is lost: it has not answered for {time} (--node-minutes)")
        })
    }
}

/// When a device was heard of.
#[derive(Debug, Default)]
pub struct Heard {
    /// The last time, while it has something to do.
    last: Mutex<Option<Instant>>,
    /// Micro-batches that it has done.
    done: AtomicUsize,
}

impl Heard {
    /// It is given something to do.
    pub fn begin(&self) {
        self.set(Some(Instant::now()));
    }

    /// It has done a micro-batch.
    pub fn again(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.begin();
    }

    /// It has nothing to do any more.
    pub fn end(&self) {
        self.set(None);
    }

    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    fn silence(&self) -> Option<Duration> {
        self.last.lock().expect("nobody panics while holding it").map(|last| last.elapsed())
    }

    fn set(&self, last: Option<Instant>) {
        *self.last.lock().expect("nobody panics while holding it") = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_device_that_has_something_to_do_can_be_late() {
        let remote = |patience| Remote {
            name: "ws://a:1".into(),
            device: Device::flex(),
            patience: Duration::from_secs(patience),
            heard: Heard::default(),
        };
        let (hasty, patient) = (remote(0), remote(300));
        assert_eq!(hasty.late(), None);
        hasty.heard.begin();
        patient.heard.begin();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!((hasty.late().is_some_and(|said| said.contains("ws://a:1")), patient.late()), (true, None));
        hasty.heard.again();
        hasty.heard.end();
        assert_eq!((hasty.late(), hasty.heard.done()), (None, 1));
    }
}
