//! Where things are.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The checkout that cargo runs xtask in. Asked for at run time: checkouts that share a target folder share the program.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
        Path::new(&xtask).parent().expect("xtask lies in the project's root").to_owned()
    })
}

/// The tool folder: what setup installs goes here and nowhere else.
pub fn tools() -> PathBuf {
    from_environment("DITSCOPE_TOOLS", ".tools")
}

pub fn target() -> PathBuf {
    from_environment("CARGO_TARGET_DIR", "target")
}

/// Build outputs for wasm. A folder of their own, so that page and native builds do not wait for each other.
pub fn web_target() -> PathBuf {
    target().join("web")
}

pub fn dist() -> PathBuf {
    root().join("dist")
}

fn from_environment(variable: &str, default: &str) -> PathBuf {
    // An absolute path replaces the root.
    root().join(std::env::var_os(variable).filter(|value| !value.is_empty()).unwrap_or(default.into()))
}
