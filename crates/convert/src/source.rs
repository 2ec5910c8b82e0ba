//! What SRC is: a file or a folder, whose contents tell what they are.

use super::checkpoint::Checkpoint;
use super::weight_files::{self, read_json};
use super::{labels, names};
use anyhow::{Context, Result, ensure};
use ditscope_config::AutoencoderConfig;
use ditscope_core::weights::keys::AUTOENCODER;
use ditscope_model_dir as model_dir;
use serde_json::Value;
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

impl SourceKind {
    /// What diffusers calls it in its `config.json`.
    fn classes(&self) -> &'static [&'static str] {
        match self {
            Self::Diffusers => &["DiTTransformer2DModel", "Transformer2DModel"],
            Self::Kl => &["AutoencoderKL"],
            Self::Tiny => &["AutoencoderTiny"],
            Self::Official | Self::Taesd | Self::Ours(_) => &[],
        }
    }
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
                Some(labels::of_json(&names).with_context(|| format!("{}: id2label", index.display()))?)
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
        let in_path = || path.display().to_string();
        if path.is_dir() {
            let mut checkpoint = weight_files::open(path)?;
            let kind = names::recognise(&mut checkpoint).with_context(in_path)?;
            let config = path.join("config.json");
            let config = if config.is_file() { read_json(&config)? } else { Value::Null };
            return Ok(Self { path: path.to_owned(), kind, checkpoint, config, license: license(path) });
        }
        let mut checkpoint = Checkpoint::open(path)?;
        let kind = names::recognise(&mut checkpoint).with_context(in_path)?;
        let config = weight_files::config_beside(path, kind.classes()).with_context(in_path)?;
        if !config.is_null() {
            checkpoint.notes.push("config.json beside it was read".to_owned());
        }
        let license = license(path.parent().unwrap_or(Path::new(".")));
        Ok(Self { path: path.to_owned(), kind, checkpoint, config, license })
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

/// `license:` in the front matter of a folder's README.md.
fn license(dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(dir.join("README.md")).ok()?;
    let front = text.strip_prefix("---")?.split("\n---").next()?;
    let value = front.lines().find_map(|line| line.strip_prefix("license:"))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}
