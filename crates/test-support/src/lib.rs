//! What the tests share: a tiny model, a tiny data set, numbers read back, folders compared, and files of other programs.

pub mod diffusers;
pub mod files;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_config::ModelConfig;
use ditscope_core::generate::Model;
use ditscope_noise::gaussian;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The project's folder: that of the package that is tested now, as two checkouts may share what was built.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
        let is_root = |folder: &&Path| folder.join("Cargo.lock").is_file();
        Path::new(&package).ancestors().find(is_root).expect("a Cargo.lock above the package").to_owned()
    });
    &ROOT
}

/// The configuration of [`tiny_model`]: pictures of 8x8, latents of 4x4x4, three classes.
pub fn tiny_config() -> ModelConfig {
    serde_json::from_value(tiny_config_json()).expect("a model's configuration")
}

pub fn tiny_config_json() -> serde_json::Value {
    serde_json::json!({
        "name": "Tiny",
        "transformer": {
            "sample_size": 4, "patch_size": 2, "in_channels": 4, "hidden_size": 32, "depth": 1, "num_heads": 2,
            "mlp_ratio": 2, "num_classes": 3, "learn_sigma": false,
        },
        "scheduler": {
            "num_train_timesteps": 1000, "beta_schedule": "linear", "prediction_type": "epsilon",
            "variance_type": "fixed_small", "clip_sample_range": null, "guidance_channels": null,
        },
        "autoencoder": {
            "_class_name": "AutoencoderTiny",
            "in_channels": 1, "latent_channels": 4,
            "encoder_block_out_channels": [8, 8], "num_encoder_blocks": [1, 1],
            "decoder_block_out_channels": [8, 8], "num_decoder_blocks": [1, 1],
        },
        "latents": { "mean": [0.0, 0.1, 0.0, 0.0], "std": [1.0, 1.0, 2.0, 1.0] },
        "labels": ["one", "two", "Number three"],
        "defaults": { "num_inference_steps": 4 },
        "license": "MIT",
    })
}

/// A model with fixed random weights, quick to run.
pub fn tiny_model() -> Model {
    random_model(&tiny_config())
}

/// A model of any configuration with fixed random weights.
pub fn random_model(config: &ModelConfig) -> Model {
    config.validate().expect("a valid configuration");
    let mut model = Model::new(config, &Device::flex());
    // A fresh transformer puts out zeros, and a test of zeros sees little.
    model.dit = model.dit.map(&mut RandomWeights { stream: 0 });
    model.autoencoder = model.autoencoder.map(|a| a.map(&mut RandomWeights { stream: 1000 }));
    model
}

struct RandomWeights {
    stream: u64,
}

impl ModuleMapper for RandomWeights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.stream += 1;
        let shape = param.lazy_shape();
        let values: Vec<f32> = gaussian(0, self.stream, shape.num_elements()).into_iter().map(|v| 0.15 * v).collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape.to_vec()), &param.lazy_device()))
    }
}

/// Standard normal numbers as a tensor.
pub fn random(seed: u64, shape: [usize; 4]) -> Tensor<4> {
    tensor(gaussian(seed, 0, shape.iter().product()), shape)
}

pub fn tensor(values: Vec<f32>, shape: [usize; 4]) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("f32")
}

/// Largest difference of two tensors, NaN if there is one.
pub fn max_difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let differences = values(a).into_iter().zip(values(b)).map(|(a, b)| f64::from((a - b).abs()));
    differences.fold(0.0, |most, d| if d.is_nan() || d > most { d } else { most })
}

/// A small data set of the MNIST family, as its four files would lie in a folder.
pub struct DataFiles {
    files: BTreeMap<&'static str, Vec<u8>>,
}

pub const TRAIN_IMAGES: &str = "train-images-idx3-ubyte.gz";
pub const TRAIN_LABELS: &str = "train-labels-idx1-ubyte.gz";
pub const TEST_IMAGES: &str = "t10k-images-idx3-ubyte.gz";
pub const TEST_LABELS: &str = "t10k-labels-idx1-ubyte.gz";

impl DataFiles {
    /// Pictures of 28x28 with a pattern for each of ten classes.
    pub fn new(train: usize, test: usize) -> Self {
        let files = [
            (TRAIN_IMAGES, gz(&images(train))),
            (TRAIN_LABELS, gz(&labels(train))),
            (TEST_IMAGES, gz(&images(test))),
            (TEST_LABELS, gz(&labels(test))),
        ];
        Self { files: files.into() }
    }

    /// The same set with one file replaced.
    pub fn with(mut self, name: &'static str, bytes: Vec<u8>) -> Self {
        self.files.insert(name, bytes);
        self
    }

    pub fn get(&self, name: &str) -> &[u8] {
        &self.files[name]
    }

    pub fn write(&self, folder: &Path) -> PathBuf {
        std::fs::create_dir_all(folder).expect("a folder for data");
        for (name, bytes) in &self.files {
            std::fs::write(folder.join(name), bytes).expect("a data file");
        }
        folder.to_owned()
    }
}

fn images(count: usize) -> Vec<u8> {
    let pixel = |image: usize, x: usize, y: usize| (image * 7 + x * (image % 10) * 3 + y * 5) as u8;
    let pixels = (0..count).flat_map(|i| (0..28 * 28).map(move |at| pixel(i, at % 28, at / 28)));
    idx(&[count, 28, 28], &pixels.collect::<Vec<_>>())
}

fn labels(count: usize) -> Vec<u8> {
    idx(&[count], &(0..count).map(|i| (i % 10) as u8).collect::<Vec<_>>())
}

/// An IDX file of unsigned bytes.
pub fn idx(shape: &[usize], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|n| (*n as u32).to_be_bytes()));
    bytes.extend_from_slice(data);
    bytes
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// Every file under a folder with its content: what must be the same before and after.
pub fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files.extend(snapshot(&path)),
            false => drop(files.insert(path.clone(), std::fs::read(&path).expect("a file"))),
        }
    }
    files
}
