//! What the method costs on the CPU: `cargo bench -p ditscope-core`, or a part: `cargo bench -p ditscope-core -- forward`
//!
//! Each group takes seconds: the paper's sizes with two of their blocks, and the shipped model.

use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_config::DitConfig;
use ditscope_core::dit::Dit;
use ditscope_core::generate::{Model, latent_shape};
use ditscope_core::weights::Loader;
use ditscope_noise::gaussian;
use ditscope_ops::Ops;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use std::path::PathBuf;

fn main() {
    divan::main();
}

fn shipped_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/models/fashion"))
}

fn shipped() -> Model {
    ditscope_model_dir::load(&shipped_folder(), &Device::flex()).expect("the shipped model")
}

/// The plain way, and with the CPU's kernels.
fn ops(way: &str) -> Ops {
    if way == "fused" { Ops::of(&Device::flex()) } else { Ops::PLAIN }
}

/// With each number of pictures.
const WAYS: [(&str, usize); 4] = [("plain", 1), ("fused", 1), ("plain", 4), ("fused", 4)];

fn noise(shape: [usize; 4]) -> Tensor<4> {
    Tensor::from_data(TensorData::new(gaussian(0, 0, shape.iter().product()), shape), &Device::flex())
}

/// Sizes of the paper.
const SIZES: [(&str, &str); 8] = [
    ("plain", "S"),
    ("fused", "S"),
    ("plain", "B"),
    ("fused", "B"),
    ("plain", "L"),
    ("fused", "L"),
    ("plain", "XL"),
    ("fused", "XL"),
];

/// `[1, 4, 16, 16]` in 64 tokens through two blocks of a size of the paper.
#[divan::bench(args = SIZES, sample_count = 20)]
fn forward_two_blocks(bencher: Bencher, (way, preset): (&str, &str)) {
    let transformer = ditscope_model_dir::read_config(&shipped_folder()).expect("the shipped model").transformer;
    let config = transformer.with_preset(preset).expect("a size of the paper");
    let config = DitConfig { sample_size: 16.into(), depth: 2, ..config };
    let device = Device::flex();
    let dit = Dit::new(&config, &device).fused(ops(way));
    let x = noise([1, config.in_channels, 16, 16]); // [1, 4, 16, 16]
    let (t, y) = (Tensor::full([1], 500.0, &device), Tensor::<1, Int>::zeros([1], &device)); // [1] each
    let forward = || dit.forward(x.clone(), t.clone(), y.clone()).into_data();
    forward(); // weights are drawn when they are first used
    bencher.bench_local(forward);
}

/// The shipped transformer, guided: a batch of 2N.
#[divan::bench(args = WAYS)]
fn forward_guided(bencher: Bencher, (way, pictures): (&str, usize)) {
    let model = shipped().fused(ops(way));
    let x = noise(latent_shape(&model, pictures)); // [N, 4, 8, 8]
    let y = Tensor::<1, Int>::zeros([pictures], &model.device); // [N]
    let bencher = bencher.counter(ItemsCount::new(pictures));
    bencher.bench_local(|| model.outputs(x.clone(), 500, y.clone(), true).0.into_data());
}

/// The shipped decoder: latents to pictures of 32x32.
#[divan::bench(args = WAYS)]
fn decode(bencher: Bencher, (way, pictures): (&str, usize)) {
    let model = shipped().fused(ops(way));
    let x = noise(latent_shape(&model, pictures)); // [N, 4, 8, 8]
    let bencher = bencher.counter(ItemsCount::new(pictures));
    bencher.bench_local(|| model.decode(x.clone()).into_data());
}

/// A shard of the shipped model: checked, widened, filled in.
#[divan::bench]
fn load_shard(bencher: Bencher) {
    const SHARD: &str = "model-00001-of-00003.safetensors";
    let folder = shipped_folder();
    let config = ditscope_model_dir::read_config(&folder).expect("the shipped model");
    let bytes = std::fs::read(folder.join(SHARD)).expect("its first shard");
    let bencher = bencher.counter(BytesCount::of_slice(&bytes));
    bencher
        .with_inputs(|| Model::new(&config, &Device::flex()))
        .bench_local_values(|model| model.load_shard(&mut Loader::default(), SHARD, &bytes).expect("a good shard"));
}
