//! The TAESD family of autoencoders: 3x3 convolutions, ReLU, nearest upsampling.
//!
//! The layers stand in the same flat list as in diffusers' `AutoencoderTiny`
//! (`encoder.layers.{i}`, `decoder.layers.{i}`), so the weights carry its names.
//! Unlike there, every stage may have a width of its own, and squares of pixels may stand as channels
//! outside of the first and the last stage.

use burn::module::{Initializer, Module};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use ditscope_config::TinyConfig;
use ditscope_ops::{Filter, Filters, Ops, Prepared, plain};
use std::ops::Range;

/// Encoder and decoder. Pictures are in [−1, 1].
#[derive(Module, Debug)]
pub struct AutoencoderTiny {
    pub encoder: Coder,
    pub decoder: Coder,
    latent_magnitude: f64,
    patch_size: usize,
}

/// A flat list of layers, as diffusers has it.
#[derive(Module, Debug)]
pub struct Coder {
    pub layers: Vec<Layer>,
    steps: Prepared<Vec<Step>>,
}

/// Layers that one kernel does together.
#[derive(Debug, Clone)]
struct Step {
    layers: Range<usize>,
    /// None for layers that no kernel is there for.
    filters: Option<Filters>,
}

#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a handful per model; boxing would lengthen every parameter path")]
pub enum Layer {
    Conv(Conv2d),
    Block(TinyBlock),
    Relu(Marker),
    Upsample(Marker),
}

/// A layer without parameters.
#[derive(Module, Debug)]
pub struct Marker {}

/// `relu(conv(x) + skip(x))` with three convolutions.
#[derive(Module, Debug)]
pub struct TinyBlock {
    pub conv_0: Conv2d,
    pub conv_2: Conv2d,
    pub conv_4: Conv2d,
    filters: Prepared<[Filters; 3]>,
}

impl AutoencoderTiny {
    pub fn new(config: &TinyConfig, device: &Device) -> Self {
        Self {
            encoder: Coder::new(encoder_layers(config, device)),
            decoder: Coder::new(decoder_layers(config, device)),
            latent_magnitude: config.latent_magnitude,
            patch_size: config.patch_size,
        }
    }

    /// The same network, computed with a device's kernels: for one that is loaded and is to run.
    #[must_use]
    pub fn fused(self, ops: Ops) -> Self {
        Self { encoder: self.encoder.fused(ops), decoder: self.decoder.fused(ops), ..self }
    }

    /// # Shapes
    /// - `image`: `[N, C_image, H, W]` in [−1, 1]
    /// - result: `[N, C_latent, H/f, W/f]`
    ///
    /// # Panics
    /// When the configuration has no encoder.
    pub fn encode(&self, image: Tensor<4>) -> Tensor<4> {
        assert!(!self.encoder.layers.is_empty(), "this autoencoder has no encoder");
        self.encoder.forward(pixel_unshuffle((image + 1.0) / 2.0, self.patch_size))
    }

    /// # Shapes
    /// - `z`: `[N, C_latent, h, w]`
    /// - result: `[N, C_image, h·f, w·f]`, about [−1, 1] (not clamped)
    pub fn decode(&self, z: Tensor<4>) -> Tensor<4> {
        let z = (z / self.latent_magnitude).tanh() * self.latent_magnitude;
        pixel_shuffle(self.decoder.forward(z), self.patch_size) * 2.0 - 1.0
    }
}

impl Coder {
    fn new(layers: Vec<Layer>) -> Self {
        Self { layers, steps: Prepared::NOTHING }
    }

    fn fused(mut self, ops: Ops) -> Self {
        for layer in &mut self.layers {
            if let Layer::Block(block) = layer {
                block.prepare(ops);
            }
        }
        let (mut steps, mut rest) = (Vec::new(), &self.layers[..]);
        while !rest.is_empty() {
            let (taken, filters) = first_step(rest, ops);
            let start = self.layers.len() - rest.len();
            steps.push(Step { layers: start..start + taken, filters });
            rest = &rest[taken..];
        }
        Self { layers: self.layers, steps: Some(steps).into() }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let plain = |layers: &[Layer], x| layers.iter().fold(x, |x, layer| layer.forward(x));
        let Some(steps) = self.steps.get() else { return plain(&self.layers, x) };
        steps.iter().fold(x, |x, step| {
            let fused = step.filters.as_ref().and_then(|filters| filters.apply(&x, None));
            fused.unwrap_or_else(|| plain(&self.layers[step.layers.clone()], x))
        })
    }
}

/// How many of the layers can be done first, and with what.
fn first_step(layers: &[Layer], ops: Ops) -> (usize, Option<Filters>) {
    let (doubled, conv, after) = match layers {
        [Layer::Upsample(_), Layer::Conv(conv), after @ ..] => (true, conv, after),
        [Layer::Conv(conv), after @ ..] => (false, conv, after),
        _ => return (1, None),
    };
    let relu = matches!(after, [Layer::Relu(_), ..]);
    match filters(conv, Filter { doubled, relu }, ops) {
        Some(filters) => (layers.len() - after.len() + usize::from(relu), Some(filters)),
        None => (1, None),
    }
}

fn filters(conv: &Conv2d, filter: Filter, ops: Ops) -> Option<Filters> {
    let bias = conv.bias.as_ref().map(|bias| bias.val());
    (conv.stride == [1, 1]).then(|| ops.filter(&conv.weight.val(), bias.as_ref(), filter))?
}

impl Layer {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(conv) => conv.forward(x),
            Self::Block(block) => block.forward(x),
            Self::Relu(_) => relu(x),
            Self::Upsample(_) => plain::double(x),
        }
    }
}

impl TinyBlock {
    fn new(width: usize, device: &Device) -> Self {
        let conv = || conv3x3(width, width, 1, true, device);
        Self { conv_0: conv(), conv_2: conv(), conv_4: conv(), filters: Prepared::NOTHING }
    }

    fn prepare(&mut self, ops: Ops) {
        let all = [&self.conv_0, &self.conv_2, &self.conv_4];
        let [a, b, c] = all.map(|conv| filters(conv, Filter { doubled: false, relu: true }, ops));
        self.filters = a.zip(b).zip(c).map(|((a, b), c)| [a, b, c]).into();
    }

    fn fused(&self, x: &Tensor<4>) -> Option<Tensor<4>> {
        let [a, b, c] = self.filters.get()?;
        c.apply(&b.apply(&a.apply(x, None)?, None)?, Some(x))
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if let Some(y) = self.fused(&x) {
            return y;
        }
        let y = relu(self.conv_0.forward(x.clone()));
        let y = relu(self.conv_2.forward(y));
        relu(self.conv_4.forward(y) + x)
    }
}

/// Squares of `p`x`p` pixels become channels, in the order of PyTorch's `PixelUnshuffle`.
///
/// # Shapes
/// - `x`: `[N, C, H, W]`; result: `[N, C·p², H/p, W/p]`
fn pixel_unshuffle(x: Tensor<4>, p: usize) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    if p == 1 {
        return x;
    }
    x.reshape([n, c, h / p, p, w / p, p]).permute([0, 1, 3, 5, 2, 4]).reshape([n, c * p * p, h / p, w / p])
}

/// The way back.
fn pixel_shuffle(x: Tensor<4>, p: usize) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    if p == 1 {
        return x;
    }
    let c = c / (p * p);
    x.reshape([n, c, p, p, h, w]).permute([0, 1, 4, 2, 5, 3]).reshape([n, c, h * p, w * p])
}

fn encoder_layers(config: &TinyConfig, device: &Device) -> Vec<Layer> {
    let mut layers = Vec::new();
    if !config.has_encoder() {
        return layers;
    }
    let mut width = config.patch_channels();
    for (stage, (&next, &blocks)) in
        config.encoder_block_out_channels.iter().zip(&config.num_encoder_blocks).enumerate()
    {
        let first = stage == 0;
        layers.push(Layer::Conv(conv3x3(width, next, if first { 1 } else { 2 }, first, device)));
        layers.extend((0..blocks).map(|_| Layer::Block(TinyBlock::new(next, device))));
        width = next;
    }
    layers.push(Layer::Conv(conv3x3(width, config.latent_channels, 1, true, device)));
    layers
}

fn decoder_layers(config: &TinyConfig, device: &Device) -> Vec<Layer> {
    let widths = &config.decoder_block_out_channels;
    let mut layers =
        vec![Layer::Conv(conv3x3(config.latent_channels, widths[0], 1, true, device)), Layer::Relu(Marker {})];
    for (stage, (&width, &blocks)) in widths.iter().zip(&config.num_decoder_blocks).enumerate() {
        layers.extend((0..blocks).map(|_| Layer::Block(TinyBlock::new(width, device))));
        match widths.get(stage + 1) {
            Some(&next) => {
                layers.push(Layer::Upsample(Marker {}));
                layers.push(Layer::Conv(conv3x3(width, next, 1, false, device)));
            }
            None => layers.push(Layer::Conv(conv3x3(width, config.patch_channels(), 1, true, device))),
        }
    }
    layers
}

fn conv3x3(from: usize, to: usize, stride: usize, bias: bool, device: &Device) -> Conv2d {
    Conv2dConfig::new([from, to], [3, 3])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_bias(bias)
        .with_initializer(Initializer::KaimingUniform { gain: 1.0 / 3f64.sqrt(), fan_out_only: false })
        .init(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    /// What PyTorch's `PixelUnshuffle(2)` makes of a 2x4 picture, and that the way back is the way back.
    #[test]
    fn squares_become_channels_and_pixels_again() {
        let device = Device::flex();
        let x = Tensor::<4>::from_data(TensorData::new((0..8).map(|v| v as f32).collect(), [1, 1, 2, 4]), &device);
        let channels = pixel_unshuffle(x.clone(), 2);
        assert_eq!(channels.dims(), [1, 4, 1, 2]);
        let values = channels.clone().into_data().try_into_vec::<f32>().expect("f32");
        assert_eq!(values, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
        assert_eq!(pixel_shuffle(channels, 2).into_data(), x.into_data());
    }

    #[test]
    fn the_factor_counts_the_squares() {
        let config = TinyConfig {
            in_channels: 3,
            latent_channels: 4,
            patch_size: 2,
            encoder_block_out_channels: vec![8, 8],
            num_encoder_blocks: vec![0, 1],
            decoder_block_out_channels: vec![8, 8],
            num_decoder_blocks: vec![1, 0],
            latent_magnitude: 3.0,
        };
        let device = Device::flex();
        let autoencoder = AutoencoderTiny::new(&config, &device);
        let z = autoencoder.encode(Tensor::zeros([2, 3, 16, 16], &device));
        assert_eq!(z.dims(), [2, 4, 4, 4]);
        assert_eq!(autoencoder.decode(z).dims(), [2, 3, 16, 16]);
        assert_eq!(ditscope_config::AutoencoderConfig::Tiny(config).factor(), 4);
    }
}
