//! A small known forward pass, compared with known numbers.
//!
//! A GPU or browser that gets a kernel wrong often says nothing: its results are
//! just other numbers. So before a device is trusted, it computes a tiny DiT and a
//! tiny decoder with fixed weights, and the results must be the stored ones.

use crate::autoencoder::AutoencoderTiny;
use crate::config::{AutoencoderConfig, DitConfig};
use crate::diffusion::noise::gaussian;
use crate::dit::Dit;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};

/// Largest deviation that is taken for rounding; wrong kernels are off by far more.
const TOLERANCE: f32 = 2e-3;
/// Every 16th number of the transformer's output and every 16th of the decoder's.
#[rustfmt::skip]
const EXPECTED: [f32; 16] = [
    0.283_921_87, 0.979_990_4, 0.953_000_55, -1.221_591_8, 0.577_980_6, 0.206_002_47, 0.646_411_8, -0.968_423_84,
    -1.341_090_4, -1.140_145_8, -1.073_621_6, -2.050_834_7, -1.410_711_5, -1.461_405_5, -0.958_066_7, -1.731_597_5,
];

/// Bits of `gaussian(7, 1, 4)`: a seed must give the same picture on every machine.
const EXPECTED_NOISE: [u32; 4] = [0x4046_d72a, 0x3e35_2130, 0xbfc9_83fa, 0xbe8f_d805];

/// What a device got wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SelfCheckError {
    #[error(
        "the self-check gave {actual} where {expected} is right (number {index}): this device computes wrong results"
    )]
    Mismatch { index: usize, expected: f32, actual: f32 },
    #[error("the noise of a known seed has other bits here ({0:08x?}): pictures could not be reproduced")]
    Noise(Vec<u32>),
    #[error("the self-check could not be computed: {0}")]
    Device(String),
}

/// Computes the known forward passes on `device` and compares.
///
/// # Errors
/// [`SelfCheckError`] with the first number that is off, or what the device said.
pub async fn check(device: &Device) -> Result<(), SelfCheckError> {
    let noise: Vec<u32> = gaussian(7, 1, 4).into_iter().map(f32::to_bits).collect();
    if noise != EXPECTED_NOISE {
        return Err(SelfCheckError::Noise(noise));
    }
    let actual = compute(device).await?;
    for (index, (actual, expected)) in actual.into_iter().zip(EXPECTED).enumerate() {
        // Written so that NaN is a mismatch.
        let close = (actual - expected).abs() <= TOLERANCE * expected.abs().max(1.0);
        if !close {
            return Err(SelfCheckError::Mismatch { index, expected, actual });
        }
    }
    Ok(())
}

/// The numbers that [`check`] compares.
///
/// # Errors
/// [`SelfCheckError::Device`] when the results cannot be read.
pub async fn compute(device: &Device) -> Result<Vec<f32>, SelfCheckError> {
    let dit = DitConfig {
        sample_size: 4,
        patch_size: 2,
        in_channels: 4,
        hidden_size: 32,
        depth: 2,
        num_heads: 2,
        mlp_ratio: 4,
        num_classes: 3,
        learn_sigma: false,
    };
    let autoencoder = AutoencoderConfig {
        in_channels: 1,
        latent_channels: 4,
        encoder_block_out_channels: vec![8, 8],
        num_encoder_blocks: vec![1, 1],
        decoder_block_out_channels: vec![8, 8],
        num_decoder_blocks: vec![1, 1],
        latent_magnitude: 3.0,
    };
    let dit = Dit::new(&dit, device).map(&mut FixedWeights::default());
    let autoencoder = AutoencoderTiny::new(&autoencoder, device).map(&mut FixedWeights::default());
    let x = Tensor::from_data(TensorData::new(gaussian(1, 0, 2 * 64), [2, 4, 4, 4]), device);
    let t = Tensor::from_data(TensorData::new(vec![500.0f32, 7.0], [2]), device);
    let y = Tensor::from_data(TensorData::new(vec![1i64, 3], [2]), device);
    let eps = dit.forward(x, t, y); // [2, 4, 4, 4]
    let image = autoencoder.decode(eps.clone()); // [2, 1, 8, 8]
    let mut numbers = Vec::new();
    for tensor in [eps, image] {
        let data = tensor.into_data_async().await.map_err(|e| SelfCheckError::Device(format!("{e:?}")))?;
        let values =
            data.convert::<f32>().try_into_vec::<f32>().map_err(|e| SelfCheckError::Device(format!("{e:?}")))?;
        numbers.extend(values.into_iter().step_by(16));
    }
    Ok(numbers)
}

/// Gives every parameter fixed pseudo-random values, each from a stream of its own.
#[derive(Default)]
struct FixedWeights {
    stream: u64,
}

impl ModuleMapper for FixedWeights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.lazy_shape();
        let len = shape.num_elements();
        let values: Vec<f32> = gaussian(0, self.stream, len).into_iter().map(|v| 0.15 * v).collect();
        self.stream += 1;
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape.to_vec()), &param.lazy_device()))
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;

    #[test]
    fn the_stored_numbers_are_what_the_reference_device_computes() {
        let numbers = pollster::block_on(compute(&Device::flex())).expect("computed");
        assert_eq!(numbers.len(), EXPECTED.len());
        for (actual, expected) in numbers.iter().zip(EXPECTED) {
            assert!((actual - expected).abs() < 1e-4, "{numbers:?}");
        }
        assert!(numbers.iter().any(|n| n.abs() > 0.1), "a check of zeros would see nothing: {numbers:?}");
    }
}
