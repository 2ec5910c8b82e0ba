//! Which crate may use which, and which features dependencies have.

use crate::cargo::{name, own_dependencies, root, rust_versions, tree};
use std::collections::{BTreeMap, BTreeSet};

const BROWSER: [&str; 7] =
    ["gloo", "js-sys", "leptos", "reactive_graph", "wasm-bindgen", "wasm-bindgen-futures", "web-sys"];
const TENSORS: [&str; 4] = ["burn", "burn-tensor", "cubecl", "safetensors"];
const BACKENDS: [&str; 5] = ["burn-flex", "burn-wgpu", "burn-cubecl", "cubecl", "wgpu"];
const TERMINAL: [&str; 3] = ["clap", "signal-hook", "indicatif"];

/// What must not be among the dependencies of a crate, with default features on this machine.
fn forbidden() -> BTreeMap<&'static str, Vec<&'static str>> {
    let plain = [&BROWSER[..], &TENSORS, &BACKENDS, &TERMINAL].concat();
    let method = [&BROWSER[..], &BACKENDS, &TERMINAL].concat();
    BTreeMap::from([
        ("ditscope-config", plain.clone()),
        ("ditscope-noise", plain.clone()),
        ("ditscope-schedule", plain.clone()),
        ("ditscope-tensor-file", plain.clone()),
        ("ditscope-protocol", plain.clone()),
        ("ditscope-page-state", plain.clone()),
        ("ditscope-words", plain.clone()),
        ("ditscope-plots", plain.clone()),
        ("ditscope-export", plain.clone()),
        ("ditscope-audio", plain),
        ("ditscope-ops", method.clone()),
        ("ditscope-core", method.clone()),
        ("ditscope-frames", method.clone()),
        // With the part of training that a browser could run.
        ("ditscope-train", [&method[..], &["rayon", "anyhow"]].concat()),
        ("ditscope-model-dir", method.clone()),
        ("ditscope-data", method.clone()),
        ("ditscope-convert", method),
    ])
}

#[test]
fn no_crate_has_what_it_must_not_know() {
    for (package, forbidden) in forbidden() {
        let found: Vec<_> = tree(&format!("-p {package} -e normal")).into_keys().collect();
        let wrong: Vec<_> = found.iter().filter(|found| forbidden.contains(&name(found))).collect();
        assert!(wrong.is_empty(), "{package} must not use {wrong:?}");
    }
}

/// The direction: a crate uses only what stands before it here. A new crate has a place in this order.
const ORDER: [&str; 19] = [
    "ditscope-config",
    "ditscope-noise",
    "ditscope-tensor-file",
    "ditscope-schedule",
    "ditscope-protocol",
    "ditscope-page-state",
    "ditscope-words",
    "ditscope-plots",
    "ditscope-export",
    "ditscope-audio",
    "ditscope-ops",
    "ditscope-core",
    "ditscope-frames",
    "ditscope-train",
    "ditscope-model-dir",
    "ditscope-data",
    "ditscope-convert",
    "ditscope-cli",
    "ditscope",
];

#[test]
fn crates_use_only_what_is_below_them() {
    for (package, uses) in own_dependencies() {
        if ["ditscope-test-support", "xtask"].contains(&package.as_str()) {
            continue;
        }
        let place = |name: &str| ORDER.iter().position(|other| *other == name);
        let own = place(&package).unwrap_or_else(|| panic!("{package} has no place in the order of the crates"));
        let wrong: Vec<_> = uses.iter().filter(|other| place(other).is_none_or(|place| place >= own)).collect();
        assert!(wrong.is_empty(), "{package} must not use {wrong:?}");
    }
}

/// What page and worker are built with: Cargo unites the features of all packages that it builds together, so a new
/// dependency, or a feature for one, can change others', and the sizes with them. `DITSCOPE_WRITE=1` writes the lists
/// anew: look at the difference.
#[test]
fn page_and_worker_are_built_with_the_features_that_are_listed() {
    for program in ["ui", "worker", "trainer", "trainer-gpu"] {
        let tree = tree(&format!("-p ditscope --features {program} --target wasm32-unknown-unknown -e normal"));
        let line = |(package, features): (&String, &BTreeSet<String>)| {
            // Versions change without harm.
            let features: Vec<&str> = features.iter().map(String::as_str).collect();
            format!("{} {}", name(package), features.join(",")).trim().to_owned()
        };
        let found: BTreeSet<String> = tree.iter().map(line).collect();
        let file = root().join(format!("tests/architecture/features-{program}.txt"));
        if std::env::var_os("DITSCOPE_WRITE").is_some() {
            let text = found.iter().map(|line| format!("{line}\n")).collect::<String>();
            std::fs::write(&file, text).expect("the list is written");
        }
        let listed = std::fs::read_to_string(&file).expect("the list of features");
        let listed: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
        let (more, less): (Vec<_>, Vec<_>) = (found.difference(&listed).collect(), listed.difference(&found).collect());
        assert!(more.is_empty() && less.is_empty(), "{program}: not in the list {more:#?}, only there {less:#?}");
    }
}

/// `cargo run -p ditscope-cli` and `cargo test --workspace` share one build of burn.
#[test]
fn burn_is_built_once() {
    let all = tree("--workspace -e normal,build,dev");
    let alone = tree("-p ditscope-cli -e normal,build");
    let below = tree("-p ditscope-core -e normal,build");
    let differs = |package: &&String| alone.get(*package) != all.get(*package);
    let wrong: Vec<_> = below.keys().filter(differs).filter(|package| !package.starts_with("ditscope")).collect();
    assert!(wrong.is_empty(), "built twice, because of other features in the workspace: {wrong:#?}");
}

/// `rust-version` is the oldest Rust that all of it can be built with, as far as packages say what they need.
#[test]
fn no_dependency_needs_a_newer_rust_than_is_declared() {
    let (own, dependencies): (Vec<_>, Vec<_>) = rust_versions().into_iter().partition(|package| package.is_own);
    let declared = own.iter().find_map(|package| package.version).expect("the workspace's rust-version");
    let differs = own.iter().filter(|package| package.version != Some(declared)).map(|package| &package.package);
    assert!(differs.clone().count() == 0, "not {declared:?}, as the others: {:?}", differs.collect::<Vec<_>>());
    let newer = dependencies.iter().filter(|package| package.version > Some(declared));
    let newer: Vec<_> = newer.map(|package| (&package.package, package.version)).collect();
    assert!(newer.is_empty(), "rust-version is {declared:?}, but these need more: {newer:?}");
}

/// The picture in ARCHITECTURE.md: `crate → what it uses`, names without `ditscope-`.
#[test]
fn the_picture_of_the_crates_is_right() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let drawn = text.lines().filter_map(|line| {
        let (package, uses) = line.split_once('→')?;
        let package = package.trim();
        let is_name = !package.is_empty() && package.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        is_name.then(|| (package.to_owned(), uses.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>()))
    });
    let drawn: BTreeMap<_, _> = drawn.collect();
    let short = |name: &String| name.strip_prefix("ditscope-").unwrap_or(name).to_owned();
    let real = own_dependencies().into_iter().filter(|(package, _)| package != "ditscope-test-support");
    let real = real.map(|(package, uses)| (short(&package), uses.iter().map(short).collect::<BTreeSet<_>>()));
    let real: BTreeMap<_, _> = real.filter(|(_, uses)| !uses.is_empty()).collect();
    assert_eq!(drawn, real, "draw it anew");
}
