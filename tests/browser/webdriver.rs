//! A browser through its driver, with the few commands of the WebDriver protocol
//! (<https://www.w3.org/TR/webdriver2/>) that the tests use.
//!
//! The protocol is plain JSON over HTTP and every test is one sequence, so this is
//! less to compile and to read than a general asynchronous client.

use crate::engine::{CURE, Driver, PATIENCE_SECONDS};
pub use crate::engine::{Engine, Gpu};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Key of an element's id in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Keys that are no characters.
pub mod key {
    pub const ESCAPE: &str = "\u{E00C}";
    pub const DOWN: &str = "\u{E015}";
    pub const END: &str = "\u{E010}";
    pub const ENTER: &str = "\u{E007}";
    pub const HOME: &str = "\u{E011}";
    pub const LEFT: &str = "\u{E012}";
    pub const UP: &str = "\u{E013}";
    pub const PAGE_DOWN: &str = "\u{E00F}";
    pub const PAGE_UP: &str = "\u{E00E}";
    pub const RIGHT: &str = "\u{E014}";
}

/// A running browser with a fresh profile. Ends with the value.
pub struct Browser {
    engine: Engine,
    driver: Driver,
    session: String,
    profile: TempDir,
}

/// A part of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Element(String);

/// What the driver could not do.
#[derive(Debug)]
pub struct DriverError {
    /// The protocol's own word, like "stale element reference".
    pub kind: String,
    message: String,
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

type Result<T> = std::result::Result<T, DriverError>;

impl Browser {
    /// Starts it at 1280 by 900.
    pub fn start(engine: Engine, gpu: Gpu) -> Self {
        Self::try_start(engine, gpu).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same, for programs that are no tests.
    ///
    /// # Errors
    /// Says what to do where browser or driver do not start.
    pub fn try_start(engine: Engine, gpu: Gpu) -> std::result::Result<Self, String> {
        let profile = tempfile::tempdir().expect("a temporary folder for the browser's profile");
        std::fs::create_dir(profile.path().join("downloads")).expect("a folder for downloads");
        let driver = Driver::start(engine, profile.path())?;
        let session = format!("{}/session", driver.address);
        let mut browser = Self { engine, session, driver, profile };
        let wanted = engine.capabilities(gpu, browser.profile.path());
        let answer = browser.post("", json!({ "capabilities": { "alwaysMatch": wanted } }));
        let answer = answer.map_err(|error| format!("{engine:?} did not start: {error}\n{CURE}"))?;
        let id = answer["sessionId"].as_str().expect("a new session has an id");
        browser.session = format!("{}/{id}", browser.session);
        if engine == Engine::Webkit {
            let size = json!({ "x": 0, "y": 0, "width": 1280, "height": 900 });
            browser.post("/window/rect", size).map_err(|error| format!("cannot resize the window: {error}"))?;
        }
        Ok(browser)
    }

    /// The folder that downloads go to.
    pub fn downloads(&self) -> PathBuf {
        self.profile.path().join("downloads")
    }

    fn network_log(&self) -> PathBuf {
        self.profile.path().join("network.json")
    }

    /// Ends Chromium (no other browser) and gives every address that pages and workers of an origin asked for.
    pub fn quit_and_list_requests(&self, origin: &str) -> Vec<String> {
        self.quit();
        let log = std::fs::read_to_string(self.network_log()).expect("Chromium writes a network log");
        // One event a line. What Chromium does of its own accord has another initiator, or none.
        let events = log.lines().filter_map(|line| serde_json::from_str(line.trim_end_matches(',')).ok());
        let asked = |event: Value| {
            let parameters = &event["params"];
            let is_ours = parameters["initiator"].as_str()?.trim_end_matches('/') == origin;
            is_ours.then(|| parameters["url"].as_str().map(str::to_owned)).flatten()
        };
        events.filter_map(asked).collect()
    }

    fn quit(&self) {
        // Nothing useful is left to do when it is gone already.
        let _ = send(minreq::delete(&self.session));
    }

    /// Ends Chromium's process that holds all WebGPU devices, as a crashing driver does. It starts another.
    pub fn crash_gpu(&self) {
        let processes = std::fs::read_dir("/proc").expect("a system with /proc").flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let is_gpu = |id: &u32| {
            let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("--type=gpu-process") && descends_from(*id, self.driver.id())
        };
        let found: Vec<u32> = ids.filter(is_gpu).collect();
        assert!(!found.is_empty(), "this browser has no process for the GPU");
        for id in found {
            let killed = Command::new("kill").args(["-KILL", &id.to_string()]).status();
            assert!(killed.is_ok_and(|status| status.success()), "process {id} could not be ended");
        }
    }

    pub fn goto(&self, url: &str) {
        self.try_goto(url).unwrap_or_else(|error| panic!("cannot open {url}: {error}"));
    }

    pub fn try_goto(&self, url: &str) -> Result<()> {
        self.post("/url", json!({ "url": url })).map(drop)
    }

    pub fn reload(&self) {
        self.post("/refresh", json!({})).unwrap_or_else(|error| panic!("cannot reload: {error}"));
    }

    /// Runs the body of a JavaScript function and gives what it (or its promise) returns.
    #[track_caller]
    pub fn script(&self, body: &str) -> Value {
        self.try_script(body, &[]).unwrap_or_else(|error| panic!("{error}\nin the script:\n{body}"))
    }

    /// The same with elements as `arguments`.
    pub fn try_script(&self, body: &str, elements: &[&Element]) -> Result<Value> {
        let elements: Vec<Value> = elements.iter().map(|element| json!({ ELEMENT: element.0 })).collect();
        self.post("/execute/sync", json!({ "script": body, "args": elements }))
    }

    pub fn find_all(&self, css: &str) -> Result<Vec<Element>> {
        let found = self.post("/elements", json!({ "using": "css selector", "value": css }))?;
        let id = |element: &Value| element[ELEMENT].as_str().map(|id| Element(id.to_owned()));
        Ok(found.as_array().into_iter().flatten().filter_map(id).collect())
    }

    /// The role that assistive technology is told.
    pub fn role(&self, element: &Element) -> Result<String> {
        self.get_text(element, "computedrole")
    }

    /// The name that assistive technology is told.
    pub fn label(&self, element: &Element) -> Result<String> {
        self.get_text(element, "computedlabel")
    }

    pub fn is_enabled(&self, element: &Element) -> Result<bool> {
        Ok(self.get(&format!("/element/{}/enabled", element.0))? == Value::Bool(true))
    }

    pub fn click(&self, element: &Element) -> Result<()> {
        self.post(&format!("/element/{}/click", element.0), json!({})).map(drop)
    }

    /// Presses and releases a key, wherever the focus is.
    #[track_caller]
    pub fn press(&self, key: &str) {
        let strokes = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        self.post("/actions", actions).unwrap_or_else(|error| panic!("cannot press a key: {error}"));
    }

    /// Shows the page as on a screen of this size, at one device pixel to the CSS pixel.
    pub fn resize(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
        self.settle();
    }

    pub fn prefer_colour_scheme(&self, scheme: &str) {
        self.prefer("prefers-color-scheme", scheme);
        self.settle();
    }

    /// The system prefers this and nothing else, also on pages that are opened later. Only Chromium can be told so; the
    /// others prefer reduced motion from the start.
    pub fn prefer(&self, feature: &str, value: &str) {
        if self.engine != Engine::Chromium {
            assert_eq!((feature, value), ("prefers-reduced-motion", "reduce"), "{:?} cannot be told", self.engine);
            return;
        }
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", features);
    }

    /// From now on the browser's storage holds this many bytes of the origin; `None`: as many as usual.
    pub fn limit_storage(&self, origin: &str, bytes: Option<u64>) {
        let mut parameters = json!({ "origin": origin });
        if let Some(bytes) = bytes {
            parameters["quotaSize"] = bytes.into();
        }
        self.devtools("Storage.overrideQuotaForOrigin", parameters);
    }

    /// Gives files to a file input, or types into a field.
    #[track_caller]
    pub fn type_into(&self, element: &Element, text: &str) {
        let path = format!("/element/{}/value", element.0);
        self.post(&path, json!({ "text": text })).unwrap_or_else(|error| panic!("cannot type '{text}': {error}"));
    }

    /// What is laid out by script follows within a frame or two, colours fade.
    fn settle(&self) {
        self.script(
            "const frame = () => new Promise(requestAnimationFrame);
            const faded = () => Promise.allSettled(document.getAnimations().map(animation => animation.finished));
            return frame().then(frame).then(frame).then(faded).then(() => null)",
        );
    }

    pub fn devtools(&self, command: &str, parameters: Value) {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
            .unwrap_or_else(|error| panic!("{command}: {error}"));
    }

    /// What the page and its worker wrote to the console since the last call.
    pub fn console(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({ "type": "browser" })).unwrap_or_default();
        let text = |entry: &Value| format!("{} {}", entry["level"], entry["message"]);
        log.as_array().into_iter().flatten().map(text).collect()
    }

    pub fn save_screenshot(&self, file: &Path) -> Result<()> {
        let picture = self.get("/screenshot")?;
        let bytes = STANDARD.decode(picture.as_str().unwrap_or_default()).unwrap_or_default();
        std::fs::write(file, bytes).map_err(|error| DriverError { kind: "file".into(), message: error.to_string() })
    }

    fn get_text(&self, element: &Element, what: &str) -> Result<String> {
        let text = self.get(&format!("/element/{}/{what}", element.0))?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    fn get(&self, path: &str) -> Result<Value> {
        send(minreq::get(format!("{}{path}", self.session)))
    }

    fn post(&self, path: &str, body: Value) -> Result<Value> {
        send(minreq::post(format!("{}{path}", self.session)).with_body(body.to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.quit();
    }
}

fn send(request: minreq::Request) -> Result<Value> {
    let failed = |message: String| DriverError { kind: "driver".into(), message };
    let response = request.with_timeout(PATIENCE_SECONDS).send().map_err(|error| failed(error.to_string()))?;
    let mut answer: Value = serde_json::from_slice(response.as_bytes()).map_err(|error| failed(error.to_string()))?;
    let value = answer["value"].take();
    match value["error"].as_str() {
        None => Ok(value),
        Some(kind) => {
            let message = value["message"].as_str().unwrap_or_default();
            Err(DriverError { kind: kind.into(), message: message.into() })
        }
    }
}

/// Whether `ancestor` started the process, or started what did.
fn descends_from(mut process: u32, ancestor: u32) -> bool {
    while process > 1 {
        if process == ancestor {
            return true;
        }
        // "id (name) state parent …", and the name may hold anything, parentheses too.
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        process = parent.unwrap_or(0);
    }
    false
}
