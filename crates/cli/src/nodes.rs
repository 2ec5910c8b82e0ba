//! Devices of other machines that share the batches of a training: burn's remote backend, over WebSocket.
//!
//! A node runs what it is sent, operation by operation, and keeps no state of a training: weights go there with each step, gradients
//! come back.

use anyhow::{Context as _, Result};
use burn::tensor::{Device, ExecutionError};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

#[cfg(feature = "nodes")]
pub use serve::NodeOptions;
#[cfg(feature = "nodes")]
mod serve;

/// A device of another machine.
#[derive(Debug)]
pub struct Remote {
    /// Where it is, for people.
    pub name: String,
    /// With autodiff: the graph is on this side.
    pub device: Device,
    /// How long an answer may take.
    pub patience: Duration,
    /// Micro-batches that it has done.
    pub done: AtomicUsize,
}

/// Which nodes help a training.
#[cfg(feature = "nodes")]
#[derive(Debug, Clone, clap::Args)]
pub struct NodesOptions {
    /// Share each batch with these nodes, each started by 'dit node': ws://HOST:PORT, with commas between. Each device of
    /// each node takes a micro-batch at a time
    #[arg(long, value_name = "URLS", value_delimiter = ',')]
    nodes: Vec<String>,
    /// The word that the nodes were started with
    #[arg(long, value_name = "WORD", requires = "nodes")]
    token: Option<String>,
    /// Minutes that a micro-batch may take at a node before the node counts as lost
    #[arg(long, value_name = "MINUTES", default_value_t = 5.0)]
    node_minutes: f64,
}

#[cfg(feature = "nodes")]
impl NodesOptions {
    /// # Errors
    /// Names the option that makes no sense.
    pub fn validate(&self) -> Result<()> {
        let Self { nodes, node_minutes, .. } = self;
        anyhow::ensure!((0.01..=1e4).contains(node_minutes), "--node-minutes {node_minutes}: use 0.01 to 10000");
        for (i, url) in nodes.iter().enumerate() {
            anyhow::ensure!(url.starts_with("ws://"), "--nodes {url}: an address looks like ws://192.168.0.7:7641");
            anyhow::ensure!(!nodes[..i].contains(url), "--nodes: {url} is named twice");
        }
        Ok(())
    }

    pub fn is_used(&self) -> bool {
        !self.nodes.is_empty()
    }

    /// Connects to all devices of all nodes.
    ///
    /// # Errors
    /// Names the node that does not answer or refuses.
    pub fn connect(&self) -> Result<Vec<Remote>> {
        let mut remotes = Vec::new();
        for url in &self.nodes {
            let devices = self.devices(url)?;
            remotes.extend(devices.into_iter().map(|device| Remote {
                name: url.clone(),
                device: device.autodiff(),
                patience: Duration::from_secs_f64(60.0 * self.node_minutes),
                done: AtomicUsize::new(0),
            }));
        }
        Ok(remotes)
    }

    fn devices(&self, url: &str) -> Result<Vec<Device>> {
        use burn::remote::{ConnectError, RemoteHost};
        let host = RemoteHost::websocket(url);
        let host = match &self.token {
            Some(token) => host.with_credential(token.as_str()),
            None => host,
        };
        let devices = host.devices().map_err(|error| match error {
            ConnectError::Unauthorized => anyhow::anyhow!("it was started with another --token"),
            ConnectError::Unreachable { .. } => {
                anyhow::anyhow!("nothing answers there. Does 'dit node' run, and listen there?")
            }
            error => error.into(),
        });
        Ok(devices.with_context(|| format!("--nodes {url}"))?.into_iter().collect())
    }
}

/// Waits for what a remote device is asked for.
///
/// # Errors
/// Names the device where it does not answer, or not in time.
pub fn patiently<T>(remote: &Remote, asked: impl Future<Output = Result<T, ExecutionError>>) -> Result<T> {
    let Remote { name, patience, .. } = remote;
    match within(*patience, asked) {
        Some(answer) => answer.with_context(|| format!("the node {name} is lost")),
        None => anyhow::bail!(
            "the node {name} is lost: no answer for {:.1} minutes (--node-minutes)",
            patience.as_secs_f64() / 60.0
        ),
    }
}

/// What a future comes to, or nothing if that takes longer.
fn within<T>(patience: Duration, future: impl Future<Output = T>) -> Option<T> {
    let end = Instant::now() + patience;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        match end.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => thread::park_timeout(left),
            _ => return None,
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use std::sync::mpsc;

    #[test]
    fn what_never_answers_is_waited_for_no_longer_than_said() {
        assert_eq!(within(Duration::from_secs(60), ready(7)), Some(7));
        assert_eq!(within::<u8>(Duration::from_millis(20), pending()), None);
    }

    #[test]
    fn what_answers_from_another_thread_wakes_who_waits() {
        let (wakers, woken) = mpsc::channel::<Waker>();
        let helper = thread::spawn(move || woken.iter().for_each(Waker::wake));
        let mut polls = 0;
        let second = std::future::poll_fn(|context| {
            polls += 1;
            let _ = wakers.send(context.waker().clone());
            if polls == 2 { Poll::Ready(polls) } else { Poll::Pending }
        });
        assert_eq!(within(Duration::from_secs(60), second), Some(2));
        drop(wakers);
        helper.join().expect("it only wakes");
    }
}
