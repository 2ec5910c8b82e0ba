//! Bytes → modules, shard by shard.

use super::WeightsError;
use super::keys::file_key;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashSet;

/// Fills modules from shards, remembers what is filled, and checks everything on the way.
///
/// ```text
/// for shard in shards { module = loader.apply(module, prefix, file, bytes)?; }
/// loader.finish(&module, prefix)?;
/// ```
#[derive(Debug, Default)]
pub struct Loader {
    filled: HashSet<String>,
}

impl Loader {
    /// Fills the parameters of `module` that this shard holds under `prefix`.
    ///
    /// Values are widened to f32, linear weights transposed to burn's layout.
    ///
    /// # Errors
    /// [`WeightsError`] names the shard or the tensor; the module is then lost, the loader is not to be used on.
    pub fn apply<M: Module>(
        &mut self,
        module: M,
        prefix: &str,
        file: &str,
        bytes: &[u8],
        device: &Device,
    ) -> Result<M, WeightsError> {
        let shard = SafeTensors::deserialize(bytes)
            .map_err(|e| WeightsError::BadShard { file: file.to_owned(), reason: e.to_string() })?;
        let mut mapper =
            Filler { shard: &shard, prefix, device, path: Path::default(), filled: &mut self.filled, error: None };
        let module = module.map(&mut mapper);
        mapper.error.map_or(Ok(module), Err)
    }

    /// Checks that every parameter of `module` was filled.
    ///
    /// # Errors
    /// [`WeightsError::Missing`] lists what was not.
    pub fn finish<M: Module>(&self, module: &M, prefix: &str) -> Result<(), WeightsError> {
        let missing: Vec<String> =
            super::save::names(module, prefix).into_iter().filter(|name| !self.filled.contains(name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(WeightsError::Missing(missing)) }
    }
}

/// Where the walk through a module stands.
#[derive(Debug, Default)]
pub(super) struct Path {
    names: Vec<String>,
    containers: Vec<String>,
}

impl Path {
    pub(super) fn enter(&mut self, name: &str, container: &str) {
        self.names.push(name.to_owned());
        self.containers.push(container.to_owned());
    }

    pub(super) fn exit(&mut self) {
        self.names.pop();
        self.containers.pop();
    }

    pub(super) fn key(&self, prefix: &str) -> String {
        format!("{prefix}{}", file_key(&self.names.join(".")))
    }

    /// Weight of a `Linear`: stored transposed.
    pub(super) fn is_linear_weight(&self) -> bool {
        self.names.last().is_some_and(|n| n == "weight")
            && self.containers.last().is_some_and(|c| c.ends_with(":Linear"))
    }
}

struct Filler<'a> {
    shard: &'a SafeTensors<'a>,
    prefix: &'a str,
    device: &'a Device,
    path: Path,
    filled: &'a mut HashSet<String>,
    error: Option<WeightsError>,
}

impl Filler<'_> {
    fn fill<const D: usize>(&self, key: &str, view: &TensorView, shape: &[usize]) -> Result<Tensor<D>, WeightsError> {
        let values = to_f32(key, view)?;
        if !self.path.is_linear_weight() {
            if view.shape() != shape {
                return Err(wrong_shape(key, shape, view));
            }
            return Ok(Tensor::from_data(TensorData::new(values, shape.to_vec()), self.device));
        }
        // [out, in], or a convolution kernel [out, c, p, p] that is one with in = c·p·p.
        let (d_input, d_output) = (shape[0], shape[1]);
        let stored = view.shape();
        if stored.first() != Some(&d_output) || stored.iter().skip(1).product::<usize>() != d_input {
            return Err(wrong_shape(key, &[d_output, d_input], view));
        }
        let transposed = transpose(&values, d_output, d_input);
        Ok(Tensor::from_data(TensorData::new(transposed, [d_input, d_output]), self.device))
    }
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let key = self.path.key(self.prefix);
        let Ok(view) = self.shard.tensor(&key) else { return param };
        if self.error.is_some() {
            return param;
        }
        // The lazy shape does not run the initialiser: no random numbers for weights that are replaced.
        let shape = param.lazy_shape().to_vec();
        match self.fill::<D>(&key, &view, &shape) {
            Ok(tensor) => {
                self.filled.insert(key);
                Param::from_tensor(tensor)
            }
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}

/// `[rows, columns]` → `[columns, rows]`.
pub(super) fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
}

/// Widens a stored tensor to f32.
fn to_f32(key: &str, view: &TensorView) -> Result<Vec<f32>, WeightsError> {
    let bytes = view.data();
    let pairs = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => pairs().map(|b| f16::from_le_bytes(b).to_f32()).collect(),
        Dtype::BF16 => pairs().map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
        other => return Err(WeightsError::WrongDtype { tensor: key.to_owned(), dtype: format!("{other:?}") }),
    };
    if values.iter().any(|v| !v.is_finite()) {
        return Err(WeightsError::NotFinite { tensor: key.to_owned() });
    }
    Ok(values)
}

fn wrong_shape(key: &str, expected: &[usize], view: &TensorView) -> WeightsError {
    WeightsError::WrongShape { tensor: key.to_owned(), expected: expected.to_vec(), actual: view.shape().to_vec() }
}
