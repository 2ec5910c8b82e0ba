//! Weights: what is written is read, and what is damaged is refused.

use crate::cases;
use crate::support::{max_difference, random, tiny_config, tiny_model, values};
use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::LinearConfig;
use burn::tensor::{DType, Device, Tensor, TensorData};
use ditscope_core::generate::Model;
use ditscope_core::weights::keys::TRANSFORMER;
use ditscope_core::weights::{
    Dtype, LinearWeights, Loader, NamedTensor, ShardedWeights, WeightsError, WeightsIndex, collect, sha256_hex, verify,
    write_shards,
};
use ditscope_data::parse_idx;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The tiny model's transformer in one shard.
static SHARD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let sharded = write_shards(&collect(&tiny_model().dit, TRANSFORMER), Dtype::F16, usize::MAX);
    sharded.shards.into_iter().next().expect("one shard").bytes
});

fn apply(bytes: &[u8]) -> Result<Model, WeightsError> {
    let device = Device::flex();
    let mut loader = Loader::default();
    let mut model = Model::new(&tiny_config(), &device);
    model.dit = loader.apply(model.dit, TRANSFORMER, "shard", bytes, &device)?;
    loader.finish(&model.dit, TRANSFORMER)?;
    Ok(model)
}

fn tensors() -> impl Strategy<Value = Vec<NamedTensor>> {
    let one = (1..6usize, 1..6usize, any::<u64>());
    prop::collection::vec(one, 1..12).prop_map(|list| {
        list.into_iter()
            .enumerate()
            .map(|(i, (rows, columns, seed))| NamedTensor {
                name: format!("part.{i}.weight"),
                shape: vec![rows, columns],
                values: ditscope_noise::gaussian(seed, 0, rows * columns),
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn foreign_bytes_are_no_shard(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let refused = Loader::default().apply(LinearConfig::new(2, 2).init(&Device::flex()), "", "shard 7", &bytes, &Device::flex());
        let message = refused.expect_err("random bytes").to_string();
        prop_assert!(message.contains("shard 7"), "{}", message);
    }

    #[test]
    fn foreign_bytes_are_no_idx_file(bytes in prop::collection::vec(any::<u8>(), 0..60), rank in 1..4usize) {
        if let Ok((shape, data)) = parse_idx(&bytes, rank) {
            prop_assert_eq!(shape.iter().product::<usize>(), data.len());
        }
    }

    #[test]
    fn a_changed_idx_file_is_refused_or_fits_its_sizes(at in 0..28usize, to in any::<u8>(), cut in 0..28usize) {
        let whole = crate::support::idx(&[3, 2, 2], &[9; 12]);
        prop_assert_eq!(whole.len(), 28);
        prop_assert!(parse_idx(&whole[..cut], 3).is_err());
        let mut changed = whole.clone();
        changed[at] = to;
        if let Ok((shape, data)) = parse_idx(&changed, 3) {
            prop_assert_eq!(shape.iter().product::<usize>(), data.len());
        }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_changed_shard_is_refused_or_loads_finite_numbers(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), in_header in any::<bool>(),
    ) {
        let mut bytes = SHARD.clone();
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
        for (at, to) in changes {
            let at = at.index(if in_header { header } else { bytes.len() });
            bytes[at] = to;
        }
        if let Ok(model) = apply(&bytes) {
            prop_assert!(collect(&model.dit, "").iter().all(|t| t.values.iter().all(|v| v.is_finite())));
        }
    }

    #[test]
    fn a_cut_shard_is_refused(at in any::<prop::sample::Index>()) {
        let refused = apply(&SHARD[..at.index(SHARD.len())]);
        let named = matches!(refused, Err(WeightsError::BadShard { .. }));
        prop_assert!(named);
    }

    #[test]
    fn any_flipped_bit_changes_the_hash(at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let sharded = sharded_model(usize::MAX);
        let shard = &sharded.shards[0];
        let info = &sharded.index.metadata.shards[&shard.file];
        prop_assert_eq!(verify(&shard.file, &shard.bytes, info), Ok(()));
        let mut bytes = shard.bytes.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let hash_is_wrong = matches!(verify(&shard.file, &bytes, info), Err(WeightsError::WrongHash { .. }));
        prop_assert!(hash_is_wrong);
        bytes.pop();
        let size_is_wrong = matches!(verify(&shard.file, &bytes, info), Err(WeightsError::WrongSize { .. }));
        prop_assert!(size_is_wrong);
    }

    #[test]
    fn shards_keep_to_their_limit_and_hold_everything_once(tensors in tensors(), limit in 1..400usize) {
        let sharded = write_shards(&tensors, Dtype::F32, limit);
        let mut found = Vec::new();
        for shard in &sharded.shards {
            let file = safetensors::SafeTensors::deserialize(&shard.bytes).expect("a safetensors file");
            let sizes: Vec<usize> = file.tensors().iter().map(|(_, view)| view.data().len()).collect();
            let total: usize = sizes.iter().sum();
            prop_assert!(total <= limit || sizes.len() == 1, "{} bytes in {} tensors, limit {}", total, sizes.len(), limit);
            prop_assert!(!sizes.is_empty());
            for (name, _) in file.tensors() {
                prop_assert_eq!(&sharded.index.weight_map[&name], &shard.file);
                found.push(name);
            }
            let info = &sharded.index.metadata.shards[&shard.file];
            prop_assert_eq!(&info.sha256, &sha256_hex(&shard.bytes));
            prop_assert_eq!(info.size, shard.bytes.len() as u64);
        }
        found.sort();
        let mut names: Vec<String> = tensors.iter().map(|t| t.name.clone()).collect();
        names.sort();
        prop_assert_eq!(found, names);
        let bytes: usize = tensors.iter().map(|t| 4 * t.values.len()).sum();
        prop_assert_eq!(sharded.index.metadata.total_size, bytes as u64);
        let json = serde_json::to_vec(&sharded.index).expect("JSON");
        prop_assert_eq!(WeightsIndex::parse("index", &json).expect("our own index"), sharded.index);
    }
}

fn sharded_model(limit: usize) -> ShardedWeights {
    static TENSORS: LazyLock<Vec<NamedTensor>> = LazyLock::new(|| collect(&tiny_model().dit, TRANSFORMER));
    write_shards(&TENSORS, Dtype::F16, limit)
}

/// Writes the tiny model in several shards and reads it into a fresh one.
fn through_shards(model: &Model, dtype: Dtype) -> Model {
    let device = Device::flex();
    let sharded = write_shards(&collect(&model.dit, TRANSFORMER), dtype, 10_000);
    assert!(sharded.shards.len() > 2, "the test wants several shards");
    let mut loader = Loader::default();
    let mut read = Model::new(&tiny_config(), &device);
    for shard in &sharded.shards {
        read.dit = loader.apply(read.dit, TRANSFORMER, &shard.file, &shard.bytes, &device).expect("a good shard");
    }
    loader.finish(&read.dit, TRANSFORMER).expect("all parameters");
    read
}

#[test]
fn f32_weights_survive_exactly_and_f16_to_eleven_bits() {
    let model = tiny_model();
    let original = collect(&model.dit, "");
    let compare = |dtype, close: &dyn Fn(f32, f32) -> bool| {
        for (ours, theirs) in collect(&through_shards(&model, dtype).dit, "").iter().zip(&original) {
            assert_eq!((&ours.name, &ours.shape), (&theirs.name, &theirs.shape));
            for (a, b) in ours.values.iter().zip(&theirs.values) {
                assert!(close(*a, *b), "{}: {a} and {b}", ours.name);
            }
        }
    };
    compare(Dtype::F32, &|a, b| a.to_bits() == b.to_bits());
    // Below 2^-14 f16 has a fixed step of 2^-24.
    compare(Dtype::F16, &|a, b| (a - b).abs() <= (b.abs() / 1024.0).max(1.0 / 16_777_216.0));
}

/// A layer large enough to be stored in 8 bits, under a name of the transformer.
fn int8_layer() -> (Vec<NamedTensor>, Vec<u8>) {
    let values = ditscope_noise::gaussian(1, 0, 64 * 100);
    let tensors = vec![
        NamedTensor { name: "transformer.weight".into(), shape: vec![64, 100], values },
        NamedTensor { name: "transformer.bias".into(), shape: vec![64], values: vec![0.5; 64] },
    ];
    let sharded = write_shards(&tensors, Dtype::Int8, usize::MAX);
    assert_eq!(sharded.index.weight_map.len(), 3, "two tensors and the scales of one");
    (tensors, sharded.shards.into_iter().next().expect("one shard").bytes)
}

fn load_int8(bytes: &[u8], mut loader: Loader) -> Result<burn::nn::Linear, WeightsError> {
    let device = Device::flex();
    let fresh = LinearConfig::new(100, 64).init(&device);
    let linear = loader.apply(fresh, TRANSFORMER, "shard", bytes, &device)?;
    loader.finish(&linear, TRANSFORMER)?;
    Ok(linear)
}

#[test]
fn weights_in_8_bits_come_back_to_a_127th_of_the_largest_of_their_group() {
    let (tensors, bytes) = int8_layer();
    assert!(bytes.len() < 64 * 100 * 5 / 4, "{} bytes", bytes.len());
    for linear in [LinearWeights::F32, LinearWeights::F16, LinearWeights::Stored] {
        let loader = Loader::keeping(linear);
        let read = collect(&load_int8(&bytes, loader).expect("it loads"), TRANSFORMER);
        assert_eq!(read[0].shape, [64, 100]);
        for (row, found) in tensors[0].values.chunks_exact(100).zip(read[0].values.chunks_exact(100)) {
            for (group, found) in row.chunks(64).zip(found.chunks(64)) {
                let largest = group.iter().fold(0f32, |most, v| most.max(v.abs()));
                let off = group.iter().zip(found).fold(0f32, |most, (a, b)| most.max((a - b).abs()));
                assert!(off <= largest / 127.0, "{off} where the largest number is {largest}");
            }
        }
        assert_eq!(read[1].values, tensors[1].values);
    }
}

#[test]
fn scales_that_are_missing_wrong_or_no_numbers_are_named() {
    let (_, bytes) = int8_layer();
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let with_scales = |scales: Option<(safetensors::Dtype, Vec<usize>, Vec<u8>)>| {
        let mut views: Vec<_> = file.tensors().into_iter().filter(|(name, _)| !name.ends_with("scales")).collect();
        if let Some((dtype, shape, bytes)) = &scales {
            let view = safetensors::tensor::TensorView::new(*dtype, shape.clone(), bytes).expect("it fits");
            views.push(("transformer.weight.scales".into(), view));
        }
        let bytes = safetensors::serialize(views, None).expect("a file");
        load_int8(&bytes, Loader::default()).expect_err("refused").to_string()
    };
    let half = half::f16::ONE.to_le_bytes();
    assert!(with_scales(None).contains("'transformer.weight.scales'"));
    let wrong = with_scales(Some((safetensors::Dtype::F16, vec![64, 3], half.repeat(192))));
    assert!(wrong.contains("transformer.weight.scales") && wrong.contains("[64, 2]"), "{wrong}");
    let nan = half::f16::NAN.to_le_bytes().repeat(128);
    assert!(with_scales(Some((safetensors::Dtype::F16, vec![64, 2], nan))).contains("NaN"));
    let bytes = with_scales(Some((safetensors::Dtype::U8, vec![64, 2], vec![1; 128])));
    assert!(bytes.contains("unsupported type U8"), "{bytes}");
}

#[test]
fn a_model_computes_the_same_after_a_round_trip() {
    let model = tiny_model();
    let read = through_shards(&model, Dtype::F32);
    let forward = |model: &Model| {
        let t = Tensor::from_data(TensorData::new(vec![500.0f32], [1]), &model.device);
        let y = Tensor::from_data(TensorData::new(vec![1i64], [1]), &model.device);
        model.dit.forward(random(5, [1, 4, 4, 4]), t, y)
    };
    assert_eq!(max_difference(forward(&model), forward(&read)), 0.0);
}

#[test]
fn a_linear_layer_from_a_file_computes_x_times_w_transposed() {
    let device = Device::flex();
    let (weight, bias) = (vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0], vec![0.5, -0.5]);
    let tensors = [
        NamedTensor { name: "weight".into(), shape: vec![2, 3], values: weight },
        NamedTensor { name: "bias".into(), shape: vec![2], values: bias },
    ];
    let sharded = write_shards(&tensors, Dtype::F32, usize::MAX);
    let fresh = LinearConfig::new(3, 2).init(&device);
    let mut loader = Loader::default();
    let linear = loader.apply(fresh, "", "linear", &sharded.shards[0].bytes, &device).expect("it loads");
    loader.finish(&linear, "").expect("both parameters");
    let x = Tensor::<2>::from_data(TensorData::new(vec![1.0f32, 0.0, -1.0], [1, 3]), &device);
    assert_eq!(values(linear.forward(x)), [-2.0 + 0.5, -20.0 - 0.5]);
    assert_eq!(collect(&linear, "")[0].shape, [2, 3], "written as it was read");
}

/// Name of a parameter → its type on the device.
struct Types(BTreeMap<String, DType>, Vec<String>);

impl ModuleVisitor for Types {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.1.push(format!("{name}:{container}"));
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.1.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(self.1.join("/"), param.val().dtype());
    }
}

#[test]
fn a_loader_can_leave_linear_weights_as_f16_and_nothing_else() {
    let types = |mut loader: Loader| {
        let fresh = Model::new(&tiny_config(), &Device::flex()).dit;
        let dit = loader.apply(fresh, TRANSFORMER, "shard", &SHARD, &Device::flex()).expect("it loads");
        loader.finish(&dit, TRANSFORMER).expect("all parameters");
        let mut types = Types(BTreeMap::new(), Vec::new());
        dit.visit(&mut types);
        types.0
    };
    assert!(types(Loader::default()).values().all(|dtype| *dtype == DType::F32));
    let kept = types(Loader::keeping(LinearWeights::F16));
    for (name, dtype) in &kept {
        let is_linear_weight = name.contains(":Linear") && name.contains("weight");
        assert_eq!(*dtype == DType::F16, is_linear_weight, "{name}: {dtype:?}");
    }
    // Patches, two of the timestep, five in the block, two at the end.
    assert_eq!(kept.values().filter(|dtype| **dtype == DType::F16).count(), 10);
}

#[test]
fn refusals_name_the_tensor() {
    let with = |change: &dyn Fn(&mut Vec<NamedTensor>)| {
        let mut tensors = collect(&tiny_model().dit, TRANSFORMER);
        change(&mut tensors);
        let sharded = write_shards(&tensors, Dtype::F32, usize::MAX);
        apply(&sharded.shards[0].bytes).expect_err("it was made wrong")
    };
    let name = "transformer.blocks.0.attn.qkv.weight";
    let at = |tensors: &[NamedTensor]| tensors.iter().position(|t| t.name == name).expect("the attention's weight");
    let nan = with(&|tensors| {
        let i = at(tensors);
        tensors[i].values[17] = f32::NAN;
    });
    assert_eq!(nan, WeightsError::NotFinite { tensor: name.into() });
    let transposed = with(&|tensors| {
        let i = at(tensors);
        tensors[i].shape.reverse();
    });
    assert!(matches!(transposed, WeightsError::WrongShape { tensor, .. } if tensor == name));
    let missing = with(&|tensors| drop(tensors.remove(at(tensors))));
    assert_eq!(missing, WeightsError::Missing(vec![name.into()]));
    assert!(missing.to_string().contains(name));
}
