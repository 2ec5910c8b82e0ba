//! The files that a command is asked to write, looked at before minutes of work.

use anyhow::{Context, Result, bail};
use ditscope_model_dir as model_dir;
use std::path::Path;

/// Endings that promise a format. What ends otherwise, or not at all, is anyone's own name.
const FORMATS: [&str; 29] = [
    "avif",
    "bin",
    "bmp",
    "ckpt",
    "csv",
    "gif",
    "gz",
    "heic",
    "heif",
    "jpeg",
    "jpg",
    "json",
    "mp4",
    "npy",
    "npz",
    "onnx",
    "pdf",
    "pkl",
    "png",
    "pt",
    "pth",
    "safetensors",
    "svg",
    "tif",
    "tiff",
    "txt",
    "wav",
    "webp",
    "zip",
];

/// Refuses a file that could not be written, or whose name promises another format than the one that is written.
///
/// # Errors
/// Names option and file, and what it would have to be called.
pub fn check(option: &str, path: &Path, format: &str) -> Result<()> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    if ending.is_some_and(|ending| ending != format && FORMATS.contains(&ending.as_str())) {
        bail!(
            "{option} {}: what is written is {}. Call it {}",
            path.display(),
            described(format),
            path.with_extension(format).display()
        );
    }
    model_dir::check_file(path).with_context(|| option.to_owned())
}

/// Refuses a name that is a picture's for a folder of several.
///
/// # Errors
/// Names it, and the option for one sheet of all.
pub fn check_folder(path: &Path, pictures: usize) -> Result<()> {
    let is_png = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    if is_png && !path.exists() {
        bail!(
            "--out {0}: {pictures} pictures go into a folder. Name one, or give --grid {0} for one sheet of all",
            path.display()
        );
    }
    Ok(())
}

fn described(format: &str) -> &str {
    match format {
        "png" => "a PNG",
        "safetensors" => "a safetensors file",
        "json" => "JSON",
        other => other,
    }
}
