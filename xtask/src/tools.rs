//! Sets up what building the app needs: the wasm target, trunk, wasm-bindgen and, where it can be had, wasm-opt.

use crate::process::{self, answer, command, command_line, run};
use crate::project;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

const TRUNK: &str = "0.21.14";
const BINARYEN: &str = "132.0.0";
/// An older wasm-opt may be worse than none: 108, as Debian 12 and Ubuntu 24.04 have it, mixes
/// up the tables of functions and of references, and the page dies at its start.
const OLDEST_WASM_OPT: u32 = 123;
const WASM: &str = "wasm32-unknown-unknown";

/// Installs what is missing; says nothing when nothing is.
pub fn setup() -> Result<()> {
    wasm_target()?;
    cargo_tool("trunk", TRUNK, &["--locked", "--no-default-features"])?;
    // Its own lock file names releases that are gone, so it is built without `--locked`.
    cargo_tool("wasm-bindgen", &locked_wasm_bindgen()?, &[])?;
    wasm_opt()
}

/// Setup that also tries again what could not be had the last time.
pub fn setup_again() -> Result<()> {
    if process::stand_ins().exists() {
        fs::remove_dir_all(process::stand_ins())?;
    }
    setup()?;
    println!("setup: the build tools are ready");
    Ok(())
}

fn wasm_target() -> Result<()> {
    let libraries = answer(&mut command_line(&format!("rustc --print target-libdir --target {WASM}")));
    if libraries.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return Ok(());
    }
    println!("setup: adding the Rust target {WASM}");
    run(&mut command_line(&format!("rustup target add {WASM}")))
        .with_context(|| format!("the Rust target {WASM} is missing: install it, with rustup or your distribution"))
}

/// The wasm-bindgen command must match the crate exactly, so its version is read from Cargo.lock.
fn locked_wasm_bindgen() -> Result<String> {
    let path = project::root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let entry = lock.split("[[package]]").find(|entry| entry.contains("\nname = \"wasm-bindgen\"\n"));
    let version = entry.and_then(|entry| entry.split("\nversion = \"").nth(1)?.split('"').next());
    Ok(version.context("Cargo.lock names no wasm-bindgen: run 'cargo update --workspace'")?.to_owned())
}

/// Installs a program from crates.io into the tool folder, unless the right version answers already.
fn cargo_tool(program: &str, version: &str, flags: &[&str]) -> Result<()> {
    if version_of(program).is_some_and(|found| found == version) {
        return Ok(());
    }
    let package = if program == "wasm-bindgen" { "wasm-bindgen-cli" } else { program };
    let tools = project::tools();
    println!("setup: building {package} {version} into {} (some minutes, once)", tools.display());
    let build = tools.join("build");
    let mut install = command_line(&format!("cargo install {package} --version ={version} --force --root"));
    install.arg(&tools).args(flags);
    // A folder of its own, so that an interrupted build goes on where it stopped. The packages'
    // link-time optimisation would double the time and helps nothing here.
    install.env("CARGO_TARGET_DIR", &build).env("CARGO_PROFILE_RELEASE_LTO", "off");
    install.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    run(&mut install).with_context(|| format!("could not install {package} {version}: is the network up?"))?;
    match version_of(program) {
        Some(found) if found == version => Ok(fs::remove_dir_all(build)?),
        found => bail!("{package} {version} was installed, but '{program} --version' answers {found:?}"),
    }
}

/// wasm-opt makes the app smaller and is no must.
fn wasm_opt() -> Result<()> {
    if wasm_opt_is_good() {
        return Ok(());
    }
    if process::stand_ins().exists() {
        println!("setup: without wasm-opt the app gets larger; 'cargo xtask setup' tries again to install it");
        return Ok(());
    }
    println!("setup: installing wasm-opt (binaryen {BINARYEN})");
    let reason = match npm_install(&format!("binaryen@{BINARYEN}")) {
        Ok(()) if wasm_opt_is_good() => return Ok(()),
        Ok(()) => "what npm installed does not run".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    println!(
        "setup: wasm-opt could not be had ({reason}), the app gets larger without it.\n       \
         Install npm, or binaryen {OLDEST_WASM_OPT} or newer, then run 'cargo xtask setup'."
    );
    write_stand_in()
}

fn wasm_opt_is_good() -> bool {
    let version = version_of("wasm-opt").and_then(|version| version.parse::<u32>().ok());
    version.is_some_and(|version| version >= OLDEST_WASM_OPT)
}

/// trunk cannot go on without wasm-opt, so something answers in its name and copies the file as it is.
fn write_stand_in() -> Result<()> {
    let folder = process::stand_ins();
    fs::create_dir_all(&folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join("wasm-opt");
        fs::write(&path, include_str!("wasm-opt-stand-in.sh"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
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

/// The first number-like word of what `program --version` answers: `trunk 0.21.14`, `wasm-opt version 108 (…)`.
pub fn version_of(program: &str) -> Option<String> {
    let text = answer(command(program).arg("--version"))?;
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    text.split_whitespace().find(is_version).map(str::to_owned)
}
