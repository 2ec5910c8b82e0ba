//! Model folders on disk: `config.json`, the index, the shards.

mod files;
mod wrong_folder;

pub use files::{check_file, followed, is_plain, read_file, write_file, write_json};
pub use wrong_folder::hint as folder_hint;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use ditscope_config::{AutoencoderConfig, ModelConfig, TinyConfig};
use ditscope_core::autoencoder::{Autoencoder, AutoencoderTiny};
use ditscope_core::dit::Dit;
use ditscope_core::generate::Model;
use ditscope_core::weights::keys::{AUTOENCODER, TRANSFORMER};
use ditscope_core::weights::{Dtype, INDEX_FILE, Loader, NamedTensor, WeightsIndex, collect, verify, write_shards};
use files::{json, write_files};
use std::path::{Path, PathBuf};

/// The configuration's file name in a model folder.
pub const CONFIG_FILE: &str = "config.json";
/// The same of an autoencoder on its own.
pub const AUTOENCODER_FILE: &str = "autoencoder.json";
/// Shards of this size show progress on a slow line and are quick to fetch again.
const SHARD_BYTES: usize = 4 << 20;

/// Reads a model folder.
///
/// # Errors
/// Names the file or tensor that is missing or wrong, and the cure.
pub fn load(dir: &Path, device: &Device) -> Result<Model> {
    let config = read_config(dir)?;
    let mut loader = Loader::default();
    let model = fold_shards(dir, Model::new(&config, device), |model, file, bytes| {
        Ok(model.load_shard(&mut loader, file, bytes)?)
    })?;
    model.finish_loading(&loader).with_context(|| dir.display().to_string())?;
    Ok(model)
}

/// Reads only the transformer of a model folder.
///
/// # Errors
/// As [`load`].
pub fn load_transformer(dir: &Path, device: &Device) -> Result<Dit> {
    let config = read_config(dir)?;
    let mut loader = Loader::default();
    let dit = fold_shards(dir, Dit::new(&config.transformer, device), |dit, file, bytes| {
        Ok(loader.apply(dit, TRANSFORMER, file, bytes, device)?)
    })?;
    loader.finish(&dit, TRANSFORMER).with_context(|| dir.display().to_string())?;
    Ok(dit)
}

/// Reads and checks `config.json`.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn read_config(dir: &Path) -> Result<ModelConfig> {
    let path = dir.join(CONFIG_FILE);
    let expected = || format!("expected the folder of a model{}", wrong_folder::hint(dir, "model", CONFIG_FILE));
    let bytes = read_file(&path).with_context(expected)?;
    let config: ModelConfig = serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: not a model configuration", path.display()))
        .with_context(expected)?;
    config.validate().with_context(|| path.display().to_string())?;
    Ok(config)
}

/// Writes a model folder; the configuration comes last, so that a broken-off write is not taken for a model.
///
/// # Errors
/// Names the file that could not be written.
pub fn save(dir: &Path, model: &Model, dtype: Dtype) -> Result<()> {
    save_with_config(dir, &model.tensors(), dtype, Some((CONFIG_FILE, json(&model.config)?)))
}

/// Reads an autoencoder: one on its own (`autoencoder.json` and shards), or that of a model.
///
/// # Errors
/// Names the file or tensor that is missing or wrong.
pub fn load_autoencoder(dir: &Path, device: &Device) -> Result<(AutoencoderConfig, Autoencoder)> {
    let config = read_autoencoder_config(dir)?;
    let mut loader = Loader::default();
    let autoencoder = fold_shards(dir, Autoencoder::new(&config, device), |autoencoder, file, bytes| {
        Ok(loader.apply(autoencoder, AUTOENCODER, file, bytes, device)?)
    })?;
    loader.finish(&autoencoder, AUTOENCODER).with_context(|| dir.display().to_string())?;
    Ok((config, autoencoder))
}

/// Reads and checks the description of an autoencoder.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn read_autoencoder_config(dir: &Path) -> Result<AutoencoderConfig> {
    let path = dir.join(AUTOENCODER_FILE);
    if !path.exists() && dir.join(CONFIG_FILE).exists() {
        let config = read_config(dir)?.autoencoder;
        return config.with_context(|| format!("{}: this model has no autoencoder", dir.display()));
    }
    let bytes = read_file(&path).with_context(|| {
        format!(
            "expected an autoencoder: a model, or what 'dit train autoencoder' or 'dit convert' wrote{}",
            wrong_folder::hint(dir, "model", CONFIG_FILE)
        )
    })?;
    let config: AutoencoderConfig =
        serde_json::from_slice(&bytes).with_context(|| format!("{}: not an autoencoder", path.display()))?;
    config.validate().with_context(|| path.display().to_string())?;
    Ok(config)
}

/// Reads an autoencoder that also encodes, as training needs it.
///
/// # Errors
/// As [`load_autoencoder`]; and when it is one without an encoder.
pub fn load_trainable_autoencoder(dir: &Path, device: &Device) -> Result<(TinyConfig, AutoencoderTiny)> {
    match load_autoencoder(dir, device)? {
        (AutoencoderConfig::Tiny(config), Autoencoder::Tiny(autoencoder)) if config.has_encoder() => {
            Ok((config, autoencoder))
        }
        _ => bail!("{}: this autoencoder has no encoder, which training needs", dir.display()),
    }
}

/// Writes what [`load_autoencoder`] reads.
///
/// # Errors
/// Names the file that could not be written.
pub fn save_autoencoder(dir: &Path, config: &AutoencoderConfig, autoencoder: &Autoencoder) -> Result<()> {
    let config = (AUTOENCODER_FILE, json(config)?);
    save_with_config(dir, &collect(autoencoder, AUTOENCODER), Dtype::F32, Some(config))
}

/// Writes shards and their index.
///
/// # Errors
/// Names the file that could not be written.
pub fn save_tensors(dir: &Path, tensors: &[NamedTensor], dtype: Dtype) -> Result<()> {
    save_with_config(dir, tensors, dtype, None)
}

/// Writes all files as temporary ones first: a full disk leaves the model that was there whole.
fn save_with_config(dir: &Path, tensors: &[NamedTensor], dtype: Dtype, config: Option<(&str, Vec<u8>)>) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot create the folder", dir.display()))?;
    let sharded = write_shards(tensors, dtype, SHARD_BYTES);
    let mut files: Vec<(PathBuf, Vec<u8>)> =
        sharded.shards.into_iter().map(|shard| (dir.join(shard.file), shard.bytes)).collect();
    files.push((dir.join(INDEX_FILE), json(&sharded.index)?));
    files.extend(config.map(|(name, bytes)| (dir.join(name), bytes)));
    write_files(&files)
}

/// Reads and checks the index of the shards.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn read_index(dir: &Path) -> Result<WeightsIndex> {
    let path = dir.join(INDEX_FILE);
    Ok(WeightsIndex::parse(&path.display().to_string(), &read_file(&path)?)?)
}

/// Folds `apply` over the shards that the index lists; each one's hash is checked first.
///
/// # Errors
/// Names the file, and has the error of `apply`.
pub fn fold_shards<T>(dir: &Path, init: T, mut apply: impl FnMut(T, &str, &[u8]) -> Result<T>) -> Result<T> {
    read_index(dir)?.metadata.shards.iter().try_fold(init, |value, (file, info)| {
        let path = dir.join(file);
        let bytes = read_file(&path)?;
        verify(&path.display().to_string(), &bytes, info)?;
        apply(value, file, &bytes).with_context(|| path.display().to_string())
    })
}
