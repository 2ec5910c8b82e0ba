//! Serves the app to this machine.

use crate::{dist, project};
use anyhow::{Context, Result};
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use std::net::TcpListener;
use std::thread;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

pub const DEFAULT_PORT: u16 = 8080;

/// Builds what is out of date and serves it until it is stopped.
pub fn serve(port: u16) -> Result<()> {
    // First of all: nobody wants to wait for a build to hear that the port is taken.
    let listener = listen(port)?;
    if dist::make_soon()? {
        // Making the worker smaller takes a minute, in which it can be used as it is.
        thread::spawn(|| match dist::make() {
            Ok(()) => println!("build: the worker is smaller now; what is open goes on with the one that it has"),
            Err(error) => eprintln!("build: the worker stays as large as it is: {error:#}"),
        });
    }
    answer(listener, Router::new().fallback_service(ServeDir::new(project::dist())))
}

pub fn listen(port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .with_context(|| format!("cannot listen on port {port}; take another one with --port"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers until it is stopped.
pub fn answer(listener: TcpListener, files: Router) -> Result<()> {
    // The next build must be seen at the next visit.
    let ask_again = SetResponseHeaderLayer::overriding(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        println!("\nserving on http://{} (stop with Ctrl+C)", listener.local_addr()?);
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, files.layer(ask_again)).await.context("the server stopped")
    })
}
