//! Sets up what the browser tests need: Chromium, its driver and the accessibility checker.

use crate::process::find;
use crate::project;
use crate::tools::{install_package, npm_install};
use anyhow::{Result, bail};

const AXE: &str = "4.14.1";

const CURE: &str = "\
The browser tests need Chromium (or Chrome) and its driver of the same version. Install them with
  Debian         apt install chromium chromium-driver
  Ubuntu         snap install chromium, and put its chromedriver (chromium.chromedriver) on PATH
  Fedora         dnf install chromium chromedriver
  Arch           pacman -S chromium
  macOS          brew install --cask chromium chromedriver
or leave those tests out: cargo xtask test --skip browser";

pub fn setup() -> Result<()> {
    if !is_there() {
        println!("setup: installing Chromium and its driver");
        if let Err(error) = install_package("chromium chromium-driver") {
            bail!("Chromium could not be installed: {error:#}\n{CURE}");
        }
        if !is_there() {
            bail!("Chromium or its driver is still missing\n{CURE}");
        }
    }
    accessibility_checker();
    Ok(())
}

fn is_there() -> bool {
    find("chromedriver").is_some() && (chromium_is_on_path() || cfg!(target_os = "macos"))
}

fn chromium_is_on_path() -> bool {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().any(|name| find(name).is_some())
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
