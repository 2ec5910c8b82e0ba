//! Serves the built app with an ear in it, and a page on which the peer does the same work.

use crate::project;
use anyhow::{Context, Result};
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::routing::get;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// Where the sources of what runs in the browser lie.
const SOURCES: &str = "tools/bench";

/// Serves until the program ends.
pub struct Site {
    /// `http://127.0.0.1:PORT`
    pub origin: String,
}

impl Site {
    /// Serves the app under `/app/` and the peer under `/peer/`, whose engine and models lie in two folders.
    pub fn start(app: &Path, engine: &Path, models: &Path) -> Result<Self> {
        let sources = project::root().join(SOURCES);
        let read = |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        let (hook, calls) = (read(&sources.join("page.js"))?, read(&sources.join("gpu_calls.js"))?);
        let html = with_script(&read(&app.join("index.html"))?, &hook)?;
        let loader = loader_of(app)?;
        let script = format!("{calls}{}", read(&app.join(&loader))?);
        let file = |media_type: &'static str, text: String| get(async move || ([(CONTENT_TYPE, media_type)], text));
        let app = Router::new()
            .route("/", file("text/html; charset=utf-8", html))
            .route(&format!("/{loader}"), file("text/javascript", script))
            .fallback_service(ServeDir::new(app));
        // With these two a page may share memory between threads.
        let header = |name, value| {
            SetResponseHeaderLayer::overriding(HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let peer = Router::new()
            .nest_service("/onnxruntime-web", ServeDir::new(engine))
            .fallback_service(ServeDir::new(sources).fallback(ServeDir::new(models)))
            .layer(header("cross-origin-opener-policy", "same-origin"))
            .layer(header("cross-origin-embedder-policy", "require-corp"));
        let fresh = SetResponseHeaderLayer::overriding(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        serve(Router::new().nest("/app/", app).nest("/peer", peer).layer(fresh))
    }
}

/// On a free port, in a thread of its own.
fn serve(files: Router) -> Result<Site> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free on 127.0.0.1")?;
    listener.set_nonblocking(true)?;
    let origin = format!("http://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener of this runtime");
            axum::serve(listener, files).await
        })
    });
    Ok(Site { origin })
}

/// The name of the script that starts the app's worker.
fn loader_of(app: &Path) -> Result<String> {
    let names = fs::read_dir(app)?.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
    let loader = names.into_iter().find(|name| name.starts_with("worker") && name.ends_with("_loader.js"));
    loader.with_context(|| format!("there is no worker in {}", app.display()))
}

/// The page with a script before all others.
fn with_script(html: &str, script: &str) -> Result<String> {
    let (before, after) = html.split_once("<head>").context("the app's index.html has no <head>")?;
    Ok(format!("{before}<head><script>{script}</script>{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_goes_before_those_of_the_page() {
        let html = with_script("<!doctype html><head><script>2</script>", "1").expect("a page");
        assert_eq!(html, "<!doctype html><head><script>1</script><script>2</script>");
        assert!(with_script("<html>", "1").is_err());
    }
}
