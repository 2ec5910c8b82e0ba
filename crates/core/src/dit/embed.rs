//! Into tokens and back: patches, positions, timestep and class.

use super::linear::{Linear, new_linear, xavier_linear};
use burn::module::{Initializer, Module};
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::activation::silu;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_config::{DitConfig, FREQUENCY_EMBEDDING_SIZE};
use ditscope_ops::{Ops, Then};

/// Cuts latents into patches and projects each to a token.
///
/// The official layer is a convolution with kernel = stride = p; as patches do
/// not overlap, it is one matrix product over flattened patches.
#[derive(Module, Debug)]
pub struct PatchEmbed {
    /// `[C·p·p, D]`, the flattened convolution kernel.
    pub proj: Linear,
    patch_size: usize,
}

impl PatchEmbed {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        let d_input = config.in_channels * config.patch_size.pow(2);
        Self { proj: xavier_linear(d_input, config.hidden_size, device), patch_size: config.patch_size }
    }

    #[must_use]
    pub(super) fn fused(self, ops: Ops) -> Self {
        Self { proj: self.proj.fused(ops), ..self }
    }

    /// # Shapes
    /// - `x`: `[N, C, H, W]`
    /// - result: `[N, T, D]`, tokens row by row
    pub fn forward(&self, x: Tensor<4>) -> Tensor<3> {
        self.apply(x, Then::Nothing)
    }

    /// The same, and what follows.
    ///
    /// # Shapes
    /// - as [`Self::forward`]
    pub(super) fn apply(&self, x: Tensor<4>, then: Then) -> Tensor<3> {
        let [n, c, h, w] = x.dims();
        let p = self.patch_size;
        let (rows, columns) = (h / p, w / p);
        let patches = x
            .reshape([n, c, rows, p, columns, p])
            .permute([0, 2, 4, 1, 3, 5]) // [N, rows, columns, C, p, p]
            .reshape([n, rows * columns, c * p * p]);
        self.proj.apply(patches, then) // [N, T, D]
    }
}

/// Puts the patches of the final layer back: `nhwpqc → nchpwq` (channel fastest in a patch).
///
/// # Shapes
/// - `x`: `[N, T, p·p·C]` with T = `rows·columns`
/// - result: `[N, C, rows·p, columns·p]`
pub fn unpatchify(x: Tensor<3>, patch_size: usize, [rows, columns]: [usize; 2]) -> Tensor<4> {
    let [n, _, d] = x.dims();
    let p = patch_size;
    let c = d / (p * p);
    x.reshape([n, rows, columns, p, p, c])
        .permute([0, 5, 1, 3, 2, 4]) // [N, C, rows, p, columns, p]
        .reshape([n, c, rows * p, columns * p])
}

/// Fixed 2-D sin-cos positions: the first half of the channels encodes the column,
/// the second the row; each half is `[sin | cos]` (official `get_2d_sincos_pos_embed`, in f64).
///
/// # Shapes
/// - result: `[1, rows·columns, hidden_size]`
pub fn pos_embed_2d(hidden_size: usize, [rows, columns]: [usize; 2], device: &Device) -> Tensor<3> {
    let quarter = hidden_size / 4;
    let omega = |i: usize| 1.0 / libm::pow(10_000.0, i as f64 / quarter as f64);
    let mut values = Vec::with_capacity(rows * columns * hidden_size);
    for row in 0..rows {
        for column in 0..columns {
            for position in [column, row] {
                values.extend((0..quarter).map(|i| libm::sin(position as f64 * omega(i)) as f32));
                values.extend((0..quarter).map(|i| libm::cos(position as f64 * omega(i)) as f32));
            }
        }
    }
    Tensor::from_data(TensorData::new(values, [1, rows * columns, hidden_size]), device)
}

/// Timestep → vector: sinusoids, then Linear, SiLU, Linear.
#[derive(Module, Debug)]
pub struct TimestepEmbedder {
    pub mlp_in: Linear,
    pub mlp_out: Linear,
    /// `[1, 128]`
    frequencies: Tensor<2>,
}

impl TimestepEmbedder {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        let hidden_size = config.hidden_size;
        let normal = Initializer::Normal { mean: 0.0, std: 0.02 };
        let frequencies = timestep_frequencies(config.downscale_freq_shift);
        let shape = [1, frequencies.len()];
        Self {
            mlp_in: new_linear(FREQUENCY_EMBEDDING_SIZE, hidden_size, normal.clone(), device),
            mlp_out: new_linear(hidden_size, hidden_size, normal, device),
            frequencies: Tensor::from_data(TensorData::new(frequencies, shape), device),
        }
    }

    #[must_use]
    pub(super) fn fused(self, ops: Ops) -> Self {
        Self { mlp_in: self.mlp_in.fused(ops), mlp_out: self.mlp_out.fused(ops), ..self }
    }

    /// # Shapes
    /// - `t`: `[N]`, raw timesteps
    /// - result: `[N, D]`
    pub fn forward(&self, t: Tensor<1>) -> Tensor<2> {
        let angles = t.unsqueeze_dim::<2>(1) * self.frequencies.clone(); // [N, 128]
        let embedding = Tensor::cat(vec![angles.clone().cos(), angles.sin()], 1); // [N, 256]
        self.mlp_out.forward(silu(self.mlp_in.forward(embedding))) // [N, D]
    }
}

/// `exp(−ln(10000)·i/(128 − shift))` for i = 0..128 (official shift: 0; diffusers' is 1).
pub fn timestep_frequencies(downscale_freq_shift: usize) -> Vec<f32> {
    let half = FREQUENCY_EMBEDDING_SIZE / 2;
    let divisor = (half - downscale_freq_shift) as f64;
    (0..half).map(|i| libm::exp(-libm::log(10_000.0) * i as f64 / divisor) as f32).collect()
}

/// Class number → vector; the last row stands for "no class", where the model has that.
#[derive(Module, Debug)]
pub struct LabelEmbedder {
    pub embedding_table: Embedding,
}

impl LabelEmbedder {
    pub fn new(config: &DitConfig, device: &Device) -> Self {
        let table = EmbeddingConfig::new(config.label_rows(), config.hidden_size)
            .with_initializer(Initializer::Normal { mean: 0.0, std: 0.02 });
        Self { embedding_table: table.init(device) }
    }

    /// # Shapes
    /// - `y`: `[N]`
    /// - result: `[N, D]`
    pub fn forward(&self, y: Tensor<1, Int>) -> Tensor<2> {
        self.embedding_table.forward(y.unsqueeze_dim(1)).squeeze_dim(1) // [N, 1, D] → [N, D]
    }
}
