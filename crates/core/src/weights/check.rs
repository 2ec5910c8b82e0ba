//! What a module wants from its weights, and whether shards hold it, without filling anything.

use super::WeightsError;
use super::int8::{SCALES, scales_shape};
use super::numbers::all_finite;
use super::parameters::{Parameter, parameters};
use burn::module::Module;
use ditscope_tensor_file::WeightsIndex;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::{BTreeMap, HashSet};

/// Goes through shards one by one: is every tensor of the model there, in its shape, finite, and no other?
///
/// ```text
/// let mut checker = Checker::default().want(&module, prefix);
/// for shard in shards { checker.check(&index, file, bytes)?; }
/// let numbers_by_type = checker.finish()?;
/// ```
#[derive(Debug, Default)]
pub struct Checker {
    wanted: BTreeMap<String, Parameter>,
    found: HashSet<String>,
    /// Type → how many numbers are stored in it.
    dtypes: BTreeMap<String, u64>,
}

impl Checker {
    /// Adds the parameters of a module; they are not initialised.
    pub fn want<M: Module>(mut self, module: &M, prefix: &str) -> Self {
        self.wanted.extend(parameters(module, prefix).into_iter().map(|p| (p.name.clone(), p)));
        self
    }

    /// Checks the tensors of one shard.
    ///
    /// # Errors
    /// [`WeightsError`] names the shard or the tensor.
    pub fn check(&mut self, index: &WeightsIndex, file: &str, bytes: &[u8]) -> Result<(), WeightsError> {
        let shard = deserialize(file, bytes)?;
        // The container gives them in any order; the same file shall give the same message.
        let mut tensors: Vec<(&str, TensorView)> = shard.iter().collect();
        tensors.sort_by_key(|(name, _)| *name);
        for (name, view) in tensors {
            let tensor = || name.to_owned();
            if let Some(base) = name.strip_suffix(SCALES).filter(|base| is_int8(&shard, base)) {
                scales_of(&shard, base)?;
                continue;
            }
            let parameter = self.wanted.get(name).ok_or_else(|| WeightsError::Unknown { tensor: tensor() })?;
            if index.weight_map.get(name).is_none_or(|listed| listed != file) {
                return Err(WeightsError::Misplaced { tensor: tensor(), file: file.to_owned() });
            }
            parameter.check_shape(&view)?;
            match all_finite(view.dtype(), view.data()) {
                // Bytes always are; their scales are checked.
                None if view.dtype() == Dtype::I8 => drop(scales_of(&shard, name)?),
                None => return Err(wrong_dtype(name, &view)),
                Some(false) => return Err(WeightsError::NotFinite { tensor: tensor() }),
                Some(true) => {}
            }
            let numbers = view.shape().iter().map(|n| *n as u64).product::<u64>();
            *self.dtypes.entry(format!("{:?}", view.dtype())).or_default() += numbers;
            self.found.insert(tensor());
        }
        Ok(())
    }

    /// Checks that nothing is missing. The result: type → how many numbers are stored in it.
    ///
    /// # Errors
    /// [`WeightsError::Missing`]
    pub fn finish(self) -> Result<BTreeMap<String, u64>, WeightsError> {
        all_there(self.wanted.into_keys(), &self.found)?;
        Ok(self.dtypes)
    }
}

pub(super) fn deserialize<'a>(file: &str, bytes: &'a [u8]) -> Result<SafeTensors<'a>, WeightsError> {
    SafeTensors::deserialize(bytes)
        .map_err(|error| WeightsError::BadShard { file: file.to_owned(), reason: error.to_string() })
}

fn is_int8(shard: &SafeTensors, name: &str) -> bool {
    shard.tensor(name).is_ok_and(|view| view.dtype() == Dtype::I8)
}

/// The scales of an I8 tensor, which lie in the same shard.
pub(super) fn scales_of<'a>(shard: &SafeTensors<'a>, name: &str) -> Result<TensorView<'a>, WeightsError> {
    let scales = format!("{name}{SCALES}");
    let (Ok(tensor), Ok(view)) = (shard.tensor(name), shard.tensor(&scales)) else {
        return Err(WeightsError::Missing(vec![scales]));
    };
    let expected = scales_shape(tensor.shape());
    if view.shape() != expected {
        let (expected, actual) = (expected.to_vec(), view.shape().to_vec());
        return Err(WeightsError::WrongShape { tensor: scales, expected, actual });
    }
    match all_finite(view.dtype(), view.data()) {
        Some(true) if view.dtype() == Dtype::F16 => Ok(view),
        Some(false) => Err(WeightsError::NotFinite { tensor: scales }),
        _ => Err(wrong_dtype(&scales, &view)),
    }
}

pub(super) fn all_there(wanted: impl Iterator<Item = String>, found: &HashSet<String>) -> Result<(), WeightsError> {
    let missing: Vec<String> = wanted.filter(|name| !found.contains(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(WeightsError::Missing(missing)) }
}

pub(super) fn wrong_dtype(name: &str, view: &TensorView) -> WeightsError {
    WeightsError::WrongDtype { tensor: name.to_owned(), dtype: format!("{:?}", view.dtype()) }
}
