//! Sets up what building the app needs: the wasm target and, where it can be had, wasm-opt.

use crate::process::{self, answer, command, command_line, run};
use crate::project;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

const BINARYEN: &str = "132.0.0";
/// An older wasm-opt may be worse than none: 108, as Debian 12 and Ubuntu 24.04 have it, mixes
/// up the tables of functions and of references, and the page dies at its start.
const OLDEST_WASM_OPT: u32 = 123;
const WASM: &str = "wasm32-unknown-unknown";

/// Installs what is missing; says nothing when nothing is.
pub fn setup() -> Result<()> {
    wasm_target()?;
    wasm_opt()
}

/// Setup that also tries again what could not be had the last time.
pub fn setup_again() -> Result<()> {
    let _ = fs::remove_file(not_to_be_had());
    setup()?;
    println!("setup: the build tools are ready");
    Ok(())
}

/// What page and worker are compiled for.
pub fn wasm_target() -> Result<()> {
    let libraries = answer(&mut command_line(&format!("rustc --print target-libdir --target {WASM}")));
    if libraries.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return Ok(());
    }
    println!("setup: adding the Rust target {WASM} (some seconds)");
    run(&mut command_line(&format!("rustup target add {WASM}")))
        .with_context(|| format!("the Rust target {WASM} is missing: install it, with rustup or your distribution"))
}

/// wasm-opt makes the app smaller and is no must.
fn wasm_opt() -> Result<()> {
    if has_wasm_opt() {
        return Ok(());
    }
    if not_to_be_had().exists() {
        println!("setup: without wasm-opt the app gets larger; 'cargo xtask setup' tries again to install it");
        return Ok(());
    }
    println!("setup: installing wasm-opt (binaryen {BINARYEN}, with npm; less than a minute)");
    let reason = match npm_install(&format!("binaryen@{BINARYEN}")) {
        Ok(()) if has_wasm_opt() => return Ok(()),
        Ok(()) => "what npm installed does not run".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    println!(
        "setup: wasm-opt could not be had ({reason}), the app gets larger without it.\n       \
         Install npm, or binaryen {OLDEST_WASM_OPT} or newer, then run 'cargo xtask setup'."
    );
    fs::create_dir_all(project::tools())?;
    Ok(fs::write(not_to_be_had(), reason)?)
}

/// Whether there is a wasm-opt that can be used.
pub fn has_wasm_opt() -> bool {
    let version = version_of("wasm-opt").and_then(|version| version.parse::<u32>().ok());
    version.is_some_and(|version| version >= OLDEST_WASM_OPT)
}

/// Is there when wasm-opt could not be had, so that not every build tries again.
fn not_to_be_had() -> PathBuf {
    project::tools().join("no-wasm-opt")
}

/// Installs an npm package into the tool folder.
pub fn npm_install(package: &str) -> Result<()> {
    if process::find("npm").is_none() {
        bail!("npm is not installed");
    }
    let mut npm = command_line("npm install --no-audit --no-fund --ignore-scripts --loglevel=error --prefix");
    npm.arg(project::tools()).arg(package);
    run(&mut npm)
}

/// Installs packages through the system's package manager, where that asks no question.
pub fn install_package(packages: &str) -> Result<()> {
    let is_root = answer(&mut command_line("id -u")).is_some_and(|id| id == "0");
    let sudo = if is_root { "" } else { "sudo -n " };
    if process::find("apt-get").is_some() && (is_root || answer(&mut command_line("sudo -n true")).is_some()) {
        let install = |line: &str| run(command_line(line).env("DEBIAN_FRONTEND", "noninteractive"));
        install(&format!("{sudo}apt-get update -q"))?;
        return install(&format!("{sudo}apt-get install -q -y --no-install-recommends {packages}"));
    }
    bail!("no package manager that installs without asking (apt-get as root or with a passwordless sudo)")
}

/// The first number-like word of what `program --version` answers, like `wasm-opt version 108 (…)`.
pub fn version_of(program: &str) -> Option<String> {
    let text = answer(command(program).arg("--version"))?;
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    text.split_whitespace().find(is_version).map(str::to_owned)
}
