//! The page as a test uses it: its parts by role and accessible name, and waiting for things to happen.

use crate::server::Server;
use crate::webdriver::{Browser, Element, Engine, Gpu};
use image::RgbaImage;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The shipped model compiles, loads and runs well within this on a slow machine.
pub const LONG: Duration = Duration::from_secs(300);
/// The page itself reacts within this.
pub const SHORT: Duration = Duration::from_secs(20);

/// One browser at a time: several would only slow each other down and blur the failures.
static TURN: Mutex<()> = Mutex::new(());

/// A server with the app, and a browser.
pub struct App {
    name: &'static str,
    pub browser: Browser,
    pub server: Server,
    _turn: MutexGuard<'static, ()>,
}

impl App {
    /// In Chromium; `name` is the test's, for its screenshot.
    pub fn start(name: &'static str, gpu: Gpu) -> Self {
        Self::start_with_models(name, gpu, &[])
    }

    /// With more model folders than the built app has: (name, folder). What was recorded of such a model lies in the folder's
    /// `runs`.
    pub fn start_with_models(name: &'static str, gpu: Gpu, models: &[(&str, &Path)]) -> Self {
        Self::start_in(Engine::Chromium, name, gpu, models)
    }

    /// The same in another browser.
    pub fn start_in(engine: Engine, name: &'static str, gpu: Gpu, models: &[(&str, &Path)]) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut mounts = vec![("/".to_owned(), dist())];
        for (model, folder) in models {
            mounts.push((format!("/assets/models/{model}/"), (*folder).to_owned()));
            mounts.push((format!("/assets/runs/{model}/"), folder.join("runs")));
        }
        let server = Server::start(mounts);
        Self { name, browser: Browser::start(engine, gpu), server, _turn: turn }
    }

    /// Whether parts of the page come later, as `cargo xtask build` makes it.
    pub fn is_split(&self) -> bool {
        let files = std::fs::read_dir(dist()).into_iter().flatten().flatten();
        files.filter(|file| file.file_name().to_string_lossy().starts_with("app-")).any(|file| file.path().is_dir())
    }

    /// Runs a script before those of every page that is opened from now on, as a browser or an extension may.
    pub fn before_pages(&self, source: &str) {
        self.browser.devtools("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({ "source": source }));
    }

    /// Opens the page with URL parameters like `class=9&steps=10`, of the model Fashion if they name none, and with
    /// everything on it. The visitor wants no motion: so a run that they name does not begin by itself, and the test has it
    /// in hand.
    pub fn open(&self, parameters: &str) {
        self.open_with(&format!("{parameters}&depth=full"), "reduce");
    }

    /// Opens the page as a link does, for a visitor who has nothing against motion.
    pub fn open_link(&self, parameters: &str) {
        self.open_with(parameters, "no-preference");
    }

    fn open_with(&self, parameters: &str, motion: &str) {
        self.browser.prefer("prefers-reduced-motion", motion);
        let model = if parameters.contains("model=") { "" } else { "&model=fashion" };
        self.browser.goto(&format!("{}/?{parameters}{model}", self.server.origin()));
    }

    /// Opens the page and waits until it can generate.
    pub fn open_ready(&self, parameters: &str) {
        self.open(parameters);
        self.wait_ready();
    }

    pub fn wait_ready(&self) {
        self.wait_status("Ready", LONG);
    }

    /// Presses Generate and waits for the end of the run.
    pub fn generate(&self) {
        self.click("button", "Generate");
        self.wait_done();
    }

    pub fn wait_done(&self) {
        self.wait_status("Done", LONG);
    }

    /// Waits until a live region says `text`.
    #[track_caller]
    pub fn wait_status(&self, text: &str, patience: Duration) {
        self.wait(&format!("a status with '{text}'"), patience, || self.status().contains(text).then_some(()));
    }

    /// Everything that live regions say.
    pub fn status(&self) -> String {
        let text = "return [...document.querySelectorAll('[role=status], [role=alert], output')]
            .map(e => e.textContent).join('\\n')";
        self.browser.script(text).as_str().unwrap_or_default().to_owned()
    }

    /// What the page tells the visitor about the address and the device; empty without such a notice.
    pub fn notices(&self) -> String {
        self.text_of("complementary", "Notices")
    }

    /// What the page tells the visitor about a failure; empty without one.
    pub fn failure(&self) -> String {
        self.text_of("alert", "")
    }

    fn text_of(&self, role: &str, name: &str) -> String {
        let Some(element) = self.find(role, name) else { return String::new() };
        let text = self.browser.try_script("return arguments[0].innerText", &[&element]).unwrap_or_default();
        text.as_str().unwrap_or_default().to_owned()
    }

    /// All text that a visitor sees.
    pub fn text(&self) -> String {
        self.browser.script("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// The element with this role and accessible name, as the accessibility tree has them.
    pub fn find(&self, role: &str, name: &str) -> Option<Element> {
        let has = |element: &Element| {
            // A part that vanishes while it is looked at is not there.
            self.browser.label(element).is_ok_and(|label| label == name)
                && self.browser.role(element).is_ok_and(|found| same_role(&found, role))
        };
        self.browser.find_all(candidates(role)).ok()?.into_iter().find(has)
    }

    #[track_caller]
    pub fn expect(&self, role: &str, name: &str) -> Element {
        self.wait(&format!("the {role} \"{name}\""), SHORT, || self.find(role, name))
    }

    /// Waits until the element can be clicked, and clicks it.
    #[track_caller]
    pub fn click(&self, role: &str, name: &str) {
        self.wait(&format!("a click on the {role} \"{name}\""), SHORT, || {
            let element = self.find(role, name).filter(|e| self.browser.is_enabled(e).unwrap_or(false))?;
            self.browser.click(&element).ok()
        });
    }

    /// The name of a button that starts and ends so.
    pub fn button_that_starts(&self, start: &str, end: &str) -> Option<String> {
        let buttons = self.browser.find_all("button").ok()?;
        let names = buttons.iter().filter_map(|button| self.browser.label(button).ok());
        names.into_iter().find(|name| name.starts_with(start) && name.ends_with(end))
    }

    /// Gives an element the focus, as the Tab key would.
    #[track_caller]
    pub fn focus(&self, role: &str, name: &str) {
        let element = self.expect(role, name);
        self.browser.try_script("arguments[0].focus()", &[&element]).unwrap_or_else(|error| panic!("{error}"));
    }

    /// A slider's `now`, `min` or `max`.
    #[track_caller]
    pub fn slider(&self, name: &str, what: &str) -> f64 {
        let element = self.expect("slider", name);
        let property = if what == "now" { "value" } else { what };
        let script =
            format!("const e = arguments[0]; return Number(e.getAttribute('aria-value{what}') ?? e.{property})");
        let value = self.browser.try_script(&script, &[&element]).unwrap_or_else(|error| panic!("{error}"));
        value.as_f64().unwrap_or_else(|| panic!("the slider \"{name}\" has no number for {what}: {value}"))
    }

    /// The value of a text field, a list or a number field.
    #[track_caller]
    pub fn value(&self, element: &Element) -> String {
        let value = self.browser.try_script("return String(arguments[0].value)", &[element]);
        value.unwrap_or_else(|error| panic!("{error}")).as_str().unwrap_or_default().to_owned()
    }

    /// What the largest canvas shows, in its own pixels.
    #[track_caller]
    pub fn picture(&self) -> RgbaImage {
        let script = "
            const area = c => { const r = c.getBoundingClientRect(); return r.width * r.height; };
            const canvas = [...document.querySelectorAll('canvas')].sort((a, b) => area(b) - area(a))[0];
            return canvas ? canvas.toDataURL('image/png').split(',')[1] : null;";
        let data = self.browser.script(script);
        decode_png(&decode_base64(data.as_str().expect("the page has a canvas")))
    }

    /// Presses "Download PNG" and gives the file.
    #[track_caller]
    pub fn download(&self) -> Vec<u8> {
        let before = self.downloaded("png");
        self.click("button", "Download PNG");
        let file = self
            .wait("a downloaded PNG", SHORT, || self.downloaded("png").into_iter().find(|file| !before.contains(file)));
        std::fs::read(&file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()))
    }

    /// The files that were saved whole, by their ending.
    pub fn downloaded(&self, ending: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.browser.downloads()).into_iter().flatten().flatten();
        // Browsers write under another name and rename at the end; Firefox keeps the name free with an empty file.
        let is_whole = |path: &PathBuf| {
            path.extension().is_some_and(|e| e == ending) && path.metadata().is_ok_and(|file| file.len() > 0)
        };
        entries.map(|entry| entry.path()).filter(is_whole).collect()
    }

    /// Saves a picture of the page as `NAME.png`.
    pub fn screenshot(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        let file = folder.join(format!("{name}.png"));
        let saved = std::fs::create_dir_all(&folder).map_err(|error| error.to_string());
        let saved = saved.and_then(|()| self.browser.save_screenshot(&file).map_err(|error| error.to_string()));
        match saved {
            Ok(()) => println!("screenshot: {}", file.display()),
            Err(error) => println!("no screenshot {name}: {error}"),
        }
    }

    /// Looks again and again until there is something.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, patience: Duration, look: impl Fn() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            if start.elapsed() > patience {
                panic!(
                    "waited {} s for {what} in vain\nstatus: {}\ntext:\n{}\nconsole:\n{}",
                    patience.as_secs(),
                    self.status(),
                    self.text(),
                    self.browser.console().join("\n")
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.screenshot(self.name);
    }
}

/// Chromium has the newer of the two names for a picture's role.
fn same_role(found: &str, role: &str) -> bool {
    let found = if found == "image" { "img" } else { found };
    found.eq_ignore_ascii_case(role)
}

/// Elements that may have a role.
fn candidates(role: &str) -> &'static str {
    match role {
        "button" => "button, [role=button]",
        "slider" => "input[type=range], [role=slider]",
        "radiogroup" => "[role=radiogroup]",
        "radio" => "input[type=radio], [role=radio]",
        "checkbox" => "input[type=checkbox], [role=checkbox]",
        "combobox" => "select, [role=combobox]",
        "spinbutton" => "input[type=number], [role=spinbutton]",
        "textbox" => "input[type=text], input:not([type]), [role=textbox]",
        "dialog" => "dialog, [role=dialog]",
        "complementary" => "aside, [role=complementary]",
        "alert" => "[role=alert]",
        "group" => "[role=group]",
        "img" => "canvas[role=img], div[role=img]",
        "tab" => "[role=tab]",
        "application" => "[role=application]",
        other => panic!("no candidates for the role {other}"),
    }
}

/// The built app.
pub fn dist() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dist = std::env::var_os("DITSCOPE_DIST").map_or_else(|| root.join("dist"), |folder| root.join(folder));
    assert!(
        dist.join("index.html").is_file(),
        "there is no built app in {}: run 'cargo xtask build' first",
        dist.display()
    );
    dist
}

/// The name of a file of the built worker, by its ending; each build gives it another one.
pub fn worker_file(ending: &str) -> String {
    let names = std::fs::read_dir(dist()).expect("the built app").flatten();
    let names = names.map(|file| file.file_name().to_string_lossy().into_owned());
    let found = names.into_iter().find(|name| name.starts_with("worker") && name.ends_with(ending));
    found.unwrap_or_else(|| panic!("no worker…{ending} in the built app"))
}

pub fn decode_base64(text: &str) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(text).expect("a data URL holds base64")
}

pub fn decode_png(bytes: &[u8]) -> RgbaImage {
    let picture = image::load_from_memory_with_format(bytes, image::ImageFormat::Png);
    picture.expect("a PNG that decodes").into_rgba8()
}
