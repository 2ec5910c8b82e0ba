//! Tensors → shards on disk, streamed: no tensor is ever in memory as a whole.

use super::StoredType;
use super::tensor_ref::TensorRef;
use anyhow::{Context, Result, bail, ensure};
use ditscope_core::weights::int8::{GROUP, is_quantized, quantize_group};
use ditscope_model_dir::{self as model_dir, AUTOENCODER_FILE, CONFIG_FILE};
use ditscope_tensor_file::{Entry, INDEX_FILE, ShardInfo, WeightsIndex, header, plan_shards, shard_name};
use half::f16;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes of numbers in a shard; a larger tensor has a shard of its own.
const SHARD_BYTES: u64 = 32 << 20;
/// A small model has smaller ones, so that loading it shows progress too.
const SMALL_SHARD_BYTES: u64 = 4 << 20;

/// A tensor of our file and what it is made of, row upon row.
#[derive(Debug, Clone)]
pub struct OutTensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub parts: Vec<TensorRef>,
}

impl OutTensor {
    /// What it becomes in the file.
    fn entries(&self, dtype: StoredType) -> Vec<Entry> {
        dtype.entries(&self.name, &self.shape)
    }

    /// Numbers in it.
    pub fn numel(&self) -> u64 {
        self.parts.iter().map(TensorRef::numel).sum()
    }
}

/// Shards that are written under temporary names. Dropped without [`Staged::commit`], they vanish.
#[derive(Debug)]
pub struct Staged {
    dir: PathBuf,
    /// Every shard that was begun, whole or not.
    files: Vec<String>,
    pub index: WeightsIndex,
}

impl Staged {
    /// Writes the shards of these tensors into a folder; `watch` is told how many numbers are written.
    ///
    /// # Errors
    /// Names the tensor (NaN, too large for f16) or the file (no room, no permission).
    pub fn write(dir: &Path, tensors: &[OutTensor], dtype: StoredType, watch: &dyn Fn(u64)) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot create the folder", dir.display()))?;
        remove_leftovers(dir);
        let mut staged = Self { dir: dir.to_owned(), files: Vec::new(), index: WeightsIndex::default() };
        staged.index.metadata.total_parameters = Some(tensors.iter().map(OutTensor::numel).sum());
        let mut done = 0;
        let mut wrote = |numbers: usize| {
            done += numbers as u64;
            watch(done);
        };
        let groups = plan(tensors, dtype);
        for (i, group) in groups.iter().enumerate() {
            let (file, tensors) = (shard_name(i + 1, groups.len()), &tensors[group.clone()]);
            staged.files.push(file.clone());
            let entries: Vec<Entry> = tensors.iter().flat_map(|tensor| tensor.entries(dtype)).collect();
            let info = write_shard(&staged.temporary(&file), tensors, &entries, dtype, &mut wrote)?;
            staged.index.add(&file, info, &entries);
        }
        Ok(staged)
    }

    /// Reads the shards that hold tensors with this prefix, one at a time.
    ///
    /// # Errors
    /// A file cannot be read, or whatever `apply` says.
    pub fn fold<T>(&self, prefix: &str, init: T, mut apply: impl FnMut(T, &str, &[u8]) -> Result<T>) -> Result<T> {
        let map = &self.index.weight_map;
        let holds = |file: &&String| map.iter().any(|(name, at)| at == *file && name.starts_with(prefix));
        self.files
            .iter()
            .filter(holds)
            .try_fold(init, |value, file| apply(value, file, &model_dir::read_file(&self.temporary(file))?))
    }

    /// Gives the files their names and writes index, card and, last of all, the configuration: only
    /// with that the folder is a model. What the folder held before is replaced.
    ///
    /// # Errors
    /// Names the file that could not be written.
    pub fn commit(self, config: (&str, &impl serde::Serialize), card: &str) -> Result<()> {
        let old = old_shards(&self.dir);
        for file in &self.files {
            let path = self.dir.join(file);
            ensure!(
                model_dir::is_plain(&path),
                "{}: it is no plain file, and is not replaced: remove it",
                path.display()
            );
        }
        for name in [CONFIG_FILE, AUTOENCODER_FILE, INDEX_FILE] {
            let path = self.dir.join(name);
            if path.exists() {
                std::fs::remove_file(&path).with_context(|| format!("{}: cannot replace it", path.display()))?;
            }
        }
        for file in &self.files {
            let path = self.dir.join(file);
            std::fs::rename(self.temporary(file), &path)
                .with_context(|| format!("{}: cannot write it", path.display()))?;
        }
        for file in old.iter().filter(|file| !self.files.contains(file)) {
            let path = self.dir.join(file);
            std::fs::remove_file(&path).with_context(|| format!("{}: cannot remove the old file", path.display()))?;
        }
        // By way of a value, whose names are in alphabetical order: a model that is converted anew has the same files.
        model_dir::write_json(&self.dir.join(INDEX_FILE), &serde_json::to_value(&self.index)?)?;
        model_dir::write_file(&self.dir.join("README.md"), card.as_bytes())?;
        model_dir::write_json(&self.dir.join(config.0), config.1)
    }

    fn temporary(&self, file: &str) -> PathBuf {
        self.dir.join(format!("{file}.tmp"))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Best effort: the error that matters is the one being reported.
        self.files.iter().for_each(|file| drop(std::fs::remove_file(self.temporary(file))));
    }
}

/// Refuses a folder whose files would be lost or mixed with a model's.
///
/// # Errors
/// It is a file, holds something else than a model, or lies in what is converted.
pub fn check_target(out: &Path, sources: &[&Path]) -> Result<()> {
    let target = absolute(out)?;
    for source in sources {
        let whole = absolute(source)?;
        let same = target.starts_with(&whole);
        ensure!(
            !same,
            "--out {} is, or lies in, {}, which is being converted: choose another folder",
            out.display(),
            source.display()
        );
    }
    if !target.exists() {
        return Ok(());
    }
    ensure!(target.is_dir(), "--out {}: this is a file, a folder is needed", out.display());
    let mut names = std::fs::read_dir(&target).with_context(|| format!("{}: cannot read it", out.display()))?;
    let is_model = super::source::is_ours(&target);
    let foreign = names.find_map(|entry| {
        let name = entry.ok()?.file_name().to_string_lossy().into_owned();
        (!is_leftover(&name)).then_some(name)
    });
    match foreign {
        Some(name) if !is_model => {
            bail!("--out {} holds something else than a model ('{name}'): choose a new folder", out.display())
        }
        _ => Ok(()),
    }
}

/// Without links and dots; what does not exist yet lies in the nearest folder that does.
fn absolute(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let found = path.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let (ancestor, found) = found.with_context(|| format!("{}: there is no such folder", path.display()))?;
    Ok(match path.strip_prefix(ancestor)? {
        rest if rest.as_os_str().is_empty() => found,
        rest => found.join(rest),
    })
}

fn is_leftover(name: &str) -> bool {
    name.starts_with("model-") && name.ends_with(".safetensors.tmp")
}

/// Removes what a conversion that was killed left.
fn remove_leftovers(dir: &Path) {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let leftovers = entries.filter(|entry| is_leftover(&entry.file_name().to_string_lossy()));
    leftovers.for_each(|entry| drop(std::fs::remove_file(entry.path())));
}

/// The shards that a model's index lists.
fn old_shards(dir: &Path) -> Vec<String> {
    let bytes = std::fs::read(dir.join(INDEX_FILE)).unwrap_or_default();
    let listed = WeightsIndex::parse(INDEX_FILE, &bytes).map(|index| index.metadata.shards.into_keys().collect());
    listed.unwrap_or_else(|_| Vec::new()).into_iter().filter(|file: &String| dir.join(file).is_file()).collect()
}

/// Which tensors share a shard.
fn plan(tensors: &[OutTensor], dtype: StoredType) -> Vec<Range<usize>> {
    let bytes = |tensor: &OutTensor| tensor.entries(dtype).iter().map(Entry::bytes).sum();
    let sizes: Vec<u64> = tensors.iter().map(bytes).collect();
    let is_small = sizes.iter().sum::<u64>() <= 2 * SHARD_BYTES;
    plan_shards(&sizes, if is_small { SMALL_SHARD_BYTES } else { SHARD_BYTES })
}

fn write_shard(
    path: &Path,
    tensors: &[OutTensor],
    entries: &[Entry],
    dtype: StoredType,
    wrote: &mut dyn FnMut(usize),
) -> Result<ShardInfo> {
    let cannot_write =
        || format!("{}: cannot write it. Is there room on the disk, and may you write there?", path.display());
    let mut out = Hashed { file: File::create(path).with_context(cannot_write)?, hash: Sha256::new(), size: 0 };
    out.write(&header(entries, &[])).with_context(cannot_write)?;
    let mut bytes = Vec::new();
    for tensor in tensors {
        let mut quantizer =
            (dtype == StoredType::Int8 && is_quantized(&tensor.name, &tensor.shape)).then(|| Quantizer::new(tensor));
        for part in &tensor.parts {
            part.for_each_piece(&tensor.name, |values| {
                match &mut quantizer {
                    Some(quantizer) => quantizer.take(values, &mut bytes)?,
                    None => encode(values, dtype, &mut bytes)?,
                }
                out.write(&bytes).with_context(cannot_write)?;
                wrote(values.len());
                Ok(())
            })?;
        }
        if let Some(quantizer) = quantizer {
            out.write(&quantizer.scales).with_context(cannot_write)?;
        }
    }
    out.file.sync_all().with_context(cannot_write)?;
    let sha256 = out.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(ShardInfo { size: out.size, sha256 })
}

fn encode(values: &[f32], dtype: StoredType, bytes: &mut Vec<u8>) -> Result<()> {
    bytes.clear();
    match dtype {
        StoredType::F32 => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        StoredType::F16 | StoredType::Int8 => {
            for value in values {
                let half = f16::from_f32(*value);
                ensure!(half.is_finite(), "{value} is too large for f16: convert with --dtype f32");
                bytes.extend(half.to_le_bytes());
            }
        }
    }
    Ok(())
}

/// Turns numbers that come in pieces of any length into groups that end with their row.
struct Quantizer {
    columns: usize,
    /// Where in its row the next number stands.
    at: usize,
    group: Vec<f32>,
    scales: Vec<u8>,
}

impl Quantizer {
    fn new(tensor: &OutTensor) -> Self {
        Self { columns: tensor.shape[1], at: 0, group: Vec::with_capacity(GROUP), scales: Vec::new() }
    }

    /// `bytes` become those of the groups that are whole; what is left over waits for the next piece.
    fn take(&mut self, values: &[f32], bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        for value in values {
            self.group.push(*value);
            self.at = (self.at + 1) % self.columns;
            if self.group.len() == GROUP || self.at == 0 {
                let scale = quantize_group(&self.group, bytes);
                ensure!(scale.is_finite(), "{value} is too large for f16 scales: convert with --dtype f32");
                self.scales.extend(scale.to_le_bytes());
                self.group.clear();
            }
        }
        Ok(())
    }
}

struct Hashed {
    file: File,
    hash: Sha256,
    size: u64,
}

impl Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}
