//! Gives the messages a name that changes with them: a hash of the sources that say what they are.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is"));
    let mut hasher = DefaultHasher::new();
    for folder in ["src", "../config/src"] {
        println!("cargo::rerun-if-changed={folder}");
        for file in files(&here.join(folder)) {
            fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())).hash(&mut hasher);
        }
    }
    println!("cargo::rustc-env=DITSCOPE_PROTOCOL={:016x}", hasher.finish());
}

/// All files of a folder, in the same order everywhere.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
