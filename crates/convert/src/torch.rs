//! What `torch.save` writes since version 1.6: a zip archive of a pickle and one entry for each storage.
//!
//! The pickle is parsed, never run (see [`super::pickle`]); numbers stay in the file, of which only
//! the places are noted.

use super::pickle::{self, StateDict};
use super::tensor_ref::TensorRef;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use zip::{CompressionMethod, ZipArchive};

const PICKLE: &str = "data.pkl";
/// A state_dict's pickle has some hundred bytes for each tensor.
const MOST_PICKLE_BYTES: u64 = 256 << 20;

/// Finds the tensors of a checkpoint, and says of which part they are where it has several; `file` is only noted in the
/// result.
///
/// # Errors
/// What is wrong with the archive or in it, and the cure.
pub fn read(mut reader: impl Read + Seek, file: &Arc<Path>) -> Result<(BTreeMap<String, TensorRef>, Option<String>)> {
    let length = reader.seek(SeekFrom::End(0)).context("cannot read it")?;
    let mut archive =
        Archive { zip: ZipArchive::new(reader).context("not a zip archive, or a truncated one")?, length };
    ensure!(!archive.zip.has_duplicate_names(), "not a torch checkpoint: two entries have one name");
    let pickle = archive.find_pickle()?;
    let folder = pickle.strip_suffix(PICKLE).unwrap_or_default().to_owned();
    let byte_order = format!("{folder}byteorder");
    if archive.zip.index_for_name(&byte_order).is_some() {
        let order = archive.bytes(&byte_order, 16)?;
        ensure!(order == b"little", "it was saved on a big-endian machine. Save it anew on another");
    }
    let bytes = archive.bytes(&pickle, MOST_PICKLE_BYTES)?;
    let mut tensors = BTreeMap::new();
    let state_dict = pickle::state_dict(&bytes, length).with_context(|| pickle.clone())?;
    let note = note(&state_dict);
    for found in state_dict.tensors {
        let entry = format!("{folder}data/{}", found.storage);
        let (start, size) = archive.place(&entry).with_context(|| format!("tensor '{}'", found.name))?;
        let width = found.dtype.bitsize() as u64 / 8;
        let numbers = found.shape.iter().try_fold(1u64, |n, side| n.checked_mul(*side as u64));
        let end = numbers.and_then(|n| n.checked_add(found.offset)?.checked_mul(width));
        ensure!(end.is_some_and(|end| end <= size), "tensor '{}' is larger than its storage {entry}", found.name);
        let offset = start + found.offset * width;
        tensors.insert(found.name, TensorRef { file: file.clone(), offset, dtype: found.dtype, shape: found.shape });
    }
    Ok((tensors, note))
}

/// Which part of a checkpoint was taken.
fn note(found: &StateDict) -> Option<String> {
    if found.path.is_empty() {
        return None;
    }
    let taken = format!("the weights in '{}' were taken", found.path.join("']['"));
    Some(match found.others.as_slice() {
        [] => taken,
        others => format!("{taken}; '{}' was left out", others.join("', '")),
    })
}

struct Archive<R> {
    zip: ZipArchive<R>,
    length: u64,
}

impl<R: Read + Seek> Archive<R> {
    fn find_pickle(&self) -> Result<String> {
        let names = self.zip.file_names().filter_map(Result::ok);
        let mut names = names.filter(|name| name == PICKLE || name.ends_with(&format!("/{PICKLE}")));
        match (names.next(), names.next()) {
            (Some(name), None) if name.matches('/').count() <= 1 => Ok(name.into_owned()),
            _ => bail!("a zip archive, but not a torch checkpoint: it must have one entry NAME/{PICKLE}"),
        }
    }

    /// Where an entry's bytes lie in the file: start and length.
    fn place(&mut self, name: &str) -> Result<(u64, u64)> {
        let index = self.zip.index_for_name(name).with_context(|| format!("the archive has no entry {name}"))?;
        let entry = self.zip.by_index_raw(index).with_context(|| format!("entry {name}"))?;
        ensure!(!entry.encrypted(), "entry {name} is encrypted. Save the checkpoint anew with torch.save");
        ensure!(
            entry.compression() == CompressionMethod::Stored && entry.size() == entry.compressed_size(),
            "entry {name} is compressed, which torch.save never does. Unpack the archive and pack it with 'zip -0'"
        );
        let (start, size) = (entry.data_start().context("no place")?, entry.size());
        let inside = start.checked_add(size).is_some_and(|end| end <= self.length);
        ensure!(inside, "entry {name} goes beyond the end of the file, which is truncated or damaged");
        Ok((start, size))
    }

    fn bytes(&mut self, name: &str, most: u64) -> Result<Vec<u8>> {
        let (_, size) = self.place(name)?;
        ensure!(size <= most, "entry {name} has {size} bytes, more than any checkpoint needs");
        let mut bytes = Vec::with_capacity(size as usize);
        let entry = self.zip.by_name(name).with_context(|| format!("entry {name}"))?;
        entry.take(size).read_to_end(&mut bytes).with_context(|| format!("cannot read entry {name}"))?;
        Ok(bytes)
    }
}
