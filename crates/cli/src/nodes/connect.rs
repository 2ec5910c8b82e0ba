//! Which nodes help a training.

use super::{Heard, Remote};
use crate::output::note;
use anyhow::{Context, Result, bail, ensure};
use burn::remote::{ConnectError, RemoteHost};
use burn::tensor::Device;
use clap::builder::NonEmptyStringValueParser;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

const LIKE_THIS: &str = "an address looks like ws://192.168.0.7:7641";

#[derive(Debug, Clone, clap::Args)]
pub struct NodesOptions {
    /// Share each batch with these nodes, each started by 'dit node': ws://HOST:PORT, with commas between. Each device of
    /// each node takes a micro-batch at a time
    #[arg(long, value_name = "URLS", value_delimiter = ',')]
    nodes: Vec<String>,
    /// The word that the nodes were started with
    #[arg(long, value_name = "WORD", requires = "nodes", value_parser = NonEmptyStringValueParser::new())]
    token: Option<String>,
    /// Minutes that a node may be silent over a micro-batch before it counts as lost
    #[arg(long, value_name = "MINUTES", requires = "nodes", default_value_t = 5.0)]
    node_minutes: f64,
}

impl NodesOptions {
    /// # Errors
    /// Names the option that makes no sense.
    pub fn validate(&self) -> Result<()> {
        let Self { nodes, node_minutes, .. } = self;
        ensure!((0.01..=1e4).contains(node_minutes), "--node-minutes {node_minutes}: use 0.01 to 10000");
        ensure!(nodes.is_empty() || self.is_used(), "--nodes: there is no address in it; {LIKE_THIS}");
        Ok(())
    }

    pub fn is_used(&self) -> bool {
        self.named().next().is_some()
    }

    fn named(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|url| url.trim()).filter(|url| !url.is_empty())
    }

    /// Connects to all devices of all nodes. Who is connected stays so: a second call takes no time.
    ///
    /// # Errors
    /// Names the node that does not answer or refuses.
    pub fn connect(&self) -> Result<Vec<Arc<Remote>>> {
        let (mut remotes, mut places) = (Vec::new(), Vec::new());
        for url in self.named() {
            let place = reached(url).with_context(|| format!("--nodes {url}"))?;
            ensure!(!places.contains(&place), "--nodes {url}: this node is named twice");
            places.push(place);
            let devices = self.devices(place).with_context(|| format!("--nodes {url}"))?;
            remotes.extend(devices.into_iter().map(|device| {
                let patience = Duration::from_secs_f64(60.0 * self.node_minutes);
                Arc::new(Remote { name: url.to_owned(), device: device.autodiff(), patience, heard: Heard::default() })
            }));
        }
        Ok(remotes)
    }

    fn devices(&self, place: SocketAddr) -> Result<Vec<Device>> {
        const PATIENCE: Duration = Duration::from_secs(20);
        let host = RemoteHost::websocket(&format!("ws://{place}"));
        let host = match &self.token {
            Some(token) => host.with_credential(token.as_str()),
            None => host,
        };
        let (sender, answer) = channel();
        // What accepts and then is silent would be waited for without end.
        std::thread::spawn(move || sender.send(host.devices()));
        match answer.recv_timeout(PATIENCE) {
            Ok(Ok(devices)) => Ok(devices.into_iter().collect()),
            Ok(Err(ConnectError::Unauthorized)) if self.token.is_none() => {
                bail!("it wants a --token, the one that it was started with")
            }
            Ok(Err(ConnectError::Unauthorized)) => bail!("it was started with another --token"),
            Ok(Err(error @ ConnectError::IncompatibleProtocol { .. })) => bail!("it is another release: {error}"),
            Ok(Err(error)) => bail!("what is there does not answer like 'dit node' of this release ({error})"),
            Err(_) => bail!(
                "what is there does not answer like 'dit node' of this release, or not within {} s",
                PATIENCE.as_secs()
            ),
        }
    }
}

/// The place of an address at which something listens.
fn reached(url: &str) -> Result<SocketAddr> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let Some(place) = url.strip_prefix("ws://") else { bail!("{LIKE_THIS}; what goes there is not encrypted") };
    let place = place.strip_suffix('/').unwrap_or(place);
    let places: Vec<SocketAddr> =
        place.to_socket_addrs().with_context(|| format!("there is no such address; {LIKE_THIS}"))?.collect();
    note!("connecting to {url}");
    let is_there = |place: &SocketAddr| TcpStream::connect_timeout(place, PATIENCE).is_ok();
    places.into_iter().find(is_there).context("nothing listens there. Does 'dit node' run, and with that address?")
}
