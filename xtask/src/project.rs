//! Where things are.

use std::path::{Path, PathBuf};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the project's root")
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
