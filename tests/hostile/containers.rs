//! Safetensors headers and index files.

use crate::files::{read, safetensors};
use crate::{SLACK, cases, fuzz, survives};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;
use ditscope_convert as convert;
use ditscope_core::weights::keys::TRANSFORMER;
use ditscope_core::weights::{Dtype, Loader, NamedTensor, WeightsError, WeightsIndex, write_shards};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::io::Cursor;
use std::path::Path;

/// Headers are JSON of small entries; each becomes a name, a shape and places in a table.
const BOUNDS: (usize, usize) = (24, SLACK);

fn small() -> Vec<NamedTensor> {
    let tensor = |name: &str, shape: &[usize]| NamedTensor {
        name: name.into(),
        shape: shape.to_vec(),
        values: (0..shape.iter().product()).map(|i: usize| i as f32).collect(),
    };
    vec![tensor("weight", &[3, 4]), tensor("bias", &[3]), tensor("other", &[2, 2, 1])]
}

fn places(bytes: &[u8]) -> anyhow::Result<usize> {
    Ok(convert::safetensors::read(Cursor::new(bytes), &Path::new("fuzzed").into())?.len())
}

fn load(bytes: &[u8]) -> Result<Linear, WeightsError> {
    let device = Device::flex();
    Loader::default().apply(LinearConfig::new(4, 3).init(&device), "", "fuzzed", bytes, &device)
}

/// A layer whose weights are stored in 8 bits.
fn int8() -> Vec<u8> {
    let weight = NamedTensor { name: "transformer.weight".into(), shape: vec![64, 64], values: vec![0.25; 4096] };
    let bias = NamedTensor { name: "transformer.bias".into(), shape: vec![64], values: vec![0.5; 64] };
    let sharded = write_shards(&[weight, bias], Dtype::Int8, usize::MAX);
    sharded.shards.into_iter().next().expect("one shard").bytes
}

fn load_int8(bytes: &[u8]) -> Result<Linear, WeightsError> {
    let device = Device::flex();
    Loader::default().apply(LinearConfig::new(64, 64).init(&device), TRANSFORMER, "fuzzed", bytes, &device)
}

const JSON: [&[u8]; 14] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b"-1",
    b"18446744073709551615",
    b"1e999",
    b"null",
    b"\"__metadata__\":{}",
    b"\"dtype\":\"F64\"",
    b"\"shape\":[0]",
    b"\\u0000",
];

#[test]
fn damaged_safetensors_files() {
    let valid = [safetensors(&small()), safetensors(&small()[..2])];
    fuzz("safetensors header", &valid, &JSON, BOUNDS, places);
    fuzz("shard into a module", &valid, &JSON, BOUNDS, load);
    fuzz("shard in 8 bits into a module", &[int8()], &JSON, BOUNDS, load_int8);
}

#[test]
fn damaged_indices() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = read(&root.join("assets/models/fashion/model.safetensors.index.json"));
    let small = br#"{"metadata":{"total_size":8,"shards":{"a.safetensors":{"size":90,"sha256":"00"}}},
        "weight_map":{"x":"a.safetensors","y":"a.safetensors"}}"#;
    let mut words = JSON.to_vec();
    words.extend([b"../".as_slice(), b"\"shards\":{}", b"\"weight_map\":{}"]);
    fuzz("index file", &[shipped, small.to_vec()], &words, BOUNDS, |bytes| WeightsIndex::parse("fuzzed", bytes));
}

/// Headers that are good JSON with wrong numbers in it.
#[test]
fn headers_with_any_numbers() {
    let number = prop_oneof![0u64..40, any::<u64>(), Just(1 << 61), Just(u64::MAX), Just(1 << 32), Just((1 << 63) - 1)];
    let dtype = prop_oneof![Just("F32"), Just("F64"), Just("U8"), Just("F4"), Just("BOOL"), Just("X9")];
    let name = prop_oneof![Just("weight".to_owned()), Just("bias".to_owned()), "\\PC{0,6}"];
    let entry = (name, dtype, prop::collection::vec(number.clone(), 0..5), (number.clone(), number.clone()));
    let header = (prop::collection::vec(entry, 0..6), 0usize..100);
    let config = Config { cases: cases() as u32, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let tested = runner.run(&header, |(entries, payload)| {
        let json: serde_json::Map<_, _> = entries
            .into_iter()
            .map(|(name, dtype, shape, (start, end))| {
                (name, serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] }))
            })
            .collect();
        let bytes = file(&serde_json::Value::Object(json).to_string(), payload);
        survives("safetensors header", &bytes, BOUNDS, places);
        survives("shard into a module", &bytes, BOUNDS, load);
        Ok(())
    });
    tested.expect("no header does harm");
}

/// Tensors that fit one behind the other, up to the largest number there is.
#[test]
fn offsets_whose_sum_overflows() {
    let most = (1u64 << 61) - 1;
    for (count, last) in [(8u64, 0u64), (8, 7), (7, most), (1, 0)] {
        let mut entries = serde_json::Map::new();
        for i in 0..=count {
            let (start, size) = (i * most, if i < count { most } else { last });
            let name = if i == count { "weight".to_owned() } else { format!("t{i}") };
            let entry = serde_json::json!({ "dtype": "U8", "shape": [size], "data_offsets": [start, start + size] });
            entries.insert(name, entry);
        }
        let bytes = file(&serde_json::Value::Object(entries).to_string(), 8);
        assert!(!survives("overflowing offsets", &bytes, BOUNDS, places).0);
        assert!(!survives("overflowing offsets in a shard", &bytes, BOUNDS, load).0);
    }
}

#[test]
fn headers_that_claim_to_be_long() {
    for length in [0u64, 9, 100_000_000, 100_000_001, u64::MAX, u64::MAX - 7, 1 << 40] {
        let bytes = [length.to_le_bytes().as_slice(), b"{}"].concat();
        assert!(!survives("long header", &bytes, BOUNDS, places).0);
        assert!(!survives("long header", &bytes, BOUNDS, load).0);
    }
    // Deep nesting must not overflow the stack.
    let deep = file(&"[".repeat(200_000), 0);
    assert!(!survives("deep header", &deep, BOUNDS, places).0);
    assert!(!survives("deep header", &deep, BOUNDS, load).0);
    assert!(!survives("deep index", &deep[8..], BOUNDS, |bytes| WeightsIndex::parse("fuzzed", bytes)).0);
}

fn file(header: &str, payload: usize) -> Vec<u8> {
    [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes(), &vec![0; payload]].concat()
}
