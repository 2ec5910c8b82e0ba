//! Stable Diffusion's decoder, `AutoencoderKL` (Rombach et al. 2022, arXiv:2112.10752).
//!
//! The modules carry diffusers' names (`decoder.mid_block.resnets.0.conv1`, …). Decoding is cut
//! into [`AutoencoderKl::num_stages`] stages, so that a caller can breathe between two of them.

use super::strips::conv_in_strips;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{silu, softmax};
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor};
use ditscope_config::KlConfig;

const GROUP_NORM_EPS: f64 = 1e-6;
/// Numbers in one piece of attention scores: 64 MiB.
const MOST_SCORES: usize = 16 << 20;

/// The decoder and the 1x1 convolution before it.
#[derive(Module, Debug)]
pub struct AutoencoderKl {
    pub post_quant_conv: Option<Conv2d>,
    pub decoder: KlDecoder,
}

#[derive(Module, Debug)]
pub struct KlDecoder {
    pub conv_in: Conv2d,
    pub mid_block: MidBlock,
    pub up_blocks: Vec<UpBlock>,
    pub conv_norm_out: GroupNorm,
    pub conv_out: Conv2d,
}

/// Residual block, attention, residual block.
#[derive(Module, Debug)]
pub struct MidBlock {
    pub resnets: Vec<ResnetBlock>,
    pub attentions: Vec<AttentionBlock>,
}

/// Residual blocks, then twice the side in all but the last.
#[derive(Module, Debug)]
pub struct UpBlock {
    pub resnets: Vec<ResnetBlock>,
    pub upsamplers: Vec<Upsample>,
}

/// `x + conv2(silu(norm2(conv1(silu(norm1(x))))))`, with a 1x1 shortcut where the width changes.
#[derive(Module, Debug)]
pub struct ResnetBlock {
    pub norm1: GroupNorm,
    pub conv1: Conv2d,
    pub norm2: GroupNorm,
    pub conv2: Conv2d,
    pub conv_shortcut: Option<Conv2d>,
}

/// Nearest neighbours, then a convolution.
#[derive(Module, Debug)]
pub struct Upsample {
    pub conv: Conv2d,
}

/// One head over all places.
#[derive(Module, Debug)]
pub struct AttentionBlock {
    pub group_norm: GroupNorm,
    pub to_q: Linear,
    pub to_k: Linear,
    pub to_v: Linear,
    pub to_out: Vec<Linear>,
}

impl AutoencoderKl {
    pub fn new(config: &KlConfig, device: &Device) -> Self {
        let latent = config.latent_channels;
        let post_quant_conv = config.use_post_quant_conv.then(|| conv(latent, latent, 1, device));
        Self { post_quant_conv, decoder: KlDecoder::new(config, device) }
    }

    /// # Shapes
    /// - `z`: `[N, C_latent, h, w]`, the autoencoder's own latents (not scaled)
    /// - result: `[N, C_image, h·f, w·f]`, about [−1, 1] (not clamped)
    pub fn decode(&self, z: Tensor<4>) -> Tensor<4> {
        (0..self.num_stages()).fold(z, |x, stage| self.stage(stage, x))
    }

    /// Pieces of work that decoding consists of.
    pub fn num_stages(&self) -> usize {
        let decoder = &self.decoder;
        let up = decoder.up_blocks.iter().map(|block| block.resnets.len() + block.upsamplers.len());
        1 + decoder.mid_block.len() + up.sum::<usize>() + 1
    }

    /// One of them; the first takes z, the last gives the picture.
    ///
    /// # Panics
    /// When `stage` is not below [`Self::num_stages`].
    pub fn stage(&self, stage: usize, x: Tensor<4>) -> Tensor<4> {
        let decoder = &self.decoder;
        if stage == 0 {
            let x = self.post_quant_conv.iter().fold(x, |x, conv| conv.forward(x));
            return decoder.conv_in.forward(x);
        }
        let mut left = stage - 1;
        if left < decoder.mid_block.len() {
            return decoder.mid_block.stage(left, x);
        }
        left -= decoder.mid_block.len();
        for block in &decoder.up_blocks {
            match (block.resnets.get(left), left.checked_sub(block.resnets.len())) {
                (Some(resnet), _) => return resnet.forward(x),
                (None, Some(after)) if after < block.upsamplers.len() => return block.upsamplers[after].forward(x),
                _ => left -= block.resnets.len() + block.upsamplers.len(),
            }
        }
        assert!(left == 0, "stage {stage} of {}", self.num_stages());
        conv_in_strips(&decoder.conv_out, silu(decoder.conv_norm_out.forward(x)))
    }
}

impl KlDecoder {
    fn new(config: &KlConfig, device: &Device) -> Self {
        let groups = config.norm_num_groups;
        let widths: Vec<usize> = config.block_out_channels.iter().rev().copied().collect();
        let stages = widths.len();
        let up_block = |stage: usize| {
            let before = widths[stage.saturating_sub(1)];
            let resnet =
                |i| ResnetBlock::new(if i == 0 { before } else { widths[stage] }, widths[stage], groups, device);
            let upsampler = || Upsample { conv: conv(widths[stage], widths[stage], 3, device) };
            UpBlock {
                resnets: (0..=config.layers_per_block).map(resnet).collect(),
                upsamplers: (stage + 1 < stages).then(upsampler).into_iter().collect(),
            }
        };
        let (widest, narrowest) = (widths[0], widths[stages - 1]);
        Self {
            conv_in: conv(config.latent_channels, widest, 3, device),
            mid_block: MidBlock {
                resnets: (0..2).map(|_| ResnetBlock::new(widest, widest, groups, device)).collect(),
                attentions: (0..usize::from(config.mid_block_add_attention))
                    .map(|_| AttentionBlock::new(widest, groups, device))
                    .collect(),
            },
            up_blocks: (0..stages).map(up_block).collect(),
            conv_norm_out: group_norm(groups, narrowest, device),
            conv_out: conv(narrowest, config.out_channels, 3, device),
        }
    }
}

impl MidBlock {
    fn len(&self) -> usize {
        self.resnets.len() + self.attentions.len()
    }

    /// Resnet 0, attention 0, resnet 1.
    fn stage(&self, stage: usize, x: Tensor<4>) -> Tensor<4> {
        match (stage, self.attentions.first()) {
            (0, _) => self.resnets[0].forward(x),
            (1, Some(attention)) => attention.forward(x),
            _ => self.resnets[1].forward(x),
        }
    }
}

impl ResnetBlock {
    fn new(from: usize, to: usize, groups: usize, device: &Device) -> Self {
        Self {
            norm1: group_norm(groups, from, device),
            conv1: conv(from, to, 3, device),
            norm2: group_norm(groups, to, device),
            conv2: conv(to, to, 3, device),
            conv_shortcut: (from != to).then(|| conv(from, to, 1, device)),
        }
    }

    /// # Shapes
    /// - `x`: `[N, C, h, w]`; result: `[N, C', h, w]`
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = conv_in_strips(&self.conv1, silu(self.norm1.forward(x.clone())));
        let y = conv_in_strips(&self.conv2, silu(self.norm2.forward(y)));
        y + self.conv_shortcut.iter().fold(x, |x, shortcut| shortcut.forward(x))
    }
}

impl Upsample {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let options = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([2 * h, 2 * w]);
        conv_in_strips(&self.conv, interpolate(x, options))
    }
}

impl AttentionBlock {
    fn new(width: usize, groups: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(width, width).init(device);
        Self {
            group_norm: group_norm(groups, width, device),
            to_q: linear(),
            to_k: linear(),
            to_v: linear(),
            to_out: vec![linear()],
        }
    }

    /// The queries go in pieces: at 1024 pixels all scores at once would be a gigabyte.
    ///
    /// # Shapes
    /// - `x`, result: `[N, C, h, w]`
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let tokens = self.group_norm.forward(x.clone()).reshape([n, c, h * w]).swap_dims(1, 2); // [N, T, C]
        let q = self.to_q.forward(tokens.clone()) * (c as f64).powf(-0.5);
        let k = self.to_k.forward(tokens.clone()).transpose(); // [N, C, T]
        let v = self.to_v.forward(tokens);
        let rows = (MOST_SCORES / (n * h * w)).max(1);
        let mixed = q.split(rows, 1).into_iter().map(|q| softmax(q.matmul(k.clone()), 2).matmul(v.clone())).collect();
        let mixed = self.to_out.iter().fold(Tensor::cat(mixed, 1), |y, linear| linear.forward(y)); // [N, T, C]
        x + mixed.swap_dims(1, 2).reshape([n, c, h, w])
    }
}

fn group_norm(groups: usize, width: usize, device: &Device) -> GroupNorm {
    GroupNormConfig::new(groups, width).with_epsilon(GROUP_NORM_EPS).init(device)
}

/// A convolution that keeps the side.
fn conv(from: usize, to: usize, kernel: usize, device: &Device) -> Conv2d {
    let padding = kernel / 2;
    Conv2dConfig::new([from, to], [kernel, kernel])
        .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding))
        .init(device)
}
