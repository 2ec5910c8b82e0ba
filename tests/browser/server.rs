//! A file server on this machine that can make things go wrong.

use std::collections::HashMap;
use std::io::{Cursor, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tiny_http::{Header, Request, Response, StatusCode};

/// What happens to a file on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The server says 404.
    Missing,
    /// One byte in the middle is another.
    Corrupt,
    /// Only the first half comes.
    Truncated,
    /// The connection breaks after the first half.
    Dropped,
    /// It trickles, 16 KiB at a time.
    Slow,
    /// A script that first takes WebGPU away from its worker. (Chromium has no flag for that.)
    WithoutWebGpu,
}

/// Serves folders until it is dropped.
pub struct Server {
    http: Arc<tiny_http::Server>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Path on the server → folder; the longest that fits wins.
    mounts: Vec<(String, PathBuf)>,
    /// End of a path → what happens to it.
    faults: Mutex<HashMap<String, Fault>>,
    /// How often something went wrong.
    mishaps: AtomicUsize,
    /// The path of every request, in order.
    log: Mutex<Vec<String>>,
    /// Where connections break, see [`break_off`].
    breaker: SocketAddr,
}

impl Server {
    /// Serves each folder under its path, like `("/", dist)`.
    pub fn start(mut mounts: Vec<(String, PathBuf)>) -> Self {
        mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        let breaker = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let shared = Arc::new(Shared {
            mounts,
            faults: Mutex::default(),
            mishaps: AtomicUsize::new(0),
            log: Mutex::default(),
            breaker: breaker.local_addr().expect("its own address"),
        });
        // Lives as long as the test process; it serves nothing unless a request is sent there.
        std::thread::spawn(move || breaker.incoming().flatten().for_each(|stream| drop(break_off(stream))));
        let http = Arc::new(tiny_http::Server::http("127.0.0.1:0").expect("a free port"));
        let threads = (0..6).map(|_| {
            let (http, shared) = (Arc::clone(&http), Arc::clone(&shared));
            std::thread::spawn(move || http.incoming_requests().for_each(|request| shared.answer(request)))
        });
        let threads = threads.collect();
        Self { http, shared, threads }
    }

    /// `http://127.0.0.1:PORT`
    pub fn origin(&self) -> String {
        format!("http://{}", self.http.server_addr())
    }

    /// From now on, files whose path ends so go wrong.
    pub fn break_file(&self, path_end: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().insert(path_end.to_owned(), fault);
    }

    /// From now on, all goes well.
    pub fn heal(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// How many requests so far were for a path that ends so.
    pub fn requests(&self, path_end: &str) -> usize {
        self.shared.log.lock().unwrap().iter().filter(|path| path.ends_with(path_end)).count()
    }

    /// How many requests have met a fault so far.
    pub fn mishaps(&self) -> usize {
        self.shared.mishaps.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for _ in &self.threads {
            self.http.unblock();
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has printed why.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn answer(&self, request: Request) {
        let path = request.url().split(['?', '#']).next().unwrap_or_default();
        self.log.lock().unwrap().push(path.to_owned());
        let fault = self.fault(path);
        self.mishaps.fetch_add(fault.is_some().into(), Ordering::SeqCst);
        if fault == Some(Fault::Dropped) {
            let address = format!("http://{}{path}", self.breaker);
            let elsewhere = Header::from_bytes("Location", address).expect("an address is well-formed");
            drop(request.respond(Response::empty(307).with_header(elsewhere)));
            return;
        }
        let file = self.file(path).filter(|_| fault != Some(Fault::Missing));
        // A browser that hangs up in the middle is no error here.
        let _ = match file.and_then(|file| Some((std::fs::read(&file).ok()?, media_type(&file)))) {
            Some((bytes, media_type)) => request.respond(respond(spoil(bytes, fault), media_type, fault)),
            None => request.respond(Response::from_string("not found").with_status_code(404)),
        };
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

/// Announces a megabyte, sends half of it and hangs up: what no well-behaved server library lets one do.
fn break_off(mut stream: TcpStream) -> std::io::Result<()> {
    const HALF: usize = 512 << 10;
    let mut request = [0; 4096];
    let _ = stream.read(&mut request)?;
    let length = 2 * HALF;
    let head = format!(
        "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: application/octet-stream\r\n\
         Cache-Control: no-store\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&vec![0; HALF])?;
    stream.shutdown(Shutdown::Both)
}

fn spoil(mut bytes: Vec<u8>, fault: Option<Fault>) -> Vec<u8> {
    let middle = bytes.len() / 2;
    match fault {
        Some(Fault::Corrupt) => bytes[middle] ^= 0x55,
        Some(Fault::Truncated) => bytes.truncate(middle),
        Some(Fault::WithoutWebGpu) => drop(bytes.splice(..0, *b"delete WorkerNavigator.prototype.gpu;\n")),
        _ => {}
    }
    bytes
}

fn respond(bytes: Vec<u8>, media_type: &str, fault: Option<Fault>) -> Response<Box<dyn Read + Send>> {
    let length = bytes.len();
    let bytes = Cursor::new(bytes);
    let body: Box<dyn Read + Send> =
        if fault == Some(Fault::Slow) { Box::new(Trickle(bytes)) } else { Box::new(bytes) };
    let header = |name: &str, value: &str| Header::from_bytes(name, value).expect("a fixed header is well-formed");
    // A fault must show at once and be gone at once, so the browser keeps nothing.
    let headers = vec![header("Content-Type", media_type), header("Cache-Control", "no-store")];
    Response::new(StatusCode(200), headers, body, Some(length), None)
}

/// A slow line.
struct Trickle(Cursor<Vec<u8>>);

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        std::thread::sleep(Duration::from_millis(50));
        let most = buffer.len().min(16 * 1024);
        self.0.read(&mut buffer[..most])
    }
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
        _ => "application/octet-stream",
    }
}
