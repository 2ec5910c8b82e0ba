//! Checkpoints: everything that resuming needs, replaced as a whole.

use super::begun::{BEGUN_FILE, Begun};
use anyhow::{Context, Result, anyhow};
use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use ditscope_model_dir::{followed, read_file, write_file, write_json};
use ditscope_train::{Progress, Training};
use std::path::{Path, PathBuf};

/// Writes `DIR/checkpoint` by way of `checkpoint.tmp` and keeps the old one until the new one is whole.
///
/// # Errors
/// Names the file that could not be written; the checkpoint that was there stays.
pub fn save<M: Module>(training: &Training<M>, begun: &Begun, dir: &Path) -> Result<()> {
    let [current, new, old] = folders(dir);
    let _ = std::fs::remove_dir_all(&new);
    std::fs::create_dir_all(&new).with_context(|| format!("{}: cannot create the folder", new.display()))?;
    let record = |module: &M| module.clone().into_record().into_bytes().map_err(|e| anyhow!("encoding: {e}"));
    write_file(&new.join("model.bpk"), &record(&training.model)?)?;
    write_file(&new.join("ema.bpk"), &record(&training.ema)?)?;
    let optimizer = training.optimizer.into_bytes().map_err(|e| anyhow!("encoding the optimizer: {e}"))?;
    write_file(&new.join("optimizer.bpk"), &optimizer)?;
    write_json(&new.join(BEGUN_FILE), begun)?;
    write_json(&new.join("state.json"), &training.progress)?;
    let swap = || -> std::io::Result<()> {
        let _ = std::fs::remove_dir_all(&old);
        if current.exists() {
            std::fs::rename(&current, &old)?;
        }
        std::fs::rename(&new, &current)
    };
    swap().with_context(|| format!("{}: cannot put the new checkpoint in its place", current.display()))?;
    let _ = std::fs::remove_dir_all(&old);
    Ok(())
}

/// Goes on from `DIR/checkpoint` if there is one, else begins with `fresh`.
///
/// # Errors
/// Names the file that is damaged or does not fit the options.
pub fn resume<M: Module>(dir: &Path, fresh: Training<M>, device: &Device) -> Result<Training<M>> {
    let (Some(folder), Some(progress)) = (folder(dir), progress(dir)?) else { return Ok(fresh) };
    let hint = || hint(&folder);
    let bytes = |name: &str| Ok::<_, anyhow::Error>(Bytes::from_bytes_vec(read_file(&folder.join(name))?));
    let record =
        |name: &str| ModuleRecord::from_bytes(bytes(name)?).map_err(|e| anyhow!("{name}: {e}")).with_context(hint);
    let model = fresh.model.try_load_record(record("model.bpk")?).map_err(|e| anyhow!("{e}")).with_context(hint)?;
    let ema = fresh.ema.try_load_record(record("ema.bpk")?).map_err(|e| anyhow!("{e}")).with_context(hint)?;
    let optimizer = fresh
        .optimizer
        .from_bytes(bytes("optimizer.bpk")?)
        .map_err(|e| anyhow!("optimizer.bpk: {e}"))
        .with_context(hint)?;
    Ok(Training { progress, model: model.fork(device), ema, optimizer })
}

/// How far the checkpoint in an output folder is, if there is one.
///
/// # Errors
/// Names the file that is damaged.
pub fn progress(dir: &Path) -> Result<Option<Progress>> {
    let Some(folder) = folder(dir) else { return Ok(None) };
    let progress = serde_json::from_slice(&read_file(&folder.join("state.json"))?).with_context(|| hint(&folder))?;
    Ok(Some(progress))
}

/// The folder of the checkpoint to go on from.
pub fn folder(dir: &Path) -> Option<PathBuf> {
    let [current, _, old] = folders(dir);
    // A stop between the two renames leaves only the old one.
    [current, old].into_iter().find(|folder| folder.exists())
}

/// What helps against a checkpoint that is another's or damaged.
pub fn hint(folder: &Path) -> String {
    format!("{}: not a checkpoint of this training. Choose another --out, or remove the folder", folder.display())
}

/// The current one (where a link to another disk leads, if it is one), the new one, the old one.
fn folders(dir: &Path) -> [PathBuf; 3] {
    let current = followed(&dir.join("checkpoint"));
    ["", ".tmp", ".old"].map(|ending| {
        let mut name = current.as_os_str().to_owned();
        name.push(ending);
        name.into()
    })
}
