//! Serves `dist/` to this machine.

use crate::{dist, project};
use anyhow::{Context, Result};
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

pub const DEFAULT_PORT: u16 = 8080;

/// Builds what is out of date and serves it until it is stopped.
pub fn serve(port: u16) -> Result<()> {
    dist::make()?;
    // The next build must be seen at the next visit.
    let ask_again = SetResponseHeaderLayer::overriding(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let files = Router::new().fallback_service(ServeDir::new(project::dist())).layer(ask_again);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("cannot listen on port {port}; take another one with --port"))?;
        println!("\nserving on http://127.0.0.1:{port} (stop with Ctrl+C)");
        axum::serve(listener, files).await.context("the server stopped")
    })
}
