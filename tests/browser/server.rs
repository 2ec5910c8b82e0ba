//! A file server on this machine that can make things go wrong.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::stream::{self, StreamExt};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

/// What happens to a file on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The server says 404.
    Missing,
    /// Bytes in the middle are others; so many that no program is one still.
    Corrupt,
    /// Only the first half comes.
    Truncated,
    /// The connection breaks after the first half.
    Dropped,
    /// It trickles, 16 KiB at a time.
    Slow,
    /// A script with another one before it.
    Before(&'static str),
    /// It is said to be of another type.
    As(&'static str),
    /// A page in its place, as hosts of apps with many addresses answer.
    Page,
    /// It is followed by more and more.
    Endless,
    /// Half of it comes, and then nothing.
    Stalled,
    /// Nothing comes at all.
    Unanswered,
    /// It is said to lie at its own address.
    Circle,
}

/// Serves folders until it is dropped.
pub struct Server {
    origin: String,
    shared: Arc<Shared>,
    /// Ends the server when it goes.
    _runtime: Runtime,
}

struct Shared {
    /// Path on the server → folder; the longest that fits wins.
    mounts: Vec<(String, PathBuf)>,
    /// End of a path → what happens to it.
    faults: Mutex<HashMap<String, Fault>>,
    /// Headers of every answer, as a host may add them.
    headers: Mutex<Vec<(&'static str, String)>>,
    /// Whether the page is given what serves it without a network: its cache would hide the faults of other tests.
    works_offline: AtomicBool,
    /// Whether nothing is answered at all.
    is_gone: AtomicBool,
    renamed: Mutex<Option<(String, String)>>,
    /// How often something went wrong.
    mishaps: AtomicUsize,
    /// The path of every request, in order.
    log: Mutex<Vec<String>>,
}

impl Server {
    /// Serves each folder under its path, like `("/", dist)`.
    pub fn start(mut mounts: Vec<(String, PathBuf)>) -> Self {
        mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        let (faults, headers, works_offline, is_gone, renamed, mishaps, log) = Default::default();
        let shared = Arc::new(Shared { mounts, faults, headers, works_offline, is_gone, renamed, mishaps, log });
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("its own address"));
        let files = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        runtime.spawn(async move { axum::serve(listener, files).await });
        Self { origin, shared, _runtime: runtime }
    }

    /// `http://127.0.0.1:PORT`
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// From now on, files whose path ends so go wrong.
    pub fn break_file(&self, path_end: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().insert(path_end.to_owned(), fault);
    }

    pub fn let_work_offline(&self) {
        self.shared.works_offline.store(true, Ordering::SeqCst);
    }

    /// From now on nothing is answered, as without a network; or again.
    pub fn be_gone(&self, gone: bool) {
        self.shared.is_gone.store(gone, Ordering::SeqCst);
    }

    /// In every page and script one word is another from now on.
    pub fn rename(&self, from: &str, to: &str) {
        *self.shared.renamed.lock().unwrap() = Some((from.to_owned(), to.to_owned()));
    }

    /// From now on every answer has this header, too.
    pub fn add_header(&self, name: &'static str, value: &str) {
        self.shared.headers.lock().unwrap().push((name, value.to_owned()));
    }

    /// From now on, all goes well.
    pub fn heal(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// How many requests so far were for a path that ends so.
    pub fn requests(&self, path_end: &str) -> usize {
        self.shared.log.lock().unwrap().iter().filter(|path| path.ends_with(path_end)).count()
    }

    /// The paths of all requests so far.
    pub fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }

    /// How many requests have met a fault so far.
    pub fn mishaps(&self) -> usize {
        self.shared.mishaps.load(Ordering::SeqCst)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    if shared.is_gone.load(Ordering::SeqCst) {
        // Half an answer is none: the connection breaks.
        let broken = stream::iter([Err::<Vec<u8>, _>(io::Error::other("no network"))]);
        return ([(CONTENT_LENGTH, "10")], Body::from_stream(broken)).into_response();
    }
    if shared.fault(uri.path()) == Some(Fault::Unanswered) {
        std::future::pending::<()>().await;
    }
    let mut response = shared.answer(uri.path());
    for (name, value) in shared.headers.lock().unwrap().iter() {
        response.headers_mut().insert(*name, value.parse().expect("a header's value"));
    }
    response
}

impl Shared {
    fn answer(&self, path: &str) -> Response {
        self.log.lock().unwrap().push(path.to_owned());
        let fault = self.fault(path);
        let is_hidden = path == "/sw.js" && !self.works_offline.load(Ordering::SeqCst);
        self.mishaps.fetch_add(fault.is_some().into(), Ordering::SeqCst);
        let file = self.file(path).filter(|_| fault != Some(Fault::Missing) && !is_hidden);
        match file.and_then(|file| Some((std::fs::read(&file).ok()?, media_type(&file)))) {
            Some((bytes, media_type)) => {
                let media_type = match fault {
                    Some(Fault::As(other)) => other,
                    Some(Fault::Page) => "text/html; charset=utf-8",
                    _ => media_type,
                };
                if fault == Some(Fault::Circle) {
                    return Redirect::temporary(path).into_response();
                }
                respond(self.renamed(spoil(bytes, fault), media_type), media_type, fault)
            }
            None => (StatusCode::NOT_FOUND, "not found").into_response(),
        }
    }

    fn renamed(&self, bytes: Vec<u8>, media_type: &str) -> Vec<u8> {
        match &*self.renamed.lock().unwrap() {
            Some((from, to)) if media_type.contains("html") || media_type.contains("javascript") => {
                String::from_utf8_lossy(&bytes).replace(from, to).into_bytes()
            }
            _ => bytes,
        }
    }

    fn fault(&self, path: &str) -> Option<Fault> {
        let faults = self.faults.lock().unwrap();
        faults.iter().find(|(end, _)| path.ends_with(end.as_str())).map(|(_, fault)| *fault)
    }

    fn file(&self, path: &str) -> Option<PathBuf> {
        let (rest, folder) =
            self.mounts.iter().find_map(|(mount, folder)| Some((path.strip_prefix(mount)?, folder)))?;
        let file = folder.join(if rest.is_empty() || rest.ends_with('/') { "index.html" } else { rest });
        (!rest.contains("..") && file.is_file()).then_some(file)
    }
}

fn spoil(mut bytes: Vec<u8>, fault: Option<Fault>) -> Vec<u8> {
    let middle = bytes.len() / 2;
    match fault {
        Some(Fault::Corrupt) => bytes.iter_mut().skip(middle).take(64).for_each(|byte| *byte ^= 0x55),
        Some(Fault::Truncated) => bytes.truncate(middle),
        Some(Fault::Page) => bytes = b"<!doctype html><title>not here</title>".to_vec(),
        Some(Fault::Before(script)) => drop(bytes.splice(..0, script.bytes())),
        _ => {}
    }
    bytes
}

fn respond(bytes: Vec<u8>, media_type: &str, fault: Option<Fault>) -> Response {
    let length = bytes.len().to_string();
    // A fault must show at once and be gone at once, so the browser keeps nothing.
    let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store")];
    let whole = [headers[0].clone(), headers[1].clone(), (CONTENT_LENGTH, &length)];
    match fault {
        // How much comes is not said.
        Some(Fault::Endless) => {
            let more = stream::repeat_with(|| Ok::<_, io::Error>(vec![b' '; 1 << 20]));
            (headers, Body::from_stream(more)).into_response()
        }
        Some(Fault::Stalled) => {
            let half = stream::iter([Ok::<_, io::Error>(bytes[..bytes.len() / 2].to_vec())]);
            (whole, Body::from_stream(half.chain(stream::pending()))).into_response()
        }
        _ => (whole, body(bytes, fault)).into_response(),
    }
}

fn body(bytes: Vec<u8>, fault: Option<Fault>) -> Body {
    let pieces: Vec<io::Result<Vec<u8>>> = match fault {
        Some(Fault::Slow) => bytes.chunks(16 << 10).map(|piece| Ok(piece.to_vec())).collect(),
        Some(Fault::Dropped) => {
            vec![Ok(bytes[..bytes.len() / 2].to_vec()), Err(io::Error::other("the connection breaks"))]
        }
        _ => return bytes.into(),
    };
    // One at a time, so that each has left before the next (or the break) comes.
    Body::from_stream(stream::iter(pieces).then(|piece| async {
        sleep(Duration::from_millis(50)).await;
        piece
    }))
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("jpg") => "image/jpeg",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
