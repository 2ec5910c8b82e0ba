//! Where things are, and what is done with files.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Component, Path, PathBuf};
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

/// All files under a path, in a stable order; none when it does not exist.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(path) else {
        return if path.is_file() { vec![path.to_owned()] } else { vec![] };
    };
    let mut entries: Vec<PathBuf> = folder.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.iter().flat_map(|entry| files(entry)).collect()
}

/// Copies all files under a folder.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    ensure!(from.is_dir(), "there is no folder {}", from.display());
    for file in files(from) {
        let copy = to.join(file.strip_prefix(from).expect("a file of the folder lies in it"));
        fs::create_dir_all(copy.parent().expect("it lies in a folder"))?;
        fs::copy(&file, &copy).with_context(|| format!("cannot copy {} to {}", file.display(), copy.display()))?;
    }
    Ok(())
}

/// Makes a folder that is there and empty.
pub fn empty_folder(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot empty {}", path.display()))?;
    }
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}

/// The path without its `.` and `..`, by its letters alone.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// A number that stands for some content, in names and to see whether anything has changed.
pub fn hash(content: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn from_environment(variable: &str, default: &str) -> PathBuf {
    // An absolute path replaces the root.
    root().join(std::env::var_os(variable).filter(|value| !value.is_empty()).unwrap_or(default.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_loses_its_dots() {
        assert_eq!(without_dots(Path::new("/app/web/.././assets/runs")), Path::new("/app/assets/runs"));
    }

    #[test]
    fn another_content_has_another_hash() {
        assert_eq!(hash("page"), hash("page"));
        assert_ne!(hash("page"), hash("pages"));
        assert_eq!(hash("page").len(), 16);
    }

    #[test]
    fn a_folder_is_copied_with_its_folders() {
        let (from, to) = (target().join("copy-test/from"), target().join("copy-test/to"));
        empty_folder(&from.join("deep")).expect("a folder");
        empty_folder(&to).expect("a folder");
        fs::write(from.join("deep/file"), "x").expect("a file");
        copy_folder(&from, &to).expect("the folder is copied");
        assert_eq!(fs::read_to_string(to.join("deep/file")).expect("the copy"), "x");
        let said = copy_folder(&from.join("none"), &to).expect_err("there is nothing to copy").to_string();
        assert!(said.starts_with("there is no folder "), "{said}");
    }
}
