//! The browsers that the tests run in: sets them up with their drivers and the accessibility checker, and runs the tests.

use crate::process::{command_line, find, run};
use crate::tools::{install_package, npm_install};
use crate::{gpu, project};
use anyhow::{Result, bail};

const AXE: &str = "4.14.1";
const GECKODRIVER: &str = "0.37.1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Chromium,
    Firefox,
    Webkit,
}

/// Every test runs in Chromium, and a few in each of the others.
const MUST: Engine = Engine::Chromium;

const CURE: &str = "\
The browser tests need Chromium (or Chrome) and its driver of the same version. Install them with
  Debian         apt install chromium chromium-driver
  Ubuntu         snap install chromium, and put its chromedriver (chromium.chromedriver) on PATH
  Fedora         dnf install chromium chromedriver
  Arch           pacman -S chromium
  macOS          brew install --cask chromium chromedriver
For the others: Firefox, Mesa's Vulkan drivers and geckodriver (cargo install geckodriver); WebKitWebDriver of WebKitGTK
(Debian: webkit2gtk-driver) and Xvfb.
Choose among them with --engines, or leave those tests out: cargo xtask test --skip browser";

impl Engine {
    pub const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::Webkit];

    /// As `--engines` takes it, and as the module of its tests is called (but Chromium's, which are all the rest).
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::Webkit => "webkit",
        }
    }

    /// Those of a list like `chromium,firefox`.
    ///
    /// # Errors
    /// Names what is no browser.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        let names = Self::ALL.map(Self::name).join(", ");
        let known = |name: &str| Self::ALL.into_iter().find(|engine| engine.name() == name);
        let one =
            |name| known(name).ok_or_else(|| anyhow::anyhow!("'{name}' is no browser of the tests; they are: {names}"));
        text.split(',').map(one).collect()
    }

    /// Whether browser and driver are installed.
    fn is_there(self) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| find(name).is_some());
        match self {
            Self::Chromium => {
                any(&["chromedriver"])
                    && (any(&["chromium", "chromium-browser", "google-chrome"]) || cfg!(target_os = "macos"))
            }
            // It has no adapter in software of its own.
            Self::Firefox => any(&["geckodriver"]) && is_firefox_there() && gpu::has_vulkan(),
            Self::Webkit => any(&["WebKitWebDriver"]) && any(&["Xvfb"]),
        }
    }

    fn install(self) -> Result<()> {
        println!("setup: installing {} and its driver", self.name());
        match self {
            Self::Chromium => install_package("chromium chromium-driver"),
            Self::Firefox => {
                if !is_firefox_there() {
                    install_package("firefox-esr")?;
                }
                if !gpu::has_vulkan() {
                    install_package("mesa-vulkan-drivers")?;
                }
                geckodriver()
            }
            Self::Webkit => install_package("webkit2gtk-driver xvfb"),
        }
    }
}

fn is_firefox_there() -> bool {
    ["firefox-esr", "firefox"].into_iter().any(|name| find(name).is_some()) || cfg!(target_os = "macos")
}

/// Mozilla publishes it as a crate; few distributions have it.
fn geckodriver() -> Result<()> {
    if find("geckodriver").is_some() {
        return Ok(());
    }
    println!("setup: building geckodriver {GECKODRIVER} (some minutes)");
    let mut cargo = command_line("cargo install --locked --debug --quiet --root");
    cargo.arg(project::tools()).arg(format!("geckodriver@{GECKODRIVER}"));
    run(cargo.env_remove("CARGO_TARGET_DIR"))
}

/// Installs what is missing of the browsers that were asked for, or of all. Chromium, and what was asked for by its name,
/// must be there in the end; without another one its tests are left out.
pub fn setup(asked: Option<&[Engine]>) -> Result<()> {
    for &engine in asked.unwrap_or(&Engine::ALL).iter().filter(|engine| !engine.is_there()) {
        let reason = match engine.install() {
            Ok(()) if engine.is_there() => continue,
            Ok(()) => "browser or driver is still missing".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        if asked.is_some() || engine == MUST {
            bail!("{} could not be installed: {reason}\n{CURE}", engine.name());
        }
        println!("setup: {} could not be installed: {reason}", engine.name());
    }
    accessibility_checker();
    Ok(())
}

/// Runs the tests in the browsers that were asked for, or in all that are there.
pub fn test(asked: Option<&[Engine]>) -> Result<()> {
    let mut engines = asked.unwrap_or(&Engine::ALL).to_vec();
    for engine in engines.extract_if(.., |engine| asked.is_none() && !engine.is_there()) {
        println!("browser: the tests in {} are LEFT OUT, because it or its driver is not installed", engine.name());
    }
    run(command_line("cargo test --release --workspace --test browser --").args(filters(&engines)))
}

/// What the test program is told, so that it runs these browsers' tests.
fn filters(engines: &[Engine]) -> Vec<String> {
    let module = |engine: &Engine| format!("{}::", engine.name());
    if !engines.contains(&MUST) {
        return engines.iter().map(module).collect();
    }
    let left_out = Engine::ALL.iter().filter(|engine| !engines.contains(engine));
    left_out.flat_map(|engine| ["--skip".to_owned(), module(engine)]).collect()
}

/// axe-core is a help, not a must: without npm the test that uses it says that it was left out.
fn accessibility_checker() {
    if project::tools().join("node_modules/axe-core/axe.min.js").is_file() {
        return;
    }
    println!("setup: installing axe-core {AXE}, the accessibility checker");
    if let Err(error) = npm_install(&format!("axe-core@{AXE}")) {
        println!("setup: going on without axe-core: {error:#}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_chosen_by_their_names() {
        assert_eq!(Engine::list("firefox,chromium").expect("both are known"), [Engine::Firefox, Engine::Chromium]);
        let said = Engine::list("chromium,opera").expect_err("there is no such browser").to_string();
        assert_eq!(said, "'opera' is no browser of the tests; they are: chromium, firefox, webkit");
    }

    #[test]
    fn only_the_tests_of_the_chosen_engines_run() {
        assert!(filters(&Engine::ALL).is_empty());
        assert_eq!(filters(&[Engine::Chromium, Engine::Webkit]), ["--skip", "firefox::"]);
        assert_eq!(filters(&[Engine::Firefox]), ["firefox::"]);
    }
}
