//! `dit node`: lends this machine's device to trainings on others.

use crate::device::DeviceChoice;
use crate::output::say;
use anyhow::{Context, Result, ensure};
use burn::server::{RemoteServer, TokenAuthorizer, WebSocketTransport};
use std::net::{SocketAddr, TcpListener};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dit node --listen 0.0.0.0:7641 --token sesame      on each other machine
  dit train dit --data data/fashion-mnist --autoencoder runs/autoencoder --out runs/dit \
--nodes ws://192.168.0.7:7641,ws://192.168.0.8:7641 --token sesame

Both sides must be the same release. What goes between them is not encrypted: use a network that you trust. A node keeps \
nothing: the training's checkpoints are where it was started.")]
pub struct NodeOptions {
    /// Address and port to listen on; 0.0.0.0 stands for every address of this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7641")]
    listen: SocketAddr,
    /// Trainings must know this word; needed where other machines reach the address
    #[arg(long, value_name = "WORD")]
    token: Option<String>,
    /// Micro-batches that it works on at once; 0: one per core, or one for a GPU
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
}

impl NodeOptions {
    /// Serves until Ctrl-C or SIGTERM.
    ///
    /// # Errors
    /// An address that is taken or that anybody could use.
    pub fn run(&self) -> Result<()> {
        let Self { listen, token, threads, device } = self;
        ensure!(
            token.is_some() || listen.ip().is_loopback(),
            "--listen {listen}: other machines reach this address; give --token WORD, which their trainings must know"
        );
        let listener = TcpListener::bind(listen).with_context(|| format!("--listen {listen}: cannot listen there"))?;
        let threads = if *threads == 0 { device.threads() } else { *threads };
        let server = RemoteServer::new(std::iter::repeat_n(device.device(), threads));
        let server = match token {
            Some(token) => {
                server.with_authorizer(TokenAuthorizer::new(token.as_str()).context("--token: it is empty")?)
            }
            None => server,
        };
        say!("listening on ws://{}, {threads} micro-batches at once; Ctrl-C ends it", listener.local_addr()?)?;
        Ok(server.serve(WebSocketTransport::from_listener(listener))?)
    }
}
