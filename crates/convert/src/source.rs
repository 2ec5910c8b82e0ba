//! What SRC is: a file or a folder, whose contents tell what they are.

use super::checkpoint::Checkpoint;
use anyhow::{Context, Result, bail, ensure};
use ditscope_config::AutoencoderConfig;
use ditscope_core::weights::keys::AUTOENCODER;
use ditscope_model_dir as model_dir;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Weights and what lies beside them.
#[derive(Debug)]
pub struct Source {
    /// What it was opened by.
    pub path: PathBuf,
    pub kind: SourceKind,
    pub checkpoint: Checkpoint,
    /// diffusers' `config.json`, or null.
    pub config: Value,
    /// `license:` of a README.md in the folder.
    pub license: Option<String>,
}

/// Whose names the tensors have.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// A transformer of facebookresearch/DiT.
    Official,
    /// A transformer of diffusers.
    Diffusers,
    /// diffusers' `AutoencoderKL`.
    Kl,
    /// diffusers' `AutoencoderTiny`.
    Tiny,
    /// The decoder of madebyollin/taesd.
    Taesd,
    /// An autoencoder that was trained or converted here.
    Ours(AutoencoderConfig),
}

/// The parts of a diffusers pipeline folder; of anything else the one part that there is.
#[derive(Debug)]
pub struct Pipeline {
    pub transformer: Source,
    pub autoencoder: Option<Source>,
    /// `scheduler_config.json`, or null.
    pub scheduler: Value,
    pub labels: Option<Vec<String>>,
}

const PIPELINE_FILE: &str = "model_index.json";
/// Under which names diffusers saves weights, the best first.
const WEIGHT_FILES: [&str; 2] = ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"];

impl Pipeline {
    /// Opens a pipeline's folder, or a part alone.
    ///
    /// # Errors
    /// Names the file that is missing or wrong.
    pub fn open(path: &Path) -> Result<Self> {
        let index = path.join(PIPELINE_FILE);
        if !index.is_file() {
            let transformer = Source::open(path)?;
            return Ok(Self { transformer, autoencoder: None, scheduler: scheduler_beside(path)?, labels: None });
        }
        ensure!(
            path.join("transformer").is_dir(),
            "{}: there is no transformer/ beside it: only DiT pipelines can be converted",
            index.display()
        );
        let part = |name: &str| -> Result<Source> {
            let source = Source::open(&path.join(name))?;
            Ok(Source { license: source.license.clone().or(license(path)), ..source })
        };
        let names = read_json(&index)?["id2label"].take();
        Ok(Self {
            transformer: part("transformer")?,
            autoencoder: path.join("vae").is_dir().then(|| part("vae")).transpose()?,
            scheduler: scheduler_of(path)?,
            labels: if names.is_null() {
                None
            } else {
                Some(labels(&names).with_context(|| index.display().to_string())?)
            },
        })
    }
}

/// The settings of a pipeline's `scheduler_config.json`, with the class that `model_index.json` names where the file itself
/// does not; null without the file.
fn scheduler_of(pipeline: &Path) -> Result<Value> {
    let file = pipeline.join("scheduler/scheduler_config.json");
    if !file.is_file() {
        return Ok(Value::Null);
    }
    let (mut config, index) = (read_json(&file)?, read_json(&pipeline.join(PIPELINE_FILE))?);
    if let (Some(settings), Some(class)) = (config.as_object_mut(), index["scheduler"][1].as_str()) {
        settings.entry("_class_name").or_insert_with(|| class.into());
    }
    Ok(config)
}

/// The same for a pipeline's `transformer/`, or a file in it: what it was trained with lies beside it.
fn scheduler_beside(part: &Path) -> Result<Value> {
    let part = part.canonicalize().with_context(|| format!("{}: cannot be opened", part.display()))?;
    let folder = if part.is_dir() { Some(part.as_path()) } else { part.parent() };
    let folder = folder.filter(|folder| folder.file_name().is_some_and(|name| name == "transformer"));
    match folder.and_then(Path::parent).filter(|pipeline| pipeline.join(PIPELINE_FILE).is_file()) {
        Some(pipeline) => scheduler_of(pipeline),
        None => Ok(Value::Null),
    }
}

impl Source {
    /// Opens a file or a folder.
    ///
    /// # Errors
    /// Names the file that is missing, wrong or not known, and the cure.
    pub fn open(path: &Path) -> Result<Self> {
        ensure!(path.exists(), "{}: there is no such file or folder", path.display());
        if path.is_dir() && is_ours(path) {
            return Self::open_ours(path);
        }
        let (checkpoint, config, folder) = if path.is_dir() {
            (weights_of(path)?, path.join("config.json"), path)
        } else {
            let folder = path.parent().unwrap_or(Path::new("."));
            let of_diffusers = path.file_name().is_some_and(|name| WEIGHT_FILES.iter().any(|known| name == *known));
            // Only a file of that name can mean the config.json beside it.
            (Checkpoint::open(path)?, if of_diffusers { folder.join("config.json") } else { PathBuf::new() }, folder)
        };
        let config = if config.is_file() { read_json(&config)? } else { Value::Null };
        let kind = recognise(&checkpoint).with_context(|| path.display().to_string())?;
        Ok(Self { path: path.to_owned(), kind, checkpoint, config, license: license(folder) })
    }

    fn open_ours(dir: &Path) -> Result<Self> {
        let config = model_dir::read_autoencoder_config(dir)?;
        let mut checkpoint = open_shards(dir)?;
        let tensors = std::mem::take(&mut checkpoint.tensors).into_iter();
        checkpoint.tensors =
            tensors.filter_map(|(name, place)| Some((name.strip_prefix(AUTOENCODER)?.to_owned(), place))).collect();
        let license = model_dir::read_config(dir).ok().map(|model| model.license).or_else(|| license(dir));
        Ok(Self { path: dir.to_owned(), kind: SourceKind::Ours(config), checkpoint, config: Value::Null, license })
    }

    pub fn is_autoencoder(&self) -> bool {
        !matches!(self.kind, SourceKind::Official | SourceKind::Diffusers)
    }
}

/// The tensors of a folder that `dit` wrote.
///
/// # Errors
/// Names the index or shard that is missing or wrong.
pub fn open_shards(dir: &Path) -> Result<Checkpoint> {
    let index = model_dir::read_index(dir)?;
    Checkpoint::open_all(dir, index.metadata.shards.keys().map(String::as_str))
}

/// Whether a folder was written by `dit`.
pub fn is_ours(dir: &Path) -> bool {
    let model = || read_json(&dir.join(model_dir::CONFIG_FILE)).is_ok_and(|config| config.get("transformer").is_some());
    dir.join(model_dir::AUTOENCODER_FILE).is_file() || model()
}

fn weights_of(dir: &Path) -> Result<Checkpoint> {
    for name in WEIGHT_FILES {
        if dir.join(name).is_file() {
            return Checkpoint::open(&dir.join(name));
        }
        let index = dir.join(format!("{name}.index.json"));
        if index.is_file() {
            let map: BTreeMap<String, String> = serde_json::from_value(read_json(&index)?["weight_map"].take())
                .with_context(|| format!("{}: it has no weight_map", index.display()))?;
            let files: std::collections::BTreeSet<&str> = map.values().map(String::as_str).collect();
            let checkpoint = Checkpoint::open_all(dir, files)?;
            if let Some(missing) = map.keys().find(|name| !checkpoint.tensors.contains_key(*name)) {
                bail!("{}: tensor '{missing}' is in none of its files", index.display());
            }
            return Ok(checkpoint);
        }
    }
    bail!(
        "{}: no weights in this folder: {PIPELINE_FILE}, {} or {} (or an index of shards) was expected. A single file can \
         be named itself",
        dir.display(),
        WEIGHT_FILES[0],
        WEIGHT_FILES[1]
    )
}

fn recognise(checkpoint: &Checkpoint) -> Result<SourceKind> {
    let has = |name: &str| checkpoint.tensors.contains_key(name);
    let starts = |prefix: &str| checkpoint.tensors.keys().any(|name| name.starts_with(prefix));
    if has("x_embedder.proj.weight") || starts("blocks.") {
        return Ok(SourceKind::Official);
    }
    if starts("transformer_blocks.") {
        return Ok(SourceKind::Diffusers);
    }
    ensure!(
        !starts("first_stage_model.") && !starts("decoder.mid."),
        "an autoencoder under its original CompVis names ('decoder.mid.attn_1'), which are not supported: take the same \
         autoencoder from a diffusers folder (vae/), or save it there with AutoencoderKL.from_single_file(FILE).save_pretrained(DIR)"
    );
    if starts("decoder.layers.") {
        return Ok(SourceKind::Tiny);
    }
    if starts("decoder.mid_block.") || starts("decoder.up_blocks.") {
        return Ok(SourceKind::Kl);
    }
    if has("1.weight") && starts("3.conv.") {
        return Ok(SourceKind::Taesd);
    }
    let first: Vec<&str> = checkpoint.tensors.keys().take(3).map(String::as_str).collect();
    bail!(
        "neither a DiT (official or diffusers names) nor a decoder (AutoencoderKL, TAESD): its tensors are {}, …",
        first.join(", ")
    )
}

/// `{"0": "tench", …}`
fn labels(map: &Value) -> Result<Vec<String>> {
    let map: BTreeMap<String, String> =
        serde_json::from_value(map.clone()).context("id2label is not an object of names")?;
    let label =
        |class: usize| map.get(&class.to_string()).cloned().with_context(|| format!("class {class} is missing"));
    (0..map.len()).map(label).collect()
}

/// `license:` in the front matter of a folder's README.md.
fn license(dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(dir.join("README.md")).ok()?;
    let front = text.strip_prefix("---")?.split("\n---").next()?;
    let value = front.lines().find_map(|line| line.strip_prefix("license:"))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

fn read_json(path: &Path) -> Result<Value> {
    serde_json::from_slice(&model_dir::read_file(path)?).with_context(|| format!("{}: not JSON", path.display()))
}
