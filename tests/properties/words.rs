//! Models whose latents are rows of letters: grids that are not square, the run, and the picture.

use crate::support::{max_difference, random, random_model, tiny_config, values};
use burn::tensor::Device;
use ditscope_config::{ConfigError, ModelConfig, SampleSize, TextConfig};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::dit::{PatchEmbed, pos_embed_2d, unpatchify};
use ditscope_core::generate::{Noise, Request, Run, latent_shape};
use ditscope_ops::Ops;

/// Words of five letters of two bits.
fn words() -> ModelConfig {
    let mut config = tiny_config();
    config.autoencoder = None;
    config.text = Some(TextConfig { alphabet: " abc".into() });
    (config.transformer.in_channels, config.transformer.patch_size) = (2, 1);
    config.transformer.sample_size = SampleSize { height: 1, width: 5 };
    (config.latents.mean, config.latents.std) = (vec![0.0; 2], vec![1.0; 2]);
    config
}

#[test]
fn a_run_of_words_ends_in_pictures_of_its_latents() {
    let model = random_model(&words());
    assert_eq!((latent_shape(&model, 3), model.config.image_shape()), ([3, 2, 1, 5], [16, 34]));
    assert!(!model.config.is_latents_only() && !model.config.is_pixels());
    let request = Request {
        classes: vec![0, 1, 2],
        noise: Noise::Seeded(vec![1, 2, 3]),
        guidance_scales: vec![2.0],
        guidance_channels: None,
        sampler: SamplerConfig::new(model.config.defaults.sampler, 4),
        start: None,
    };
    let mut run = Run::new(&model, request).expect("a request");
    let outline = run.outline();
    assert_eq!((outline.latent_shape, outline.image_shape), ([2, 1, 5], [16, 34]));
    while !run.is_done() {
        run.step().expect("a step");
    }
    let pictures = model.decode(run.x_t().clone());
    assert_eq!(pictures.dims(), [3, 1, 16, 34]);
    assert!(values(pictures.clone()).iter().all(|pixel| (-1.0..=1.0).contains(pixel)));
    assert!(matches!(model.encode(pictures), Err(ConfigError::Model(_))), "nothing makes letters of pictures");
}

#[test]
fn a_row_of_tokens_is_computed_alike_by_kernels_and_plainly() {
    let model = random_model(&words());
    let x = random(4, latent_shape(&model, 2));
    let (t, y) =
        (random(5, [1, 1, 1, 2]).reshape([2]).abs() * 100.0, burn::tensor::Tensor::from_ints([0, 2], &Device::flex()));
    let plain = model.dit.forward(x.clone(), t.clone(), y.clone());
    let fused = model.clone().fused(Ops::of(&Device::flex()));
    assert!(max_difference(fused.dit.forward(x, t, y), plain) < 1e-4);
}

#[test]
fn patches_of_a_grid_that_is_no_square_go_back_where_they_were() {
    let mut config = words().transformer;
    (config.in_channels, config.patch_size, config.hidden_size) = (3, 2, 12);
    config.sample_size = SampleSize { height: 4, width: 6 };
    assert_eq!((config.grid(), config.num_tokens()), ([2, 3], 6));
    let device = Device::flex();
    // Projected with the identity, channel fastest in a patch as the final layer has it.
    let mut embed = PatchEmbed::new(&config, &device);
    embed.proj.weight = burn::module::Param::from_tensor(burn::tensor::Tensor::eye(12, &device));
    let x = random(6, [2, 3, 4, 6]);
    let patches = embed.forward(x.clone()); // [2, 6, C·p·p]
    let channel_last = patches.reshape([2, 6, 3, 4]).swap_dims(2, 3).reshape([2, 6, 12]);
    assert_eq!(max_difference(unpatchify(channel_last, 2, [2, 3]), x), 0.0);
}

#[test]
fn positions_of_a_row_are_those_of_the_first_row_of_a_square() {
    let device = Device::flex();
    let (row, square) = (pos_embed_2d(32, [1, 5], &device), pos_embed_2d(32, [5, 5], &device));
    assert_eq!(values(row), values(square)[..5 * 32]);
}

#[test]
fn only_words_may_be_a_row() {
    let config = words();
    config.validate().expect("words");
    let picture = ModelConfig { text: None, ..config };
    let error = picture.validate().expect_err("no words").to_string();
    assert!(error.contains("sample_size 1x5"), "{error}");
}
