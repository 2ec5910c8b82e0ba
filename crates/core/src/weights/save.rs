//! Modules → bytes: named tensors, cut into shards with an index.

use super::int8::{GROUP, SCALES, is_quantized, quantize_group, scales_shape};
use super::numbers::transpose;
use super::parameters::Path;
use super::verify::sha256_hex;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use ditscope_ops::widened;
use ditscope_tensor_file::{Dtype as Number, Entry, ShardInfo, WeightsIndex, ordered_header, plan_shards, shard_name};
use half::f16;
use std::cmp::Reverse;
use std::ops::Range;

/// A parameter by its name in the file, in the file's layout, f32.
#[derive(Debug, Clone)]
pub struct NamedTensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// How the numbers of a model are stored.
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
///
/// # Panics
/// When a tensor has not as many values as its shape says.
pub fn write_shards(tensors: &[NamedTensor], dtype: Dtype, max_bytes: usize) -> ShardedWeights {
    // What belongs together shares a shard.
    let stored: Vec<Vec<Stored>> = tensors.iter().map(|tensor| store(tensor, dtype)).collect();
    let sizes: Vec<u64> = stored.iter().map(|parts| parts.iter().map(|s| s.entry.bytes()).sum()).collect();
    let groups = plan_shards(&sizes, max_bytes as u64);
    let mut index = WeightsIndex::default();
    index.metadata.total_parameters = Some(tensors.iter().map(|tensor| tensor.values.len() as u64).sum());
    let pack = |(i, group): (usize, &Range<usize>)| {
        let mut group: Vec<&Stored> = stored[group.clone()].iter().flatten().collect();
        group.sort_by(|a, b| (Reverse(a.entry.dtype), &a.entry.name).cmp(&(Reverse(b.entry.dtype), &b.entry.name)));
        let entries: Vec<Entry> = group.iter().map(|s| s.entry.clone()).collect();
        let mut bytes = ordered_header(&entries);
        group.iter().for_each(|s| bytes.extend_from_slice(&s.bytes));
        let file = shard_name(i + 1, groups.len());
        index.add(&file, ShardInfo { size: bytes.len() as u64, sha256: sha256_hex(&bytes) }, &entries);
        Shard { file, bytes }
    };
    let shards = groups.iter().enumerate().map(pack).collect();
    ShardedWeights { index, shards }
}

impl Dtype {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Int8 => "I8 and F16",
        }
    }

    /// What a tensor becomes in a file: the numbers, and for 8 bits their scales.
    pub fn entries(self, name: &str, shape: &[usize]) -> Vec<Entry> {
        let numbers = |dtype| Entry::new(name, dtype, shape.to_vec());
        match self {
            Self::Int8 if is_quantized(name, shape) => {
                let scales = Entry::new(format!("{name}{SCALES}"), Number::F16, scales_shape(shape).to_vec());
                vec![numbers(Number::I8), scales]
            }
            Self::F32 => vec![numbers(Number::F32)],
            Self::F16 | Self::Int8 => vec![numbers(Number::F16)],
        }
    }
}

struct Stored {
    entry: Entry,
    bytes: Vec<u8>,
}

fn store(tensor: &NamedTensor, dtype: Dtype) -> Vec<Stored> {
    let values = &tensor.values;
    let data = match dtype {
        Dtype::Int8 if is_quantized(&tensor.name, &tensor.shape) => quantize(tensor),
        Dtype::F32 => vec![values.iter().flat_map(|v| v.to_le_bytes()).collect()],
        Dtype::F16 | Dtype::Int8 => vec![values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect()],
    };
    let fit = |(entry, bytes): (Entry, Vec<u8>)| {
        assert_eq!(entry.bytes(), bytes.len() as u64, "{}: the values do not fit {:?}", entry.name, entry.shape);
        Stored { entry, bytes }
    };
    dtype.entries(&tensor.name, &tensor.shape).into_iter().zip(data).map(fit).collect()
}

/// The numbers and their scales.
fn quantize(tensor: &NamedTensor) -> Vec<Vec<u8>> {
    let (mut bytes, mut scales) = (Vec::with_capacity(tensor.values.len()), Vec::new());
    for row in tensor.values.chunks(tensor.shape[1]) {
        row.chunks(GROUP).for_each(|group| scales.extend(quantize_group(group, &mut bytes).to_le_bytes()));
    }
    vec![bytes, scales]
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
        let data: TensorData = widened(param.val()).into_data();
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
