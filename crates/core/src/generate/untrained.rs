//! A model with random weights, made piece by piece.

use super::model::Model;
use crate::weights::RandomWeights;

impl Model {
    /// Pieces of [`Self::randomized`]: a browser that is to stay alive waits for the device between two of them.
    pub fn num_pieces(&self) -> usize {
        self.dit.blocks.len() + 1
    }

    /// With random weights in one piece of the transformer: a block, or after them all that is not in a block.
    #[must_use]
    pub fn randomized(mut self, piece: usize, weights: &mut RandomWeights) -> Self {
        if piece < self.dit.blocks.len() {
            let block = self.dit.blocks.remove(piece);
            self.dit.blocks.insert(piece, weights.fill(block));
            return self;
        }
        self.dit.x_embedder = weights.fill(self.dit.x_embedder);
        self.dit.t_embedder = weights.fill(self.dit.t_embedder);
        self.dit.y_embedder = weights.fill(self.dit.y_embedder);
        self.dit.final_layer = weights.fill(self.dit.final_layer);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};
    use ditscope_config::{DitConfig, ModelConfig};

    fn made(keep_f16: bool) -> Model {
        let small = DitConfig { hidden_size: 32, num_heads: 2, depth: 3, num_classes: 5, ..official() };
        let config = ModelConfig::untrained("Untrained", small).expect("a configuration");
        let device = Device::flex();
        let (model, mut weights) = (Model::new(&config, &device), RandomWeights::new(&device, keep_f16));
        (0..model.num_pieces()).fold(model, |model, piece| model.randomized(piece, &mut weights))
    }

    fn official() -> DitConfig {
        DitConfig::official("XL", 8).expect("a preset")
    }

    #[test]
    fn every_parameter_is_random() {
        let model = made(false);
        let named = model.tensors();
        assert_eq!(model.num_params() as u64, model.config.transformer.num_params());
        for tensor in &named {
            let mean_square = tensor.values.iter().map(|v| v * v).sum::<f32>() / tensor.values.len() as f32;
            assert!((0.005..0.05).contains(&mean_square.sqrt()), "{}: {mean_square}", tensor.name);
        }
    }

    #[test]
    fn only_linear_weights_are_f16_where_that_is_wanted() {
        let model = made(true);
        let block = &model.dit.blocks[1];
        let types = (block.attn.qkv.weight.val().dtype(), block.attn.qkv.bias.val().dtype());
        assert_eq!(types, (DType::F16, DType::F32));
        assert_eq!(made(false).dit.blocks[1].attn.qkv.weight.val().dtype(), DType::F32);
    }
}
