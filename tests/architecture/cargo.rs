//! What Cargo says of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cargo(arguments: &str) -> String {
    let program = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(program).args(arguments.split_whitespace()).arg("--locked").current_dir(root()).output();
    let output = output.expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments} failed:\n{said}");
    String::from_utf8(output.stdout).expect("cargo speaks UTF-8")
}

/// The packages that `cargo tree` with these arguments lists, and the features that each has been given.
pub fn tree(arguments: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut packages = BTreeMap::<String, BTreeSet<String>>::new();
    for line in cargo(&format!("tree --prefix none --format {{p}}|{{f}} {arguments}")).lines() {
        let Some((package, features)) = line.split_once('|') else { continue };
        // `name v1.2.3 (/path)` or `name v1.2.3`
        let name = package.split(" (").next().unwrap_or(package).to_owned();
        // What was listed above is marked.
        let features = features.trim_end_matches("(*)").trim();
        let features = features.split(',').filter(|feature| !feature.is_empty()).map(str::to_owned);
        packages.entry(name).or_default().extend(features);
    }
    packages
}

/// The name of a package in [`tree`], without its version.
pub fn name(package: &str) -> &str {
    package.split(' ').next().unwrap_or(package)
}

fn metadata(arguments: &str) -> serde_json::Value {
    serde_json::from_str(&cargo(&format!("metadata --format-version 1 {arguments}"))).expect("cargo's JSON")
}

/// The oldest Rust that a package says it needs.
pub struct RustVersion {
    pub package: String,
    pub is_own: bool,
    /// Major, minor, patch; nothing where it does not say.
    pub version: Option<[u32; 3]>,
}

/// Of the workspace's packages and of all that they depend on, on any platform.
pub fn rust_versions() -> Vec<RustVersion> {
    let metadata = metadata("");
    let version = |text: &str| {
        let mut parts = text.split('.').map(|part| part.parse().expect("a version of Rust is numbers"));
        [(); 3].map(|()| parts.next().unwrap_or(0))
    };
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .map(|package| RustVersion {
            package: format!("{} {}", package["name"], package["version"]).replace('"', ""),
            is_own: package["source"].is_null(),
            version: package["rust_version"].as_str().map(version),
        })
        .collect()
}

/// The workspace's own packages and which of them each uses (other than for tests).
pub fn own_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata("--no-deps");
    let text = |value: &serde_json::Value| value.as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let own: BTreeSet<String> = packages.iter().map(|package| text(&package["name"])).collect();
    let uses = |package: &serde_json::Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        let normal = dependencies.filter(|dependency| dependency["kind"].is_null());
        normal.map(|dependency| text(&dependency["name"])).filter(|name| own.contains(name)).collect()
    };
    packages.iter().map(|package| (text(&package["name"]), uses(package))).collect()
}
