//! A small known forward pass, compared with known numbers.
//!
//! A GPU or browser that gets a kernel wrong often says nothing: its results are
//! just other numbers. So before a device is trusted, it computes tiny models with
//! fixed weights, and the results must be the stored ones.

use crate::autoencoder::{AutoencoderKl, AutoencoderTiny};
use crate::dit::Dit;
use crate::weights::int8::{GROUP, quantize_group};
use crate::weights::transpose;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use ditscope_config::{Conditioning, DitConfig, KlConfig, TinyConfig};
use ditscope_noise::gaussian;
use ditscope_ops::{Ops, int8};
use half::f16;

mod kernels;

pub use kernels::trusted;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// A transformer and the small decoder: every device.
    Plain,
    /// The same with linear weights that lie in f16 on the device: before weights are kept so.
    HalfWeights,
    /// The same with linear weights in 8 bits.
    Int8Weights,
    /// The KL decoder, with its group norms and its attention: before a model that has one.
    KlDecoder,
}

impl Check {
    /// Largest deviation that is taken for rounding; wrong kernels are off by far more.
    fn tolerance(self) -> f32 {
        match self {
            Self::Plain | Self::Int8Weights | Self::KlDecoder => 2e-3,
            Self::HalfWeights => 5e-3,
        }
    }

    fn expected(self) -> &'static [f32; 16] {
        match self {
            Self::Plain | Self::HalfWeights => &EXPECTED,
            Self::Int8Weights => &EXPECTED_INT8,
            Self::KlDecoder => &EXPECTED_KL,
        }
    }
}

/// Every 16th number of the transformer's output and every 16th of the decoder's.
#[rustfmt::skip]
const EXPECTED: [f32; 16] = [
    0.283_921_87, 0.979_990_4, 0.953_000_55, -1.221_591_8, 0.577_980_6, 0.206_002_47, 0.646_411_8, -0.968_423_84,
    -1.341_090_4, -1.140_145_8, -1.073_621_6, -2.050_834_7, -1.410_711_5, -1.461_405_5, -0.958_066_7, -1.731_597_5,
];

/// The same of weights that were rounded to 8 bits.
#[rustfmt::skip]
const EXPECTED_INT8: [f32; 16] = [
    0.281_630_34, 0.983_767_87, 0.958_366_93, -1.226_007, 0.585_455_9, 0.221_261_34, 0.644_752_26, -0.966_969_85,
    -1.332_370_9, -1.131_723_9, -1.070_409_4, -2.047_039, -1.407_561_1, -1.457_992, -0.962_769_45, -1.735_953_7,
];

/// Every 12th number of the KL decoder's output.
#[rustfmt::skip]
const EXPECTED_KL: [f32; 16] = [
    -0.967_098_24, 0.443_361_9, -0.113_996_56, 0.505_497_04, -0.100_623_205, 0.837_912_56, -0.581_280_9, -0.506_615_34,
    -0.498_437_8, 0.110_969_39, -0.417_772_6, 1.176_410_8, -0.167_770_62, 0.432_447_34, -0.316_306_98, 0.438_713_94,
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

/// Computes known forward passes on `device`, with these kernels of it, and compares.
///
/// # Errors
/// [`SelfCheckError`] with the first number that is off, or what the device said.
pub async fn check(device: &Device, what: Check, ops: Ops) -> Result<(), SelfCheckError> {
    let noise: Vec<u32> = gaussian(7, 1, 4).into_iter().map(f32::to_bits).collect();
    if noise != EXPECTED_NOISE {
        return Err(SelfCheckError::Noise(noise));
    }
    let actual = compute(device, what, ops).await?;
    for (index, (actual, expected)) in actual.into_iter().zip(*what.expected()).enumerate() {
        // Written so that NaN is a mismatch.
        let close = (actual - expected).abs() <= what.tolerance() * expected.abs().max(1.0);
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
pub async fn compute(device: &Device, what: Check, ops: Ops) -> Result<Vec<f32>, SelfCheckError> {
    let outputs = match what {
        Check::Plain => transformer_and_decoder(device, Linear::F32, ops),
        Check::HalfWeights => transformer_and_decoder(device, Linear::F16, ops),
        Check::Int8Weights if ops.reads_int8() => transformer_and_decoder(device, Linear::Int8, ops),
        Check::Int8Weights => transformer_and_decoder(device, Linear::Rounded, ops),
        Check::KlDecoder => vec![(decode(&kl_decoder(device), device), 12)],
    };
    let failed = |error: String| SelfCheckError::Device(error);
    let mut numbers = Vec::new();
    for (tensor, stride) in outputs {
        let data = tensor.into_data_async().await.map_err(|e| failed(format!("{e:?}")))?;
        let values = data.convert::<f32>().try_into_vec::<f32>().map_err(|e| failed(format!("{e:?}")))?;
        numbers.extend(values.into_iter().step_by(stride));
    }
    Ok(numbers)
}

/// Outputs, and of each which numbers count.
fn transformer_and_decoder(device: &Device, linear: Linear, ops: Ops) -> Vec<(Tensor<4>, usize)> {
    let dit = DitConfig {
        sample_size: 4.into(),
        patch_size: 2,
        in_channels: 4,
        hidden_size: 32,
        depth: 2,
        num_heads: 2,
        mlp_ratio: 4,
        num_classes: 3,
        conditioning: Conditioning::AdaLnZero,
        learn_sigma: false,
        downscale_freq_shift: 0,
        mlp_norm_eps: DitConfig::NORM_EPS,
        qk_norm: false,
        block_embedders: false,
        has_null_label: true,
    };
    let autoencoder = TinyConfig {
        in_channels: 1,
        latent_channels: 4,
        patch_size: 1,
        encoder_block_out_channels: vec![8, 8],
        num_encoder_blocks: vec![1, 1],
        decoder_block_out_channels: vec![8, 8],
        num_decoder_blocks: vec![1, 1],
        latent_magnitude: 3.0,
    };
    let dit = Dit::new(&dit, device).map(&mut FixedWeights::new(linear)).fused(ops);
    let autoencoder = AutoencoderTiny::new(&autoencoder, device).map(&mut FixedWeights::new(Linear::F32)).fused(ops);
    let x = Tensor::from_data(TensorData::new(gaussian(1, 0, 2 * 64), [2, 4, 4, 4]), device);
    let t = Tensor::from_data(TensorData::new(vec![500.0f32, 7.0], [2]), device);
    let y = Tensor::from_data(TensorData::new(vec![1i64, 3], [2]), device);
    let eps = dit.forward(x, t, y); // [2, 4, 4, 4]
    let image = autoencoder.decode(eps.clone()); // [2, 1, 8, 8]
    vec![(eps, 16), (image, 16)]
}

fn kl_decoder(device: &Device) -> AutoencoderKl {
    let config = KlConfig {
        out_channels: 3,
        latent_channels: 4,
        block_out_channels: vec![8, 16],
        layers_per_block: 1,
        norm_num_groups: 4,
        scaling_factor: 1.0,
        mid_block_add_attention: true,
        use_post_quant_conv: true,
    };
    let weights = FixedWeights { scale: 0.4, ..FixedWeights::new(Linear::F32) };
    AutoencoderKl::new(&config, device).map(&mut { weights })
}

/// `[1, 3, 8, 8]`
fn decode(decoder: &AutoencoderKl, device: &Device) -> Tensor<4> {
    decoder.decode(Tensor::from_data(TensorData::new(gaussian(2, 0, 64), [1, 4, 4, 4]), device))
}

/// What linear weights are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Linear {
    F32,
    F16,
    Int8,
    /// To 8 bits, in f32.
    Rounded,
}

impl Linear {
    /// # Shapes
    /// - `values`, result: `[d_input, d_output]`
    fn data(self, values: Vec<f32>, shape: [usize; 2], device: &Device) -> TensorData {
        match self {
            Self::F32 => TensorData::new(values, shape),
            Self::F16 => TensorData::new(values.into_iter().map(f16::from_f32).collect(), shape),
            Self::Int8 | Self::Rounded => {
                let (numbers, scales) = quantized(&values, shape);
                let stored = int8(&numbers, &scales, shape, GROUP as u8, device);
                if let Some(stored) = stored.filter(|_| self == Self::Int8) {
                    return stored;
                }
                let [d_input, d_output] = shape;
                let scale = |i: usize| scales[i / d_input * d_input.div_ceil(GROUP) + i % d_input / GROUP];
                let rounded: Vec<f32> = numbers.iter().enumerate().map(|(i, q)| scale(i) * f32::from(*q)).collect();
                TensorData::new(transpose(&rounded, [d_output, d_input], |v| v), shape)
            }
        }
    }
}

/// Numbers in 8 bits `[d_output, d_input]` and their scales `[d_output, ⌈d_input/GROUP⌉]`, of values `[d_input, d_output]`.
fn quantized(values: &[f32], [d_input, d_output]: [usize; 2]) -> (Vec<i8>, Vec<f32>) {
    let (mut bytes, mut scales) = (Vec::new(), Vec::new());
    for row in transpose(values, [d_input, d_output], |v| v).chunks_exact(d_input) {
        row.chunks(GROUP).for_each(|group| scales.push(quantize_group(group, &mut bytes).to_f32()));
    }
    (bytes.into_iter().map(|byte| byte as i8).collect(), scales)
}

/// Gives every parameter fixed pseudo-random values, each from a stream of its own.
struct FixedWeights {
    stream: u64,
    /// Their standard deviation.
    scale: f32,
    /// How the weights of linear layers lie on the device.
    linear: Linear,
    path: Vec<(String, String)>,
}

impl FixedWeights {
    fn new(linear: Linear) -> Self {
        Self { stream: 0, scale: 0.15, linear, path: Vec::new() }
    }

    fn is_linear_weight(&self) -> bool {
        self.path.last().is_some_and(|(name, container)| name == "weight" && container.ends_with(":Linear"))
    }
}

impl ModuleMapper for FixedWeights {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.push((name.to_owned(), container_type.to_owned()));
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (shape, device) = (param.lazy_shape(), param.lazy_device());
        let values: Vec<f32> =
            gaussian(0, self.stream, shape.num_elements()).into_iter().map(|v| self.scale * v).collect();
        self.stream += 1;
        let data = match shape.dims::<D>()[..] {
            [d_input, d_output] if self.is_linear_weight() => self.linear.data(values, [d_input, d_output], &device),
            _ => TensorData::new(values, shape.to_vec()),
        };
        let tensor = match data.dtype() {
            DType::F16 => Tensor::from_data(data, (&device, DType::F16)),
            _ => Tensor::from_data(data, &device),
        };
        Param::from_tensor(tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(what: Check) -> Vec<f32> {
        pollster::block_on(compute(&Device::flex(), what, Ops::PLAIN)).expect("computed")
    }

    #[test]
    fn the_stored_numbers_are_what_the_reference_device_computes() {
        for what in [Check::Plain, Check::Int8Weights, Check::KlDecoder] {
            let numbers = computed(what);
            assert_eq!(numbers.len(), what.expected().len());
            for (actual, expected) in numbers.iter().zip(what.expected()) {
                assert!((actual - expected).abs() < 1e-4, "{what:?}: {numbers:?}");
            }
            assert!(numbers.iter().any(|n| n.abs() > 0.1), "a check of zeros would see nothing: {numbers:?}");
        }
    }

    #[test]
    fn a_kl_decoder_whose_attention_does_nothing_is_seen() {
        let device = Device::flex();
        let mut decoder = kl_decoder(&device);
        let whole = decode(&decoder, &device);
        decoder.decoder.mid_block.attentions.clear();
        let without = decode(&decoder, &device);
        let difference = (whole - without).abs().max().into_scalar::<f32>();
        assert!(difference > 20.0 * Check::KlDecoder.tolerance(), "{difference}");
    }

    #[test]
    fn weights_of_fewer_bits_pass_and_are_not_the_same_as_in_f32() {
        assert_eq!(pollster::block_on(check(&Device::flex(), Check::HalfWeights, Ops::PLAIN)), Ok(()));
        assert_ne!(computed(Check::HalfWeights), computed(Check::Plain));
        assert_ne!(computed(Check::Int8Weights), computed(Check::Plain));
    }
}
