//! The header of a safetensors file: where each tensor lies. The tensors themselves stay in the file.

use super::tensor_ref::TensorRef;
use anyhow::{Context, Result, ensure};
use safetensors::tensor::Metadata;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// The format's own limit.
const MOST_HEADER_BYTES: u64 = 100_000_000;

/// Reads the header of a safetensors file; `file` is only noted in the result.
///
/// # Errors
/// What is wrong with the header, or that file and header do not fit one another.
pub fn read(mut reader: impl Read + Seek, file: &Arc<Path>) -> Result<BTreeMap<String, TensorRef>> {
    let length = reader.seek(SeekFrom::End(0)).context("cannot read it")?;
    reader.seek(SeekFrom::Start(0)).context("cannot read it")?;
    let mut size = [0; 8];
    reader.read_exact(&mut size).context("not a safetensors file: it is shorter than 8 bytes")?;
    let size = u64::from_le_bytes(size);
    ensure!(
        size <= length - 8 && size <= MOST_HEADER_BYTES,
        "not a safetensors file, or truncated: a header of {size} bytes in a file of {length}"
    );
    let mut header = vec![0; size as usize];
    reader.read_exact(&mut header).context("cannot read its header")?;
    // Reading it checks that the tensors lie one behind the other and that each is as long as its shape says.
    let header: Metadata = serde_json::from_slice(&header).context("not a safetensors file: its header is broken")?;
    let expected = (header.data_len() as u64).checked_add(8 + size);
    ensure!(
        expected == Some(length),
        "{length} bytes where its header says {}: the file is truncated or damaged. Download it again",
        expected.map_or("far too many".to_owned(), |n| n.to_string())
    );
    let place = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
        let offset = 8 + size + info.data_offsets.0 as u64;
        (name, TensorRef { file: file.clone(), offset, dtype: info.dtype, shape: info.shape.clone() })
    };
    Ok(header.tensors().into_iter().map(place).collect())
}
