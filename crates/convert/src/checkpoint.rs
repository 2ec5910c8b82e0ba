//! Checkpoints: named tensors that lie in files and are not read before they are needed.

use super::{safetensors, torch};
use ::safetensors::Dtype;
use anyhow::{Context, Result, bail, ensure};
use half::{bf16, f16};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
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

/// The tensors of one file, or of several that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    pub tensors: BTreeMap<String, TensorRef>,
    pub files: Vec<Arc<Path>>,
}

impl Checkpoint {
    /// Opens a checkpoint file; what it is, its first bytes say.
    ///
    /// # Errors
    /// Names the file and the cure: not a checkpoint, broken, of an old format.
    pub fn open(path: &Path) -> Result<Self> {
        let file: Arc<Path> = path.into();
        let tensors = open_file(&file).with_context(|| path.display().to_string())?;
        Ok(Self { tensors, files: vec![file] })
    }

    /// Opens the files that a `weight_map` names.
    ///
    /// # Errors
    /// As [`Self::open`]; and when two files have a tensor of one name.
    pub fn open_all<'a>(dir: &Path, files: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut all = Self::default();
        for name in files {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            ensure!(
                name.chars().all(plain) && !name.starts_with('.'),
                "{}: '{name}' is not a plain file name",
                dir.display()
            );
            let part = Self::open(&dir.join(name))?;
            for (tensor, place) in part.tensors {
                if let Some(other) = all.tensors.insert(tensor.clone(), place) {
                    bail!("{}: '{tensor}' is in {} too", dir.join(name).display(), other.file.display());
                }
            }
            all.files.extend(part.files);
        }
        Ok(all)
    }
}

fn open_file(file: &Arc<Path>) -> Result<BTreeMap<String, TensorRef>> {
    let mut reader = BufReader::new(File::open(file).context("cannot open it")?);
    let mut start = Vec::new();
    reader.by_ref().take(9).read_to_end(&mut start).context("cannot read it")?;
    match start.as_slice() {
        [b'P', b'K', 3, 4, ..] => torch::read(reader, file),
        [0x80, 2..=5, ..] => bail!(
            "a checkpoint in torch's old format (a bare pickle). Save it anew with a current torch: \
             torch.save(torch.load(FILE, weights_only=True), NEW_FILE)"
        ),
        [_, _, _, _, _, _, _, _, b'{'] => safetensors::read(reader, file),
        _ => bail!("neither a safetensors file nor a torch checkpoint (a zip archive with data.pkl)"),
    }
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
