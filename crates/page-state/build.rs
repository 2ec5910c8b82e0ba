//! Tells the page which model it opens with: the first of the index of the shipped ones.

use serde_json::Value;

const INDEX: &str = "../../assets/models/index.json";

fn main() {
    println!("cargo::rerun-if-changed={INDEX}");
    let bytes = std::fs::read(INDEX).unwrap_or_else(|error| panic!("{INDEX}: {error}"));
    let index: Value = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{INDEX}: {error}"));
    let first = index["models"][0]["id"].as_str().unwrap_or_else(|| panic!("{INDEX}: it has no model"));
    println!("cargo::rustc-env=DITSCOPE_FIRST_MODEL={first}");
}
