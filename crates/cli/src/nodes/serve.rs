//! `dit node`: lends this machine's device to trainings on others.

use crate::device::DeviceChoice;
use crate::output::{note, say};
use anyhow::{Context, Result, ensure};
use burn::server::{AuthorizationRequest, PeerAuthorizer, RemoteServer, TokenAuthorizer, WebSocketTransport};
use clap::builder::NonEmptyStringValueParser;
use std::net::{SocketAddr, TcpListener};

/// Threads on one machine, at most.
const MOST: usize = 1024;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dit node --listen 0.0.0.0:7641 --token sesame      on each other machine
  dit train dit --data data/fashion-mnist --autoencoder runs/autoencoder --out runs/dit \
--nodes ws://192.168.0.7:7641,ws://192.168.0.8:7641 --token sesame

Both sides must be the same release. What goes between them is not encrypted: use a network that you trust. A node keeps \
nothing: the training's checkpoints are where it was started.")]
pub struct NodeOptions {
    /// Address and port to listen on, such as 192.168.0.7:7641 or [::1]:7641; 0.0.0.0 stands for every address of this
    /// machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7641")]
    listen: SocketAddr,
    /// Trainings must know this word; needed where other machines reach the address
    #[arg(long, value_name = "WORD", value_parser = NonEmptyStringValueParser::new())]
    token: Option<String>,
    /// Micro-batches that it works on at once; 0: one per core, or one for a GPU
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
}

impl NodeOptions {
    /// Serves until Ctrl-C.
    ///
    /// # Errors
    /// An address that is taken or that anybody could use.
    pub fn run(&self) -> Result<()> {
        let Self { listen, token, threads, device } = self;
        ensure!(
            token.is_some() || listen.ip().is_loopback(),
            "--listen {listen}: other machines reach this address; give --token WORD, which their trainings must know"
        );
        ensure!(*threads <= MOST, "--threads {threads}: use 0 to {MOST}");
        let listener = TcpListener::bind(listen).with_context(|| format!("--listen {listen}: cannot listen there"))?;
        let threads = if *threads == 0 { device.threads() } else { *threads };
        let token = token.as_deref().map(TokenAuthorizer::new).transpose()?;
        let server =
            RemoteServer::new(std::iter::repeat_n(device.device(), threads)).with_authorizer(Doorkeeper { token });
        let place = listener.local_addr()?;
        let place = match place.ip().is_unspecified() {
            true => format!("port {} of every address of this machine", place.port()),
            false => format!("ws://{place}"),
        };
        say!("listening on {place}, micro-batches at once: {threads}; Ctrl-C ends it")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            tokio::select! {
                served = server.serve_async(WebSocketTransport::from_listener(listener)) => Ok(served?),
                stopped = tokio::signal::ctrl_c() => Ok(stopped?),
            }
        })
    }
}

/// Lets in who knows the token, if there is one, and says who comes.
struct Doorkeeper {
    token: Option<TokenAuthorizer>,
}

impl PeerAuthorizer for Doorkeeper {
    fn authorize(&self, request: AuthorizationRequest<'_>) -> Result<(), String> {
        let (client, device) = (request.client, request.device_index);
        let allowed = self.token.as_ref().map_or(Ok(()), |token| token.authorize(request));
        match allowed {
            // One line for all devices that it takes.
            Ok(()) if device == 0 => note!("{client}: a training begins"),
            Ok(()) => {}
            Err(_) => note!("{client}: refused, it does not know the token"),
        }
        allowed
    }
}
