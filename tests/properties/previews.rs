//! The linear picture of latents, which stands in where decoding is too slow or impossible.

use crate::support::{max_difference, random, tiny_config, tiny_model, values};
use ditscope_config::{ConfigError, LatentRgb};

#[test]
fn a_preview_is_the_linear_map_clamped() {
    let mut model = tiny_model();
    let rgb = LatentRgb {
        factors: vec![[0.3, -0.2, 0.1], [0.0, 0.5, -0.4], [2.0, 0.0, 0.25], [-0.1, 0.1, 0.2]],
        bias: [0.05, -0.1, 0.0],
    };
    model.config.latents.rgb = Some(rgb.clone());
    let x = random(5, [2, 4, 3, 5]);
    let preview = model.preview(x.clone());
    assert_eq!(preview.dims(), [2, 3, 3, 5]);
    let (x, preview) = (values(x), values(preview));
    let mut clamped = 0;
    for (i, ours) in preview.iter().enumerate() {
        let (picture, colour, place) = (i / 45, i / 15 % 3, i % 15);
        let sum = (0..4).map(|c| rgb.factors[c][colour] * x[picture * 60 + c * 15 + place]).sum::<f32>();
        let expected = (rgb.bias[colour] + sum).clamp(-1.0, 1.0);
        assert!((ours - expected).abs() < 1e-5, "{i}: {ours} and {expected}");
        clamped += usize::from(expected.abs() == 1.0);
    }
    assert!(clamped > 0, "nothing tests the clamp");
}

#[test]
fn without_a_map_the_first_channels_are_the_colours() {
    let model = tiny_model();
    let x = random(6, [1, 4, 4, 4]);
    assert_eq!(max_difference(model.preview(x.clone()), x.narrow(1, 0, 3).clamp(-1.0, 1.0)), 0.0);
    let mut gray = tiny_model();
    gray.config.transformer.in_channels = 2;
    assert_eq!(gray.preview(random(6, [1, 2, 4, 4])).dims(), [1, 1, 4, 4]);
}

#[test]
fn latents_that_nothing_decodes_are_shown_as_previews() {
    let mut model = tiny_model();
    (model.autoencoder, model.config.autoencoder) = (None, None);
    assert!(model.config.is_latents_only());
    assert_eq!((model.config.image_channels(), model.config.image_size()), (3, 4));
    let x = random(7, [1, 4, 4, 4]);
    assert_eq!(max_difference(model.decode(x.clone()), model.preview(x)), 0.0);
    // One channel, or three: these are pixels.
    for channels in [1, 3] {
        model.config.transformer.in_channels = channels;
        (model.config.latents.mean, model.config.latents.std) = (vec![0.5; channels], vec![0.25; channels]);
        assert!(!model.config.is_latents_only());
        assert_eq!(model.config.image_channels(), channels);
        let x = random(8, [1, channels, 4, 4]);
        let expected = (x.clone() * 0.25 + 0.5).clamp(-1.0, 1.0);
        assert!(max_difference(model.decode(x), expected) < 1e-6);
    }
}

#[test]
fn a_map_needs_a_row_for_each_channel() {
    let mut config = tiny_config();
    config.latents.rgb = Some(LatentRgb { factors: vec![[0.0; 3]; 3], bias: [0.0; 3] });
    let refused = config.validate().expect_err("three rows for four channels");
    assert!(matches!(&refused, ConfigError::Model(message) if message.contains("latents.rgb")), "{refused}");
}
