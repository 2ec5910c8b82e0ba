//! A model with random weights, small enough for a GPU in software.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_config::ModelConfig;
use ditscope_core::generate::Model;
use ditscope_core::weights::Dtype;
use ditscope_model_dir as model_dir;
use ditscope_noise::gaussian;
use serde_json::Value;
use std::path::Path;

/// Writes the model's folder. It predicts v: from ε, x̂0 of the first steps would be a hundred times
/// any rounding, and no two devices would agree.
pub fn write(folder: &Path) {
    write_config(folder, config());
}

/// The same with a decoder that is too heavy for every step (factor 4), and a linear preview.
pub fn write_heavy(folder: &Path) {
    let mut config = config();
    config["name"] = "Heavy".into();
    config["autoencoder"] = serde_json::json!({
        "_class_name": "AutoencoderKL", "out_channels": 3, "latent_channels": 4, "block_out_channels": [8, 8, 16],
        "layers_per_block": 1, "norm_num_groups": 4, "scaling_factor": 0.5,
    });
    config["latents"]["rgb"] = serde_json::json!({
        "factors": [[0.2, 0.0, 0.0], [0.0, 0.2, 0.0], [0.0, 0.0, 0.2], [0.1, 0.1, 0.1]], "bias": [0.0, 0.0, 0.0],
    });
    write_config(folder, config);
}

/// The same as a flow model, and what it is.
pub fn write_flow(folder: &Path) -> ModelConfig {
    let mut config = config();
    config["name"] = "Flow".into();
    config["scheduler"]["beta_schedule"] = "straight".into();
    config["scheduler"]["prediction_type"] = "flow_prediction".into();
    config["defaults"] = serde_json::json!({ "sampler": "euler", "guidance_scale": 2.0 });
    write_config(folder, config.clone());
    serde_json::from_value(config).expect("a model's configuration")
}

/// The same with a thousand classes, "class 0" to "class 999".
pub fn write_many_classes(folder: &Path) {
    let mut config = config();
    config["name"] = "Many".into();
    config["transformer"]["num_classes"] = 1000.into();
    config["labels"] = (0..1000).map(|class| format!("class {class}")).collect();
    write_config(folder, config);
}

/// A transformer as wide as DiT-XL/2 on 256 px, of so many blocks, that makes latents alone. What it puts out is nothing:
/// it is there to be counted.
pub fn write_wide(folder: &Path, depth: usize, dtype: Dtype) {
    model_dir::save(folder, &wide(32, depth), dtype).expect("a model's folder");
}

/// The same with two blocks and 16 tokens, and with weights that let it say something, in 8 bits.
pub fn write_wide_in_8_bits(folder: &Path) {
    let mut model = wide(8, 2);
    model.dit = model.dit.map(&mut RandomWeights { stream: 0, deviation: 0.03 });
    model_dir::save(folder, &model, Dtype::Int8).expect("a model's folder");
}

fn wide(sample_size: usize, depth: usize) -> Model {
    let mut config = config();
    config["name"] = "Wide".into();
    config["transformer"] = serde_json::json!({
        "sample_size": sample_size, "patch_size": 2, "in_channels": 4, "hidden_size": 1152, "depth": depth,
        "num_heads": 16, "num_classes": 1000, "learn_sigma": true,
    });
    config["labels"] = (0..1000).map(|class| format!("class {class}")).collect();
    config["autoencoder"] = Value::Null;
    let config: ModelConfig = serde_json::from_value(config).expect("a model's configuration");
    Model::new(&config, &Device::flex())
}

fn config() -> Value {
    serde_json::json!({
        "name": "Tiny",
        "transformer": {
            "sample_size": 4, "patch_size": 2, "in_channels": 4, "hidden_size": 32, "depth": 2, "num_heads": 2,
            "num_classes": 3, "learn_sigma": false,
        },
        "scheduler": { "beta_schedule": "linear", "prediction_type": "v_prediction", "variance_type": "fixed_small" },
        "autoencoder": {
            "_class_name": "AutoencoderTiny",
            "in_channels": 1, "latent_channels": 4,
            "encoder_block_out_channels": [8, 8], "num_encoder_blocks": [1, 1],
            "decoder_block_out_channels": [8, 8], "num_decoder_blocks": [1, 1],
        },
        "latents": { "mean": [0.0, 0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0, 1.0] },
        "labels": ["one", "two", "three"],
    })
}

fn write_config(folder: &Path, config: Value) {
    let config: ModelConfig = serde_json::from_value(config).expect("a model's configuration");
    let mut model = Model::new(&config, &Device::flex());
    // A fresh transformer puts out zeros, whatever a device does wrong.
    model.dit = model.dit.map(&mut RandomWeights { stream: 0, deviation: 0.15 });
    model_dir::save(folder, &model, Dtype::F16).expect("a model's folder");
}

struct RandomWeights {
    stream: u64,
    deviation: f32,
}

impl ModuleMapper for RandomWeights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.stream += 1;
        let shape = param.lazy_shape();
        let numbers = gaussian(0, self.stream, shape.num_elements());
        let values: Vec<f32> = numbers.into_iter().map(|v| self.deviation * v).collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape.to_vec()), &param.lazy_device()))
    }
}
