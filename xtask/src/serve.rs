//! Serves `dist/` to this machine.

use crate::{dist, project};
use anyhow::{Result, anyhow};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tiny_http::{Header, Request, Response, Server};

pub const DEFAULT_PORT: u16 = 8080;
/// A browser loads a page over several connections at once.
const THREADS: usize = 4;

/// Builds what is out of date and serves it until it is stopped.
pub fn serve(port: u16) -> Result<()> {
    dist::make()?;
    let server = Server::http(("127.0.0.1", port))
        .map_err(|error| anyhow!("cannot listen on port {port}: {error}; take another one with --port"))?;
    println!("\nserving on http://127.0.0.1:{port} (stop with Ctrl+C)");
    let server = Arc::new(server);
    let threads = [(); THREADS].map(|()| {
        let server = Arc::clone(&server);
        std::thread::spawn(move || server.incoming_requests().for_each(answer))
    });
    for thread in threads {
        thread.join().map_err(|_| anyhow!("the server stopped"))?;
    }
    Ok(())
}

fn answer(request: Request) {
    let path = file_of(&project::dist(), request.url());
    let file = path.as_deref().and_then(|path| File::open(path).ok());
    // A visitor who leaves in the middle of a file is no error.
    let _ = match (path, file) {
        (Some(path), Some(file)) => {
            let response = Response::from_file(file).with_header(header("Content-Type", media_type(&path)));
            request.respond(response.with_header(header("Cache-Control", "no-cache")))
        }
        _ => request.respond(Response::from_string("not found").with_status_code(404)),
    };
}

/// The file that an address means, if it stays inside the folder.
fn file_of(folder: &Path, url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.trim_start_matches('/');
    let is_plain = |part: &str| part != ".." && !part.contains(['\\', ':', '%']);
    let path = path.split('/').all(is_plain).then(|| folder.join(path))?;
    let path = if path.is_dir() { path.join("index.html") } else { path };
    path.is_file().then_some(path)
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).expect("a fixed header is well-formed")
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_inside_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(file_of(folder, "/Cargo.toml?a=b"), Some(folder.join("Cargo.toml")));
        assert_eq!(file_of(folder, "/src/main.rs"), Some(folder.join("src/main.rs")));
        for foreign in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "//etc/passwd", "/src", "/missing"] {
            assert_eq!(file_of(folder, foreign), None, "{foreign}");
        }
    }
}
