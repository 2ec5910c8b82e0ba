//! Modules → bytes: named tensors, cut into shards with an index.

use super::int8::{GROUP, SCALES, is_quantized, quantize_group, scales_shape};
use super::load::Path;
use super::numbers::transpose;
use super::shards::{IndexMetadata, ShardInfo, WeightsIndex, sha256_hex};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use half::f16;
use safetensors::tensor::TensorView;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// A parameter by its name in the file, in the file's layout, f32.
#[derive(Debug, Clone)]
pub struct NamedTensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    F32,
    F16,
    /// Large weight matrices of the transformer in 8 bits (see [`super::int8`]), the rest as f16.
    Int8,
}

/// One file.
#[derive(Debug, Clone)]
pub struct Shard {
    pub file: String,
    pub bytes: Vec<u8>,
}

/// All files and the index over them.
#[derive(Debug, Clone)]
pub struct ShardedWeights {
    pub index: WeightsIndex,
    pub shards: Vec<Shard>,
}

/// Reads every parameter of a module back from its device (blocking: not for wasm).
pub fn collect<M: Module>(module: &M, prefix: &str) -> Vec<NamedTensor> {
    let mut collector = Collector { prefix, path: Path::default(), tensors: Vec::new() };
    module.visit(&mut collector);
    collector.tensors
}

/// Packs tensors into safetensors shards of at most `max_bytes` (a larger tensor has a shard of its own).
pub fn write_shards(tensors: &[NamedTensor], dtype: Dtype, max_bytes: usize) -> ShardedWeights {
    // What belongs together shares a shard.
    let stored: Vec<Vec<Stored>> = tensors.iter().map(|tensor| store(tensor, dtype)).collect();
    let sizes: Vec<usize> = stored.iter().map(|parts| parts.iter().map(|s| s.bytes.len()).sum()).collect();
    let groups = plan_shards(&sizes, max_bytes);
    let total = tensors.iter().map(|tensor| tensor.values.len() as u64).sum();
    let mut index = WeightsIndex {
        metadata: IndexMetadata { total_size: 0, total_parameters: Some(total), shards: BTreeMap::new() },
        weight_map: BTreeMap::new(),
    };
    let mut shards = Vec::new();
    for (i, group) in groups.iter().enumerate() {
        let (file, group) = (shard_name(i + 1, groups.len()), stored[group.clone()].iter().flatten());
        let views = group.clone().map(|s| {
            let view = TensorView::new(s.dtype, s.shape.clone(), &s.bytes).expect("bytes fit the shape");
            (s.name.as_str(), view)
        });
        let bytes = safetensors::serialize(views, None::<HashMap<String, String>>).expect("in-memory serialisation");
        for s in group {
            index.metadata.total_size += s.bytes.len() as u64;
            index.weight_map.insert(s.name.clone(), file.clone());
        }
        let info = ShardInfo { size: bytes.len() as u64, sha256: sha256_hex(&bytes) };
        index.metadata.shards.insert(file.clone(), info);
        shards.push(Shard { file, bytes });
    }
    ShardedWeights { index, shards }
}

struct Stored {
    name: String,
    shape: Vec<usize>,
    dtype: safetensors::Dtype,
    bytes: Vec<u8>,
}

fn store(tensor: &NamedTensor, dtype: Dtype) -> Vec<Stored> {
    let (dtype, bytes) = match dtype {
        Dtype::Int8 if is_quantized(&tensor.name, &tensor.shape) => return quantize(tensor),
        Dtype::F32 => (safetensors::Dtype::F32, tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Dtype::F16 | Dtype::Int8 => {
            let bytes = tensor.values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
            (safetensors::Dtype::F16, bytes)
        }
    };
    vec![Stored { name: tensor.name.clone(), shape: tensor.shape.clone(), dtype, bytes }]
}

/// The numbers and their scales.
fn quantize(tensor: &NamedTensor) -> Vec<Stored> {
    let (mut bytes, mut scales) = (Vec::with_capacity(tensor.values.len()), Vec::new());
    for row in tensor.values.chunks(tensor.shape[1]) {
        row.chunks(GROUP).for_each(|group| scales.extend(quantize_group(group, &mut bytes).to_le_bytes()));
    }
    let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
    let of_scales = scales_shape(&shape).to_vec();
    vec![
        Stored { name: name.clone(), shape, dtype: safetensors::Dtype::I8, bytes },
        Stored { name: name + SCALES, shape: of_scales, dtype: safetensors::Dtype::F16, bytes: scales },
    ]
}

/// Which tensors share a shard: as many as fit in `max_bytes`, in their order (a larger one has a shard of its own).
pub fn plan_shards(sizes: &[usize], max_bytes: usize) -> Vec<Range<usize>> {
    let mut shards: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (i, size) in sizes.iter().enumerate() {
        match shards.last_mut() {
            Some(shard) if bytes + size <= max_bytes => shard.end = i + 1,
            _ => {
                shards.push(i..i + 1);
                bytes = 0;
            }
        }
        bytes += size;
    }
    shards
}

/// The file name of shard `number` (from 1) of `count`.
pub fn shard_name(number: usize, count: usize) -> String {
    format!("model-{number:05}-of-{count:05}.safetensors")
}

struct Collector<'a> {
    prefix: &'a str,
    path: Path,
    tensors: Vec<NamedTensor>,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data: TensorData = param.val().into_data();
        let shape = data.shape().to_vec();
        let values: Vec<f32> = data.convert::<f32>().try_into_vec().expect("converted to f32");
        let parameter = self.path.parameter(self.prefix, shape.clone());
        let (shape, values) = match parameter.is_linear_weight {
            true => (vec![shape[1], shape[0]], transpose(&values, [shape[0], shape[1]], |v| v)),
            false => (shape, values),
        };
        self.tensors.push(NamedTensor { name: parameter.name, shape, values });
    }
}
