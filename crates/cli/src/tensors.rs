//! Safetensors files that go in and come out of commands.

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_core::weights::widen;
use ditscope_model_dir::{read_file, write_file};
use ditscope_tensor_file::Dtype::F32;
use ditscope_tensor_file::{Entry, ordered_header};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// A file of tensors, read and its header checked.
pub struct TensorFile {
    name: String,
    bytes: Vec<u8>,
}

/// Numbers on the host.
pub struct HostTensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl TensorFile {
    /// # Errors
    /// Names the file when it cannot be read or is not a safetensors file.
    pub fn read(path: &Path) -> Result<Self> {
        let file = Self { name: path.display().to_string(), bytes: read_file(path)? };
        file.view()?;
        Ok(file)
    }

    /// A tensor of floats or integers of any width, as f32; `None` when the file has none of this name.
    ///
    /// # Errors
    /// Names the file and the tensor when its type is another, or a number is not finite.
    pub fn find(&self, tensor: &str) -> Result<Option<HostTensor>> {
        let file = self.view()?;
        let Ok(view) = file.tensor(tensor) else { return Ok(None) };
        let Some(values) = numbers(&view) else {
            bail!("{}: '{tensor}' has the unsupported type {:?}: store it as F32", self.name, view.dtype())
        };
        ensure!(
            values.iter().all(|v| v.is_finite()),
            "{}: '{tensor}' holds NaN or infinite numbers. Record it again",
            self.name
        );
        Ok(Some(HostTensor { shape: view.shape().to_vec(), values }))
    }

    /// The same for a tensor that must be there, with `D` sides; `sides` names them, e.g. "[N, C, H, W]".
    ///
    /// # Errors
    /// As [`Self::find`]; and when it is missing, has another number of sides, or a side of 0.
    pub fn tensor<const D: usize>(&self, tensor: &str, sides: &str) -> Result<([usize; D], Vec<f32>)> {
        let Some(HostTensor { shape, values }) = self.find(tensor)? else {
            bail!("{}: no tensor '{tensor}' {sides}", self.name)
        };
        match <[usize; D]>::try_from(shape.as_slice()) {
            Ok(shape) if !shape.contains(&0) => Ok((shape, values)),
            _ => bail!("{}: '{tensor}' has shape {shape:?}, expected {sides}", self.name),
        }
    }

    /// The same on a device.
    ///
    /// # Errors
    /// As [`Self::tensor`].
    pub fn on_device<const D: usize>(&self, tensor: &str, sides: &str, device: &Device) -> Result<Tensor<D>> {
        let (shape, values) = self.tensor::<D>(tensor, sides)?;
        Ok(Tensor::from_data(TensorData::new(values, shape), device))
    }

    fn view(&self) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.bytes).with_context(|| format!("{}: not a safetensors file", self.name))
    }
}

/// Writes one tensor of f32.
///
/// # Errors
/// Names the file that could not be written.
pub fn write<const D: usize>(path: &Path, name: &str, tensor: Tensor<D>) -> Result<()> {
    let shape = tensor.dims().to_vec();
    let values: Vec<f32> = tensor.into_data().convert::<f32>().try_into_vec().expect("converted to f32");
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    write_file(path, &[ordered_header(&[Entry::new(name, F32, shape)]), bytes].concat())
}

fn numbers(view: &TensorView) -> Option<Vec<f32>> {
    fn read<const BYTES: usize>(view: &TensorView, number: impl Fn([u8; BYTES]) -> f32) -> Option<Vec<f32>> {
        Some(view.data().as_chunks().0.iter().map(|bytes| number(*bytes)).collect())
    }
    match view.dtype() {
        Dtype::F64 => read(view, |b| f64::from_le_bytes(b) as f32),
        Dtype::I64 => read(view, |b| i64::from_le_bytes(b) as f32),
        Dtype::U64 => read(view, |b| u64::from_le_bytes(b) as f32),
        Dtype::I32 => read(view, |b| i32::from_le_bytes(b) as f32),
        Dtype::U32 => read(view, |b| u32::from_le_bytes(b) as f32),
        Dtype::I16 => read(view, |b| i16::from_le_bytes(b).into()),
        Dtype::U16 => read(view, |b| u16::from_le_bytes(b).into()),
        Dtype::I8 => read(view, |b| i8::from_le_bytes(b).into()),
        Dtype::U8 => read(view, |b| u8::from_le_bytes(b).into()),
        float => widen(float, view.data()),
    }
}
