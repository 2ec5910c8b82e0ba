//! diffusers' decoders: `AutoencoderTiny` and `AutoencoderKL`.

use crate::support::{max_difference, random, tiny_config};
use crate::{Golden, TOLERANCE, load, read};
use burn::tensor::Device;
use ditscope_config::AutoencoderConfig;
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::generate::Model;
use ditscope_core::weights::Loader;
use ditscope_ops::Ops;

/// diffusers' own `config.json` and weights.
fn golden(name: &str) -> (AutoencoderConfig, Autoencoder) {
    let config: AutoencoderConfig = serde_json::from_slice(&read(&format!("{name}.json"))).expect("a configuration");
    config.validate().expect("a valid configuration");
    let fresh = Autoencoder::new(&config, &Device::flex());
    (config, load(fresh, &read(&format!("{name}.safetensors")), Loader::default()))
}

#[test]
fn both_decoders_match_diffusers() {
    for (name, scaling_factor, is_heavy) in [("taesd", 1.0, false), ("kl", 0.18215, true)] {
        let ((config, autoencoder), io) = (golden(name), Golden::read(&format!("{name}-io")));
        assert_eq!((config.scaling_factor(), config.is_heavy()), (scaling_factor, is_heavy), "{name}");
        let z = io.tensor::<4>("z");
        for autoencoder in [autoencoder.clone(), autoencoder.fused(Ops::of(&Device::flex()))] {
            let image = autoencoder.decode(z.clone());
            assert_eq!(image.dims()[3], z.dims()[3] * config.factor(), "{name}");
            io.assert_close("image", image, TOLERANCE, name);
        }
    }
}

#[test]
fn decoding_in_stages_gives_the_picture_at_once() {
    let (autoencoder_config, autoencoder) = golden("kl");
    let mut config = tiny_config();
    config.latents.mean = vec![0.1; 4];
    config.latents.std = vec![5.0; 4];
    config.autoencoder = Some(autoencoder_config);
    let mut model = Model::new(&config, &Device::flex());
    model.autoencoder = Some(autoencoder.clone());
    let x = random(3, [2, 4, 4, 4]);
    let whole = autoencoder.decode(x.clone() * 5.0 + 0.1).clamp(-1.0, 1.0);
    // In, residual block, attention, residual block; three times three residual blocks, twice upsampling; out.
    assert_eq!(model.num_decode_stages(), 1 + 3 + 3 * 3 + 2 + 1);
    let staged = (0..model.num_decode_stages()).fold(x.clone(), |x, stage| model.decode_stage(stage, x));
    assert_eq!(max_difference(staged, whole.clone()), 0.0);
    assert_eq!(max_difference(model.decode(x), whole), 0.0);
}
