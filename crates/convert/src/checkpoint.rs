//! Checkpoints: named tensors that lie in files and are not read before they are needed.

use super::tensor_ref::TensorRef;
use super::{safetensors, torch};
use anyhow::{Context, Result, bail, ensure};
use ditscope_tensor_file::is_plain_name;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// The tensors of one file, or of several that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    pub tensors: BTreeMap<String, TensorRef>,
    pub files: Vec<Arc<Path>>,
    /// Which of its parts these are, and what was done to their names.
    pub notes: Vec<String>,
}

impl Checkpoint {
    /// Opens a checkpoint file; what it is, its first bytes say.
    ///
    /// # Errors
    /// Names the file and the cure: not a checkpoint, broken, of an old format.
    pub fn open(path: &Path) -> Result<Self> {
        let file: Arc<Path> = path.into();
        let (tensors, note) = open_file(&file).with_context(|| path.display().to_string())?;
        Ok(Self { tensors, files: vec![file], notes: note.into_iter().collect() })
    }

    /// Opens the files that a `weight_map` names.
    ///
    /// # Errors
    /// As [`Self::open`]; and when two files have a tensor of one name.
    pub fn open_all<'a>(dir: &Path, files: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut all = Self::default();
        for name in files {
            ensure!(is_plain_name(name), "{}: '{name}' is not a plain file name", dir.display());
            let part = Self::open(&dir.join(name))?;
            for (tensor, place) in part.tensors {
                if let Some(other) = all.tensors.insert(tensor.clone(), place) {
                    bail!("{}: '{tensor}' is in {} too", dir.join(name).display(), other.file.display());
                }
            }
            all.files.extend(part.files);
            all.notes.extend(part.notes);
            all.notes.dedup();
        }
        Ok(all)
    }
}

fn open_file(file: &Arc<Path>) -> Result<(BTreeMap<String, TensorRef>, Option<String>)> {
    let mut reader = BufReader::new(File::open(file).context("cannot open it")?);
    let mut start = Vec::new();
    reader.by_ref().take(9).read_to_end(&mut start).context("cannot read it")?;
    match start.as_slice() {
        [b'P', b'K', 3, 4, ..] => torch::read(reader, file),
        [0x80, 2..=5, ..] => bail!(
            "a checkpoint in torch's old format (a bare pickle). Save it anew with a current torch: \
             torch.save(torch.load(FILE, weights_only=True), NEW_FILE)"
        ),
        [_, _, _, _, _, _, _, _, b'{'] => Ok((safetensors::read(reader, file)?, None)),
        _ => bail!("neither a safetensors file nor a torch checkpoint (a zip archive with data.pkl)"),
    }
}
