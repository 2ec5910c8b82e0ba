//! A tensor in a file, read piece by piece.

use anyhow::{Context, Result, bail, ensure};
use half::{bf16, f16};
use safetensors::Dtype;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// Bytes that are in memory at a time.
const CHUNK: u64 = 1 << 20;

/// Where a tensor lies: little-endian, row-major, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorRef {
    pub file: Arc<Path>,
    pub offset: u64,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
}

impl TensorRef {
    /// Numbers in it.
    pub fn numel(&self) -> u64 {
        self.shape.iter().map(|n| *n as u64).product()
    }

    /// Bytes in the file.
    pub fn byte_len(&self) -> u64 {
        self.numel() * self.dtype.bitsize() as u64 / 8
    }

    /// Reads it piece by piece, widened to f32 (f64: rounded).
    ///
    /// # Errors
    /// `name` and the file in words: not of a floating-point type, NaN or infinite, file too short.
    pub fn for_each_piece(&self, name: &str, mut each: impl FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let mut values = Vec::new();
        self.for_each_bytes(|bytes| {
            values.clear();
            let pairs = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
            match self.dtype {
                Dtype::F32 => {
                    values.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
                }
                Dtype::F16 => values.extend(pairs().map(|b| f16::from_le_bytes(b).to_f32())),
                Dtype::BF16 => values.extend(pairs().map(|b| bf16::from_le_bytes(b).to_f32())),
                Dtype::F64 => values.extend(bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32)),
                other => bail!("it has the type {other:?}: only F32, F16, BF16 and F64 can be converted"),
            }
            ensure!(
                values.iter().all(|v| v.is_finite()),
                "it holds NaN or infinite numbers: the checkpoint is damaged"
            );
            each(&values)
        })
        .with_context(|| format!("{}: tensor '{name}'", self.file.display()))
    }

    /// Whether two tensors are the same byte for byte.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn same_bytes(&self, other: &Self) -> Result<bool> {
        if (self.dtype, &self.shape) != (other.dtype, &other.shape) {
            return Ok(false);
        }
        let mut second = other.open()?;
        let (mut same, mut theirs) = (true, Vec::new());
        self.for_each_bytes(|ours| {
            theirs.resize(ours.len(), 0);
            second.read_exact(&mut theirs).with_context(|| format!("{}: cannot read it", other.file.display()))?;
            same &= ours == theirs;
            Ok(())
        })?;
        Ok(same)
    }

    fn open(&self) -> Result<File> {
        let open = || -> std::io::Result<File> {
            let mut file = File::open(&self.file)?;
            file.seek(SeekFrom::Start(self.offset))?;
            Ok(file)
        };
        open().with_context(|| format!("{}: cannot read it", self.file.display()))
    }

    fn for_each_bytes(&self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut file = self.open()?;
        let mut left = self.byte_len();
        let mut bytes = vec![0; left.min(CHUNK) as usize];
        while left > 0 {
            let piece = &mut bytes[..left.min(CHUNK) as usize];
            file.read_exact(piece).context("the file ends in the middle of it")?;
            each(piece)?;
            left -= piece.len() as u64;
        }
        Ok(())
    }
}
