//! Checkpoints: everything that resuming needs, replaced as a whole.

use crate::native::model_dir::{read_file, write_file, write_json};
use anyhow::{Context, Result, anyhow};
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// Optimizer steps taken.
    pub step: usize,
    /// Seconds of training so far, over all sittings.
    pub seconds: f64,
    /// Seed of the batches and the noise.
    pub seed: u64,
}

/// A checkpoint in memory.
pub struct Checkpoint<M> {
    pub state: State,
    pub model: M,
    pub ema: M,
    pub optimizer: ModuleOptimizer,
}

impl<M: Module> Checkpoint<M> {
    /// Writes `DIR/checkpoint` by way of `checkpoint.tmp` and keeps the old one until the new one is whole.
    ///
    /// # Errors
    /// Names the file that could not be written; the checkpoint that was there stays.
    pub fn save(&self, dir: &Path) -> Result<()> {
        let (current, new, old) = folders(dir);
        let _ = std::fs::remove_dir_all(&new);
        std::fs::create_dir_all(&new).with_context(|| format!("{}: cannot create the folder", new.display()))?;
        let record = |module: &M| module.clone().into_record().into_bytes().map_err(|e| anyhow!("encoding: {e}"));
        write_file(&new.join("model.bpk"), &record(&self.model)?)?;
        write_file(&new.join("ema.bpk"), &record(&self.ema)?)?;
        let optimizer = self.optimizer.into_bytes().map_err(|e| anyhow!("encoding the optimizer: {e}"))?;
        write_file(&new.join("optimizer.bpk"), &optimizer)?;
        write_json(&new.join("state.json"), &self.state)?;
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

    /// Reads `DIR/checkpoint` if there is one; `fresh` gives modules of the right shape.
    ///
    /// # Errors
    /// Names the file that is damaged or does not fit the options.
    pub fn load(dir: &Path, model: M, ema: M, optimizer: ModuleOptimizer, device: &Device) -> Result<Option<Self>> {
        let (current, _, old) = folders(dir);
        // A stop between the two renames leaves only the old one.
        let folder = if current.exists() { current } else { old };
        if !folder.exists() {
            return Ok(None);
        }
        let hint = || {
            format!(
                "{}: not a checkpoint of this training. Choose another --out, or remove the folder",
                folder.display()
            )
        };
        let state: State = serde_json::from_slice(&read_file(&folder.join("state.json"))?).with_context(hint)?;
        let bytes = |name: &str| Ok::<_, anyhow::Error>(Bytes::from_bytes_vec(read_file(&folder.join(name))?));
        let record =
            |name: &str| ModuleRecord::from_bytes(bytes(name)?).map_err(|e| anyhow!("{name}: {e}")).with_context(hint);
        let model = model.try_load_record(record("model.bpk")?).map_err(|e| anyhow!("{e}")).with_context(hint)?;
        let ema = ema.try_load_record(record("ema.bpk")?).map_err(|e| anyhow!("{e}")).with_context(hint)?;
        let optimizer = optimizer
            .from_bytes(bytes("optimizer.bpk")?)
            .map_err(|e| anyhow!("optimizer.bpk: {e}"))
            .with_context(hint)?;
        Ok(Some(Self { state, model: model.fork(device), ema, optimizer }))
    }
}

fn folders(dir: &Path) -> (PathBuf, PathBuf, PathBuf) {
    (dir.join("checkpoint"), dir.join("checkpoint.tmp"), dir.join("checkpoint.old"))
}
