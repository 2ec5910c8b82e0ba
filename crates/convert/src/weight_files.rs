//! Which of the files in a diffusers folder are taken: `diffusion_pytorch_model`, whole or in shards, as safetensors or
//! `.bin`, plain or in a variant (`fp16`, `non_ema`).

use super::checkpoint::Checkpoint;
use super::python_json;
use anyhow::{Context, Result, bail, ensure};
use ditscope_model_dir as model_dir;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const STEM: &str = "diffusion_pytorch_model";
/// The best first: plain, then the more exact. Others follow; those without the average (`non_ema`) come last.
const VARIANTS: [&str; 5] = ["", "ema", "fp32", "fp16", "bf16"];

/// A file of weights, or the index of its shards, told by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct WeightFile {
    /// The order in which they are taken: by variant, safetensors before `.bin`.
    rank: (usize, bool, String),
    is_index: bool,
    name: String,
}

impl WeightFile {
    /// `diffusion_pytorch_model[.VARIANT].safetensors`, or `.bin`, and both with the `.index[.VARIANT].json` of shards.
    fn of(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.strip_prefix(STEM)?.strip_prefix('.')?.split('.').collect();
        let format = parts.iter().position(|part| ["safetensors", "bin"].contains(part))?;
        let (is_index, variant) = match (&parts[..format], &parts[format + 1..]) {
            (variant, []) => (false, variant.join(".")),
            (variant, ["index", "json"]) => (true, variant.join(".")),
            ([], ["index", variant @ .., "json"]) => (true, variant.join(".")),
            _ => return None,
        };
        if variant.contains("-of-") {
            return None;
        }
        let place = match VARIANTS.iter().position(|known| *known == variant) {
            Some(place) => place,
            None if variant.contains("non_ema") => VARIANTS.len() + 1,
            None => VARIANTS.len(),
        };
        Some(Self { rank: (place, parts[format] == "bin", variant), is_index, name: name.to_owned() })
    }
}

/// The weights of a diffusers folder; which file was taken stands in the notes where that is a question.
///
/// # Errors
/// There is none; it is broken, or its shards are.
pub fn open(dir: &Path) -> Result<Checkpoint> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("{}: cannot read the folder", dir.display()))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut found: Vec<WeightFile> = names.filter_map(|name| WeightFile::of(&name)).collect();
    found.sort();
    let Some((taken, others)) = found.split_first() else {
        bail!(
            "{}: no weights in this folder: model_index.json, {STEM}.safetensors or {STEM}.bin (or an index of shards, or \
             a variant like {STEM}.fp16.safetensors) was expected. A single file can be named itself",
            dir.display()
        )
    };
    let mut checkpoint = match taken.is_index {
        true => open_shards(dir, &taken.name)?,
        false => Checkpoint::open(&dir.join(&taken.name))?,
    };
    if !others.is_empty() || !taken.rank.2.is_empty() {
        let others: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
        let left = if others.is_empty() { String::new() } else { format!("; {} was left aside", others.join(", ")) };
        checkpoint.notes.push(format!("{} was taken{left}", taken.name));
    }
    Ok(checkpoint)
}

/// The configuration that goes with a file named by itself: the `config.json` beside it, where the file has diffusers' name
/// or that is of one of these classes.
///
/// # Errors
/// It cannot be read, or the file is one shard of several.
pub fn config_beside(file: &Path, classes: &[&str]) -> Result<Value> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let is_shard = name.rsplit_once("-of-").is_some_and(|(start, end)| {
        let number = |text: Option<&str>| text.is_some_and(|text| text.len() == 5 && text.parse::<u32>().is_ok());
        number(start.get(start.len().saturating_sub(5)..)) && number(end.get(..5))
    });
    ensure!(!is_shard, "this is one shard of several: name its folder");
    let path = file.parent().unwrap_or(Path::new(".")).join("config.json");
    if !path.is_file() {
        return Ok(Value::Null);
    }
    if name.starts_with(STEM) {
        return read_json(&path);
    }
    // Beside a file of another name it may be anybody's.
    let config = read_json(&path).unwrap_or_default();
    let is_its = config["_class_name"].as_str().is_some_and(|class| classes.contains(&class));
    Ok(if is_its { config } else { Value::Null })
}

fn open_shards(dir: &Path, index: &str) -> Result<Checkpoint> {
    let path = dir.join(index);
    let map: BTreeMap<String, String> = serde_json::from_value(read_json(&path)?["weight_map"].take())
        .with_context(|| format!("{}: it has no weight_map", path.display()))?;
    let files: BTreeSet<&str> = map.values().map(String::as_str).collect();
    let checkpoint = Checkpoint::open_all(dir, files)?;
    if let Some(missing) = map.keys().find(|name| !checkpoint.tensors.contains_key(*name)) {
        bail!("{}: tensor '{missing}' is in none of its files", path.display());
    }
    Ok(checkpoint)
}

/// A JSON file of diffusers.
///
/// # Errors
/// Names the file.
pub fn read_json(path: &Path) -> Result<Value> {
    python_json::parse(&model_dir::read_file(path)?).with_context(|| format!("{}: not JSON", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_file_comes_first_and_the_one_without_the_average_last() {
        let best_first = [
            "diffusion_pytorch_model.safetensors",
            "diffusion_pytorch_model.safetensors.index.json",
            "diffusion_pytorch_model.bin",
            "diffusion_pytorch_model.fp16.safetensors",
            "diffusion_pytorch_model.fp16.safetensors.index.json",
            "diffusion_pytorch_model.safetensors.index.fp16.json",
            "diffusion_pytorch_model.fp16.bin",
            "diffusion_pytorch_model.bf16.safetensors",
            "diffusion_pytorch_model.mine.safetensors",
            "diffusion_pytorch_model.non_ema.safetensors",
            "diffusion_pytorch_model.non_ema.bin",
        ];
        let mut found: Vec<WeightFile> =
            best_first.iter().rev().map(|name| WeightFile::of(name).unwrap_or_else(|| panic!("{name}"))).collect();
        found.sort();
        assert_eq!(found.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), best_first);
        for other in [
            "diffusion_pytorch_model-00001-of-00002.safetensors",
            "diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
            "diffusion_pytorch_model-00001-of-00002.fp16.safetensors",
            "diffusion_pytorch_model.safetensors.tmp",
            "config.json",
            "model.safetensors",
        ] {
            assert_eq!(WeightFile::of(other), None, "{other}");
        }
    }
}
