//! Files of other programs, made for tests: safetensors, and the zip archives of `torch.save`.

use ditscope_core::weights::NamedTensor;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use zip::write::{SimpleFileOptions, ZipWriter};

/// A file of `tests/golden`.
pub fn golden(name: &str) -> PathBuf {
    crate::root().join("tests/golden").join(name)
}

pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All tensors of an f32 safetensors file.
pub fn read_tensors(path: &Path) -> Vec<NamedTensor> {
    let bytes = read(path);
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let tensor = |(name, view): (&str, TensorView)| {
        assert_eq!(view.dtype(), safetensors::Dtype::F32);
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        NamedTensor { name: name.to_owned(), shape: view.shape().to_vec(), values }
    };
    file.iter().map(tensor).collect()
}

/// A safetensors file of f32 numbers.
pub fn safetensors(tensors: &[NamedTensor]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|tensor| bytes_of(&tensor.values)).collect();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        let view = TensorView::new(safetensors::Dtype::F32, tensor.shape.clone(), bytes).expect("bytes fit the shape");
        (tensor.name.as_str(), view)
    });
    safetensors::serialize(views, None).expect("in memory")
}

/// A checkpoint as `torch.save` writes it; `pickle` is what it has beside the storages.
pub fn torch(pickle: &Pickle, tensors: &[NamedTensor]) -> Vec<u8> {
    let storages: Vec<(String, Vec<u8>)> =
        tensors.iter().enumerate().map(|(i, tensor)| (format!("archive/data/{i}"), bytes_of(&tensor.values))).collect();
    let mut entries = vec![("archive/data.pkl", pickle.0.as_slice()), ("archive/byteorder", b"little")];
    entries.extend(storages.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    entries.push(("archive/version", b"3\n"));
    zip(&entries)
}

/// An archive of stored entries.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in entries {
        archive.start_file(*name, stored).expect("in memory");
        archive.write_all(bytes).expect("in memory");
    }
    archive.finish().expect("in memory").into_inner()
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A pickle in the making, protocol 2.
#[derive(Debug, Clone)]
pub struct Pickle(pub Vec<u8>);

impl Default for Pickle {
    fn default() -> Self {
        Self(vec![0x80, 2])
    }
}

impl Pickle {
    pub fn new() -> Self {
        Self::default()
    }

    /// The state_dict of these tensors, storage i for tensor i.
    pub fn state_dict(tensors: &[NamedTensor]) -> Self {
        Self::new().dict(tensors).raw(b".")
    }

    pub fn raw(mut self, opcodes: &[u8]) -> Self {
        self.0.extend(opcodes);
        self
    }

    pub fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub fn int(self, value: usize) -> Self {
        match value {
            0..256 => self.raw(&[b'K', value as u8]),
            256..65_536 => self.raw(b"M").raw(&(value as u16).to_le_bytes()),
            _ => self.raw(b"J").raw(&(value as u32).to_le_bytes()),
        }
    }

    pub fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// A dictionary of tensors.
    pub fn dict(self, tensors: &[NamedTensor]) -> Self {
        self.dict_from(0, tensors)
    }

    /// The same, whose storages are numbered from `first`.
    pub fn dict_from(self, first: usize, tensors: &[NamedTensor]) -> Self {
        let start = self.raw(b"}(");
        let entries = tensors.iter().enumerate().fold(start, |pickle, (i, tensor)| {
            pickle.text(&tensor.name).tensor(first + i, "FloatStorage", &tensor.shape, &strides(&tensor.shape))
        });
        entries.raw(b"u")
    }

    /// One tensor that fills its storage.
    pub fn tensor(self, storage: usize, kind: &str, shape: &[usize], stride: &[usize]) -> Self {
        self.tensor_of(storage, kind, shape, stride, shape.iter().product())
    }

    /// One tensor that begins where its storage of so many numbers does.
    pub fn tensor_of(self, storage: usize, kind: &str, shape: &[usize], stride: &[usize], numbers: usize) -> Self {
        let sizes = |pickle: Self, sizes: &[usize]| sizes.iter().fold(pickle.raw(b"("), |p, n| p.int(*n)).raw(b"t");
        let id = self.global("torch._utils", "_rebuild_tensor_v2").raw(b"((").text("storage").global("torch", kind);
        let id = id.text(&storage.to_string()).text("cpu").int(numbers).raw(b"tQ").int(0);
        let arguments = sizes(sizes(id, shape), stride).raw(b"\x89");
        arguments.global("collections", "OrderedDict").raw(b")RtR")
    }
}

/// Row-major.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|i| shape[i + 1..].iter().product()).collect()
}
