//! Looking inside the transformer: it changes nothing, and what it shows is what happened.

use crate::support::{max_difference, random, random_model, tiny_config, values};
use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_config::{DitConfig, ModelConfig};
use ditscope_core::dit::Trace;
use ditscope_core::generate::{Model, latent_shape};
use ditscope_model_dir as model_dir;
use std::path::Path;

/// A tiny one with three blocks, and the one that is shipped.
fn models() -> [Model; 2] {
    let tiny = tiny_config();
    let tiny = ModelConfig { transformer: DitConfig { depth: 3, ..tiny.transformer.clone() }, ..tiny };
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/fashion");
    [random_model(&tiny), model_dir::load(&shipped, &Device::flex()).expect("the shipped model")]
}

/// Two pictures at different times, one of them without a class.
struct Given {
    x: Tensor<4>,
    t: Tensor<1>,
    y: Tensor<1, Int>,
}

impl Given {
    fn new(model: &Model) -> Self {
        let classes = vec![1i64, model.config.transformer.null_label() as i64];
        Self {
            x: random(4, latent_shape(model, 2)),
            t: Tensor::from_data(TensorData::new(vec![900.0f32, 20.0], [2]), &model.device),
            y: Tensor::from_data(TensorData::new(classes, [2]), &model.device),
        }
    }

    fn plain(&self, model: &Model) -> Tensor<4> {
        model.dit.forward(self.x.clone(), self.t.clone(), self.y.clone())
    }

    fn traced(&self, model: &Model, block: usize) -> (Tensor<4>, Trace) {
        model.dit.forward_traced(self.x.clone(), self.t.clone(), self.y.clone(), block)
    }
}

#[test]
fn a_traced_pass_puts_out_what_the_plain_one_does() {
    for model in models() {
        let given = Given::new(&model);
        let plain = given.plain(&model);
        for block in 0..model.config.transformer.depth {
            let difference = max_difference(given.traced(&model, block).0, plain.clone());
            assert!(difference <= 1e-6, "{}, block {block}: {difference:e}", model.config.name);
        }
    }
}

#[test]
fn attention_of_every_block_is_shares_that_sum_to_one() {
    for model in models() {
        let (given, dit) = (Given::new(&model), &model.config.transformer);
        let (tokens, mut seen) = (dit.num_tokens(), Vec::new());
        for block in 0..dit.depth {
            let attention = given.traced(&model, block).1.attention;
            assert_eq!(attention.dims(), [2, dit.num_heads, tokens, tokens]);
            let attention = values(attention);
            assert!(attention.iter().all(|share| (0.0..=1.0).contains(share)));
            for row in attention.chunks_exact(tokens) {
                let sum: f32 = row.iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            }
            assert!(!seen.contains(&attention), "block {block} shows another one's");
            seen.push(attention);
        }
    }
}

#[test]
fn token_norms_follow_the_tokens_through_the_blocks() {
    for model in models() {
        let (given, dit) = (Given::new(&model), &model.config.transformer);
        let norms = given.traced(&model, 0).1.token_norms;
        assert_eq!(norms.dims(), [2, dit.depth + 1, dit.num_tokens()]);
        // The first are those of the patches with their positions, which the model's parts give as well.
        let positions = ditscope_core::dit::pos_embed_2d(dit.hidden_size, dit.grid(), &model.device);
        let mut x = model.dit.x_embedder.forward(given.x.clone()) + positions;
        let condition = model.dit.condition(given.t.clone(), given.y.clone());
        for after in 0..=dit.depth {
            let expected = values(x.clone()).chunks_exact(dit.hidden_size).map(norm).collect::<Vec<_>>();
            let found = values(norms.clone().narrow(1, after, 1));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-4 * expected, "after {after}: {found} and {expected}");
            }
            if after < dit.depth {
                x = model.dit.blocks[after].forward(x, &condition);
            }
        }
    }
}

fn norm(token: &[f32]) -> f32 {
    token.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt() as f32
}

#[test]
fn modulation_is_known_without_latents() {
    for model in models() {
        let (given, dit) = (Given::new(&model), &model.config.transformer);
        let alone = model.dit.modulation(given.t.clone(), given.y.clone()).expect("adaLN");
        assert_eq!(alone.dims(), [2, dit.depth, 6]);
        assert_eq!(max_difference(alone.clone(), given.traced(&model, 0).1.modulation.expect("adaLN")), 0.0);
        // By hand, from the vectors of the last block.
        let c = model.dit.t_embedder.forward(given.t.clone()) + model.dit.y_embedder.forward(given.y.clone());
        let vectors = model.dit.blocks[dit.depth - 1].ada_ln.as_ref().expect("adaLN").vectors(c);
        assert_eq!(vectors.len(), 6);
        for (k, vector) in vectors.into_iter().enumerate() {
            let shown = values(alone.clone().narrow(1, dit.depth - 1, 1).narrow(2, k, 1));
            for (vector, shown) in values(vector).chunks_exact(dit.hidden_size).zip(shown) {
                let mean = vector.iter().map(|v| v.abs()).sum::<f32>() / dit.hidden_size as f32;
                assert!((mean - shown).abs() <= 1e-5 * mean.max(1.0), "vector {k}: {mean} and {shown}");
            }
        }
    }
}
