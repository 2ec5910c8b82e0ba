//! The cheap picture of latents: the linear map to RGB that comes nearest to the decoder.
//!
//! Random latents, smooth and rough, are decoded, each picture is averaged over the places of the
//! latents, and colours are regressed on latents by least squares.

use crate::{Progress, Stage, Watch};
use anyhow::{Context, Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_config::{LatentRgb, LatentStats};
use ditscope_core::autoencoder::Autoencoder;
use ditscope_noise::gaussian;
use nalgebra::{DMatrix, DVector};

/// Side of the latents that are decoded, and how many of them.
const SIDE: usize = 16;
const PICTURES: u64 = 6;
/// Side of a spot of equal noise, and its share of the variance.
const SCALES: [(usize, f32); 3] = [(8, 0.4), (4, 0.3), (1, 0.3)];

/// Fits the map for an autoencoder; gray pictures give equal factors for the three colours.
///
/// # Errors
/// The decoder's numbers are no pictures (NaN), or all the same.
pub fn fit(autoencoder: &Autoencoder, stats: &LatentStats, device: &Device, watch: Watch) -> Result<LatentRgb> {
    let channels = stats.mean.len();
    // Normal equations over [x, 1].
    let mut inputs = DMatrix::<f64>::zeros(channels + 1, channels + 1);
    let mut outputs = DMatrix::<f64>::zeros(channels + 1, 3);
    for picture in 0..PICTURES {
        watch(Progress { stage: Stage::FittingPreview, done: picture, total: PICTURES });
        let x = latents(picture, channels);
        let colours = decode(autoencoder, stats, &x, device)?;
        for place in 0..SIDE * SIDE {
            let row = (0..channels).map(|c| f64::from(x[c * SIDE * SIDE + place])).chain([1.0]);
            let row = DVector::from_iterator(channels + 1, row);
            inputs += &row * row.transpose();
            let gray = colours.len() == SIDE * SIDE;
            for colour in 0..3 {
                let value = f64::from(colours[if gray { place } else { colour * SIDE * SIDE + place }]);
                outputs.column_mut(colour).axpy(value, &row, 1.0);
            }
        }
    }
    let solution = inputs.cholesky().context("the latents do not vary")?.solve(&outputs);
    ensure!(solution.iter().all(|v| v.is_finite()), "the decoder puts out NaN or infinite numbers");
    let row = |r: usize| [0, 1, 2].map(|colour| solution[(r, colour)] as f32);
    Ok(LatentRgb { factors: (0..channels).map(row).collect(), bias: row(channels) })
}

/// Standardised latents `[C, SIDE, SIDE]`: spots of several sizes, together of variance 1.
fn latents(picture: u64, channels: usize) -> Vec<f32> {
    let mut x = vec![0.0; channels * SIDE * SIDE];
    for (index, (spot, share)) in SCALES.into_iter().enumerate() {
        let side = SIDE / spot;
        let noise = gaussian(picture, index as u64, channels * side * side);
        for (at, value) in x.iter_mut().enumerate() {
            let (c, row, column) = (at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE);
            *value += share.sqrt() * noise[(c * side + row / spot) * side + column / spot];
        }
    }
    x
}

/// Decoded colours, averaged over the places of the latents: `[1 or 3, SIDE, SIDE]`.
fn decode(autoencoder: &Autoencoder, stats: &LatentStats, x: &[f32], device: &Device) -> Result<Vec<f32>> {
    let of_channel = |at: usize| at / (SIDE * SIDE);
    let z = x.iter().enumerate().map(|(at, x)| x * stats.std[of_channel(at)] + stats.mean[of_channel(at)]);
    let z = TensorData::new(z.collect::<Vec<f32>>(), [1, stats.mean.len(), SIDE, SIDE]);
    let image = autoencoder.decode(Tensor::<4>::from_data(z, device));
    let [_, colours, height, _] = image.dims();
    let factor = height / SIDE;
    let means = image.clamp(-1.0, 1.0).reshape([colours, SIDE, factor, SIDE, factor]).mean_dim(4).mean_dim(2);
    means.into_data().try_into_vec::<f32>().map_err(|error| anyhow::anyhow!("reading the picture back: {error:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_config::{AutoencoderConfig, TinyConfig};
    use ditscope_core::weights::{Dtype, Loader, NamedTensor, write_shards};

    /// A kernel `[out, in, 3, 3]` that acts on each place alone.
    fn pointwise(name: &str, rows: &[Vec<f32>]) -> NamedTensor {
        let centre = |weight: &f32| (0..9).map(|at| if at == 4 { *weight } else { 0.0 }).collect::<Vec<_>>();
        let values = rows.iter().flatten().flat_map(centre).collect();
        NamedTensor { name: name.to_owned(), shape: vec![rows.len(), rows[0].len(), 3, 3], values }
    }

    /// A decoder that is linear: `relu(z) − relu(−z) = z`, twice the side, then three colours of two channels.
    #[test]
    fn a_linear_decoder_is_found_exactly() {
        let config = AutoencoderConfig::Tiny(TinyConfig {
            in_channels: 3,
            latent_channels: 2,
            patch_size: 1,
            encoder_block_out_channels: vec![],
            num_encoder_blocks: vec![],
            decoder_block_out_channels: vec![4, 4],
            num_decoder_blocks: vec![0, 0],
            latent_magnitude: 1e4,
        });
        let colours = [[0.02, -0.01], [0.03, 0.0], [-0.01, 0.04]];
        let bias = |name: &str, values: &[f32]| NamedTensor {
            name: name.to_owned(),
            shape: vec![values.len()],
            values: values.to_vec(),
        };
        let both = |[a, b]: [f32; 2]| vec![a, -a, b, -b];
        let identity: Vec<Vec<f32>> = (0..4).map(|i| (0..4).map(|j| f32::from(u8::from(i == j))).collect()).collect();
        let tensors = [
            pointwise("decoder.layers.0.weight", &[vec![1.0, 0.0], vec![-1.0, 0.0], vec![0.0, 1.0], vec![0.0, -1.0]]),
            bias("decoder.layers.0.bias", &[0.0; 4]),
            pointwise("decoder.layers.3.weight", &identity),
            pointwise("decoder.layers.4.weight", &colours.map(both)),
            bias("decoder.layers.4.bias", &[0.5, 0.6, 0.4]),
        ];
        let device = Device::flex();
        let bytes = &write_shards(&tensors, Dtype::F32, usize::MAX).shards[0].bytes;
        let mut loader = Loader::default();
        let decoder = loader.apply(Autoencoder::new(&config, &device), "", "test", bytes, &device).expect("it loads");
        loader.finish(&decoder, "").expect("all is there");

        let stats = LatentStats { mean: vec![1.0, -2.0], std: vec![2.0, 3.0], rgb: None };
        let rgb = fit(&decoder, &stats, &device, &|_| {}).expect("a map");
        // The picture is 2·(A·z + b) − 1 of z = x·std + mean.
        for (colour, (row, b)) in colours.iter().zip([0.5, 0.6, 0.4]).enumerate() {
            let bias = 2.0 * (row[0] * stats.mean[0] + row[1] * stats.mean[1] + b) - 1.0;
            assert!((rgb.bias[colour] - bias).abs() < 1e-3, "{rgb:?}");
            for ((factors, weight), std) in rgb.factors.iter().zip(row).zip(&stats.std) {
                assert!((factors[colour] - 2.0 * weight * std).abs() < 1e-3, "{rgb:?}");
            }
        }
    }
}
