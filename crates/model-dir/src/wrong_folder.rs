//! What a folder is that was taken for a model's, and which would be right.

use super::{AUTOENCODER_FILE, CONFIG_FILE};
use std::path::Path;

/// The beginning of a sentence's second half, empty where nothing is known of the folder.
///
/// `inner`: under which name a training leaves what is asked for in its output folder; `file`: what that has.
pub fn hint(dir: &Path, inner: &str, file: &str) -> String {
    let has = |name: &str| dir.join(name).exists();
    let name = dir.display();
    if dir.is_file() {
        return format!(". {name} is a file: 'dit convert {name} --out DIR' makes a folder of a checkpoint");
    }
    let right = dir.join(inner);
    if right.join(file).is_file() {
        return format!(". It lies in {}: give that folder", right.display());
    }
    if has("model_index.json") || is_of_diffusers(&dir.join(CONFIG_FILE)) {
        return format!(". {name} was saved by diffusers: 'dit convert {name} --out DIR' makes a model of it");
    }
    if has("checkpoint") {
        return format!(". In {name} a training is not done yet: the same 'dit train' command goes on with it");
    }
    if has(AUTOENCODER_FILE) && file == CONFIG_FILE {
        return format!(". {name} holds an autoencoder alone");
    }
    if let Some(models) = models_in(dir, file) {
        return format!(". {name} holds several folders; such ones are {models}: give one of them");
    }
    String::new()
}

/// diffusers' own `config.json` says of which class it is; ours does not.
fn is_of_diffusers(config: &Path) -> bool {
    let text = std::fs::read_to_string(config).unwrap_or_default();
    text.contains("\"_class_name\"") && !text.contains("\"transformer\"")
}

/// The first few folders in it that have the file.
fn models_in(dir: &Path, file: &str) -> Option<String> {
    const MOST: usize = 5;
    let entries = std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let mut found: Vec<String> =
        entries.filter(|path| path.join(file).is_file()).map(|path| path.display().to_string()).collect();
    found.sort();
    let more = if found.len() > MOST { ", …" } else { "" };
    found.truncate(MOST);
    (!found.is_empty()).then(|| found.join(", ") + more)
}
