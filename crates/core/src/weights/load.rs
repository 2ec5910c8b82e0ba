//! Bytes → modules, shard by shard.

use super::WeightsError;
use super::check::{all_there, deserialize, scales_of, wrong_dtype};
use super::int8::{GROUP, dequantize};
use super::keys::TRANSFORMER;
use super::numbers::{read_f16, read_f32, transpose};
use super::parameters::{Parameter, Path, parameters};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use ditscope_ops::int8;
use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashSet;

/// How the linear weights of a [`crate::dit::Dit`] lie on its device. It widens them as it computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LinearWeights {
    /// In f32, whatever they are stored as.
    #[default]
    F32,
    /// In f16 where they are stored as that or in 8 bits: half the memory.
    F16,
    /// As they are stored, in f16 or in 8 bits: only for kernels that read both ([`ditscope_ops::Ops::reads_int8`]). 8 bits
    /// become f16 in matrices that it does not read so ([`int8`]).
    Stored,
}

/// Fills modules from shards, remembers what is filled, and checks everything on the way.
///
/// ```text
/// for shard in shards { module = loader.apply(module, prefix, file, bytes)?; }
/// loader.finish(&module, prefix)?;
/// ```
#[derive(Debug, Default)]
pub struct Loader {
    filled: HashSet<String>,
    linear: LinearWeights,
}

impl Loader {
    /// A loader that brings a transformer's linear weights to the device in this way; the default widens all.
    pub fn keeping(linear: LinearWeights) -> Self {
        Self { linear, ..Self::default() }
    }

    /// Fills the parameters of `module` that this shard holds under `prefix`.
    ///
    /// Values are widened to f32 (but see [`Self::keeping`]), linear weights transposed to burn's layout.
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
            Some(stored) if self.linear() != LinearWeights::F32 && view.dtype() == Dtype::F16 => {
                let values = read_f16(view.data(), stored);
                checked(values.iter().all(|v| v.is_finite()))?;
                Ok(lasting(TensorData::new(values, shape), self.device))
            }
            _ => {
                let values = read_f32(view.dtype(), view.data(), transposed).ok_or_else(|| wrong_dtype(name, view))?;
                checked(values.iter().all(|v| v.is_finite()))?;
                Ok(lasting(TensorData::new(values, shape), self.device))
            }
        }
    }
}

impl Filler<'_> {
    /// How linear weights of this module lie on the device.
    fn linear(&self) -> LinearWeights {
        if self.prefix == TRANSFORMER { self.loader.linear } else { LinearWeights::F32 }
    }

    /// As [`Self::fill`], for numbers in 8 bits.
    fn fill_int8<const D: usize>(
        &self,
        parameter: &Parameter,
        view: &TensorView,
        transposed: Option<[usize; 2]>,
    ) -> Result<Tensor<D>, WeightsError> {
        let scales = scales_of(self.shard, &parameter.name)?;
        let (shape, device) = (parameter.shape.clone(), self.device);
        if let Some([d_output, d_input]) = transposed.filter(|_| self.linear() == LinearWeights::Stored) {
            let values: Vec<i8> = view.data().iter().map(|byte| *byte as i8).collect();
            let scales = read_f32(Dtype::F16, scales.data(), None).expect("checked to be f16");
            if let Some(data) = int8(&values, &scales, [d_input, d_output], GROUP as u8, device) {
                return Ok(lasting(data, device));
            }
        }
        let columns: usize = view.shape().iter().skip(1).product();
        let values = dequantize(view.data(), scales.data(), columns.max(1));
        Ok(match transposed {
            Some(stored) if self.linear() != LinearWeights::F32 => {
                lasting(TensorData::new(transpose(&values, stored, f16::from_f32), shape), device)
            }
            Some(stored) => lasting(TensorData::new(transpose(&values, stored, |v| v), shape), device),
            None => lasting(TensorData::new(values, shape), device),
        })
    }
}

/// Data of f32, f16 or 8 bits on a device, as that type, in as much memory as it takes: what comes and goes there lies in pages
/// that are larger.
pub(super) fn lasting<const D: usize>(data: TensorData, device: &Device) -> Tensor<D> {
    device.memory_persistent_allocations(data, |data| match data.dtype() {
        DType::F16 => Tensor::from_data(data, (device, DType::F16)),
        _ => Tensor::from_data(data, device),
    })
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
