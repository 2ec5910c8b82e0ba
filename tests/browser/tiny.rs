//! A model with random weights, small enough for a GPU in software.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use ditscope::config::ModelConfig;
use ditscope::diffusion::noise::gaussian;
use ditscope::generate::Model;
use ditscope::native::model_dir;
use ditscope::weights::Dtype;
use std::path::Path;

/// Writes the model's folder. It predicts v: from ε, x̂0 of the first steps would be a hundred times
/// any rounding, and no two devices would agree.
pub fn write(folder: &Path) {
    let config: ModelConfig = serde_json::from_value(serde_json::json!({
        "name": "Tiny",
        "transformer": {
            "sample_size": 4, "patch_size": 2, "in_channels": 4, "hidden_size": 32, "depth": 2, "num_heads": 2,
            "num_classes": 3, "learn_sigma": false,
        },
        "scheduler": { "beta_schedule": "linear", "prediction_type": "v_prediction", "variance_type": "fixed_small" },
        "autoencoder": {
            "in_channels": 1, "latent_channels": 4,
            "encoder_block_out_channels": [8, 8], "num_encoder_blocks": [1, 1],
            "decoder_block_out_channels": [8, 8], "num_decoder_blocks": [1, 1],
        },
        "latents": { "mean": [0.0, 0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0, 1.0] },
        "labels": ["one", "two", "three"],
    }))
    .expect("a model's configuration");
    let mut model = Model::new(&config, &Device::flex());
    // A fresh transformer puts out zeros, whatever a device does wrong.
    model.dit = model.dit.map(&mut RandomWeights { stream: 0 });
    model_dir::save(folder, &model, Dtype::F16).expect("a model's folder");
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
