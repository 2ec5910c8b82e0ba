//! Bytes → modules, shard by shard.

use super::WeightsError;
use super::check::{all_there, deserialize, scales_of, wrong_dtype};
use super::int8::dequantize;
use super::keys::TRANSFORMER;
use super::numbers::{read_f16, read_f32, transpose};
use super::parameters::{Parameter, Path, parameters};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use half::f16;
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
    keep_f16: bool,
}

impl Loader {
    /// A loader that leaves linear weights that are stored as f16 as they are: half the memory on
    /// the device. Only for a [`crate::dit::Dit`], which widens them as it computes.
    pub fn keeping_f16() -> Self {
        Self { keep_f16: true, ..Self::default() }
    }

    /// Fills the parameters of `module` that this shard holds under `prefix`.
    ///
    /// Values are widened to f32 (see [`Self::keeping_f16`]), linear weights transposed to burn's layout.
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
        let shard = deserialize(file, bytes)?;
        let mut mapper = Filler { shard: &shard, prefix, device, path: Path::default(), loader: self, error: None };
        let module = module.map(&mut mapper);
        mapper.error.map_or(Ok(module), Err)
    }

    /// Checks that every parameter of `module` was filled.
    ///
    /// # Errors
    /// [`WeightsError::Missing`] lists what was not.
    pub fn finish<M: Module>(&self, module: &M, prefix: &str) -> Result<(), WeightsError> {
        all_there(parameters(module, prefix).into_iter().map(|p| p.name), &self.filled)
    }
}

struct Filler<'a> {
    shard: &'a SafeTensors<'a>,
    prefix: &'a str,
    device: &'a Device,
    path: Path,
    loader: &'a mut Loader,
    error: Option<WeightsError>,
}

impl Filler<'_> {
    fn fill<const D: usize>(&self, parameter: &Parameter, view: &TensorView) -> Result<Tensor<D>, WeightsError> {
        parameter.check_shape(view)?;
        let (name, shape) = (&parameter.name, parameter.shape.clone());
        let transposed = parameter.is_linear_weight.then(|| [shape[1], shape[0]]);
        let checked = |all_finite: bool| match all_finite {
            true => Ok(()),
            false => Err(WeightsError::NotFinite { tensor: name.clone() }),
        };
        if view.dtype() == Dtype::I8 {
            return self.fill_int8(parameter, view, transposed);
        }
        match transposed {
            Some(stored) if self.loader.keep_f16 && self.prefix == TRANSFORMER && view.dtype() == Dtype::F16 => {
                let values = read_f16(view.data(), stored);
                checked(values.iter().all(|v| v.is_finite()))?;
                Ok(Tensor::from_data(TensorData::new(values, shape), (self.device, DType::F16)))
            }
            _ => {
                let values = read_f32(view.dtype(), view.data(), transposed).ok_or_else(|| wrong_dtype(name, view))?;
                checked(values.iter().all(|v| v.is_finite()))?;
                Ok(Tensor::from_data(TensorData::new(values, shape), self.device))
            }
        }
    }
}

impl Filler<'_> {
    /// As [`Self::fill`], for numbers in 8 bits; on a device that keeps f16 they become that.
    fn fill_int8<const D: usize>(
        &self,
        parameter: &Parameter,
        view: &TensorView,
        transposed: Option<[usize; 2]>,
    ) -> Result<Tensor<D>, WeightsError> {
        let scales = scales_of(self.shard, &parameter.name)?;
        let columns: usize = view.shape().iter().skip(1).product();
        let values = dequantize(view.data(), scales.data(), columns.max(1));
        let shape = parameter.shape.clone();
        match transposed {
            Some(stored) if self.loader.keep_f16 && self.prefix == TRANSFORMER => {
                let values = transpose(&values, stored, f16::from_f32);
                Ok(Tensor::from_data(TensorData::new(values, shape), (self.device, DType::F16)))
            }
            Some(stored) => {
                let values = transpose(&values, stored, |v| v);
                Ok(Tensor::from_data(TensorData::new(values, shape), self.device))
            }
            None => Ok(Tensor::from_data(TensorData::new(values, shape), self.device)),
        }
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
        // The lazy shape does not run the initialiser: no random numbers for weights that are replaced.
        let parameter = self.path.parameter(self.prefix, param.lazy_shape().to_vec());
        let Ok(view) = self.shard.tensor(&parameter.name) else { return param };
        if self.error.is_some() {
            return param;
        }
        match self.fill::<D>(&parameter, &view) {
            Ok(tensor) => {
                self.loader.filled.insert(parameter.name);
                Param::from_tensor(tensor)
            }
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}
