//! The browsers that the tests run in: each is started by its driver, with a fresh profile.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than any script or page load takes on a slow machine.
pub const PATIENCE_SECONDS: u64 = 180;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Chromium,
    Firefox,
    /// WebKitGTK's small browser, on a screen that nobody sees: it has no headless mode.
    Webkit,
}

/// What the browser finds when it looks for a GPU.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gpu {
    /// No adapter.
    None,
    /// WebGPU on an adapter in software: Chromium's SwiftShader; in Firefox what Vulkan has, like Mesa's lavapipe. WebKitGTK
    /// has no WebGPU.
    Software,
}

/// A driver that listens. Ends with the value.
pub struct Driver {
    process: Child,
    screen: Option<Child>,
    /// Like `http://127.0.0.1:4444`.
    pub address: String,
}

impl Driver {
    /// The folder is for what the browser keeps.
    ///
    /// # Errors
    /// Says what to do.
    pub fn start(engine: Engine, folder: &Path) -> Result<Self, String> {
        Self::of_program(engine.driver(), engine, folder)
    }

    /// # Errors
    /// As [`Self::start`].
    pub fn of_program(program: &str, engine: Engine, folder: &Path) -> Result<Self, String> {
        for _try in 0..10 {
            let port = free_port();
            let mut command = Command::new(program);
            match engine {
                Engine::Chromium => command.arg(format!("--port={port}")).arg("--log-level=SEVERE"),
                Engine::Firefox => command.args(["--log=fatal", "--port", &port.to_string()]),
                Engine::Webkit => command.arg(format!("--port={port}")).envs(webkit_folders(folder)),
            };
            let screen = if engine == Engine::Webkit {
                let (screen, display) = start_screen()?;
                command.env("DISPLAY", display);
                Some(screen)
            } else {
                None
            };
            let process = command.stdout(Stdio::null()).spawn();
            let process = process.map_err(|error| format!("{program} did not start: {error}\n{CURE}"))?;
            let mut driver = Self { process, screen, address: format!("http://127.0.0.1:{port}") };
            if driver.listens() {
                return Ok(driver);
            }
        }
        Err(format!("{program} found no port to listen on in ten tries\n{CURE}"))
    }

    /// Whether it does so in time; it ends when another program was faster to take the port.
    fn listens(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) && matches!(self.process.try_wait(), Ok(None)) {
            if minreq::get(format!("{}/status", self.address)).with_timeout(5).send().is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        for process in [Some(&mut self.process), self.screen.as_mut()].into_iter().flatten() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// What to do where a browser or its driver does not start.
pub const CURE: &str = "'cargo xtask setup --browser' installs what the browser tests need";

impl Engine {
    fn driver(self) -> &'static str {
        match self {
            Self::Chromium => "chromedriver",
            Self::Firefox => "geckodriver",
            Self::Webkit => "WebKitWebDriver",
        }
    }

    /// What a new session is asked for with. Chromium and Firefox are cut off from every other machine; WebKitGTK's browser
    /// does nothing of its own accord.
    pub fn capabilities(self, gpu: Gpu, folder: &Path) -> Value {
        let mut all = match self {
            Self::Chromium => chromium(gpu, folder),
            Self::Firefox => firefox(gpu, folder),
            Self::Webkit => json!({}),
        };
        let patience = PATIENCE_SECONDS * 1000;
        all["timeouts"] = json!({ "script": patience, "pageLoad": patience });
        all
    }
}

fn chromium(gpu: Gpu, folder: &Path) -> Value {
    let mut flags: Vec<String> = [
        "--headless",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--no-first-run",
        "--window-size=1280,900",
    ]
    .map(str::to_owned)
    .into();
    flags.push(format!("--user-data-dir={}", folder.join("profile").display()));
    flags.push(format!("--log-net-log={}", folder.join("network.json").display()));
    flags.push(if gpu == Gpu::None { "--disable-gpu" } else { "--enable-unsafe-webgpu" }.to_owned());
    let mut options = json!({
        "args": flags,
        "prefs": { "download.default_directory": folder.join("downloads"), "download.prompt_for_download": false },
    });
    if let Some(program) = find(&["chromium", "chromium-browser", "google-chrome"]) {
        options["binary"] = json!(program);
    }
    json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } })
}

fn firefox(gpu: Gpu, folder: &Path) -> Value {
    let mut options = json!({
        "args": ["-headless", "--width=1280", "--height=900"],
        "prefs": {
            "dom.webgpu.enabled": gpu == Gpu::Software,
            "dom.webgpu.workers.enabled": gpu == Gpu::Software,
            "gfx.webgpu.ignore-blocklist": true,
            "browser.download.folderList": 2,
            "browser.download.dir": folder.join("downloads"),
            // A page of JSON is none that scripts of tests can run in, with it.
            "devtools.jsonview.enabled": false,
            // See `Browser::prefer`.
            "ui.prefersReducedMotion": 1,
            "network.dns.forceResolve": "127.0.0.1",
        },
    });
    if let Some(program) = find(&["firefox-esr", "firefox"]) {
        options["binary"] = json!(program);
    }
    json!({ "moz:firefoxOptions": options })
}

/// The browser takes no options; these variables say where it keeps things, and files where downloads go and that nothing
/// is to move (see `Browser::prefer`).
fn webkit_folders(folder: &Path) -> [(&'static str, std::path::PathBuf); 3] {
    let settings = folder.join("config");
    let downloads = format!("XDG_DOWNLOAD_DIR=\"{}\"\n", folder.join("downloads").display());
    let motion = "[Settings]\ngtk-enable-animations=0\n";
    for (file, text) in
        [("user-dirs.dirs", downloads.as_str()), ("gtk-3.0/settings.ini", motion), ("gtk-4.0/settings.ini", motion)]
    {
        let file = settings.join(file);
        let written =
            std::fs::create_dir_all(file.parent().unwrap_or(&settings)).and_then(|()| std::fs::write(&file, text));
        written.expect("the browser's settings");
    }
    [("XDG_CONFIG_HOME", settings), ("XDG_DATA_HOME", folder.join("data")), ("XDG_CACHE_HOME", folder.join("cache"))]
}

/// A screen in memory, and its name.
fn start_screen() -> Result<(Child, String), String> {
    let screen = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut screen = screen.map_err(|error| format!("Xvfb did not start: {error}\n{CURE}"))?;
    let mut number = String::new();
    let output = screen.stdout.take().expect("its output is a pipe");
    BufReader::new(output).read_line(&mut number).expect("Xvfb says its number");
    Ok((screen, format!(":{}", number.trim())))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its own address").port()
}

/// Where Linux has it; elsewhere the driver knows.
fn find(names: &[&str]) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let mut candidates =
        names.iter().flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    candidates.find(|file| file.is_file()).map(|file| file.display().to_string())
}
