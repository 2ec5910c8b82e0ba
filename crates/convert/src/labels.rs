//! Names for classes.

use anyhow::{Context, Result, ensure};
use ditscope_model_dir as model_dir;
use std::path::Path;

/// ImageNet's 1000 classes by number (see `assets/labels/README.md` for source and licence).
const IMAGENET: &str = include_str!("../../../assets/labels/imagenet-1k.txt");
pub const NUM_IMAGENET: usize = 1000;

/// The names in the file that was given, else the source's own, else ImageNet's for 1000 classes, else numbers.
///
/// # Errors
/// The file cannot be read, or has another number of names.
pub fn labels(file: Option<&Path>, own: Option<Vec<String>>, num_classes: usize) -> Result<Vec<String>> {
    let labels = match (file, own) {
        (Some(path), _) => read(path)?,
        (None, Some(own)) => own,
        (None, None) if num_classes == NUM_IMAGENET => IMAGENET.lines().map(str::to_owned).collect(),
        (None, None) => (0..num_classes).map(|class| format!("Class {class}")).collect(),
    };
    let source = file.map_or("the source".to_owned(), |path| path.display().to_string());
    ensure!(labels.len() == num_classes, "{source}: {} labels for {num_classes} classes", labels.len());
    Ok(labels)
}

/// One name a line, or a JSON list.
fn read(path: &Path) -> Result<Vec<String>> {
    let text =
        String::from_utf8(model_dir::read_file(path)?).with_context(|| format!("{}: not a text", path.display()))?;
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(&text).with_context(|| format!("{}: not a JSON list of names", path.display()));
    }
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
