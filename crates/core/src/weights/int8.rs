//! Linear weights in 8 bits: symmetric, with a scale for each group of 64 numbers along a row.
//!
//! A tensor `name` of type I8 stands beside `name.scales` of type F16, `[rows, ⌈columns/64⌉]`, in the same shard;
//! a number is `scale · q` with q from −127 to 127. Group-wise scales make 8-bit weights nearly lossless
//! (Q-DiT, Chen et al. 2024, arXiv:2406.17343). The computing stays in floating point.

use super::keys::TRANSFORMER;
use half::f16;

/// Numbers that share a scale.
pub const GROUP: usize = 64;
/// What a tensor's scales are called, after its own name.
pub const SCALES: &str = ".scales";
const MOST: f32 = 127.0;
/// Tensors with fewer numbers stay f16: they weigh nothing.
const FEWEST: usize = 4096;

/// Whether a tensor of this name and shape is stored in 8 bits: the transformer's weight matrices, but for the
/// table of classes, whose rows are not summed up.
pub fn is_quantized(name: &str, shape: &[usize]) -> bool {
    let is_matrix = matches!(shape, [rows, columns] if rows.saturating_mul(*columns) >= FEWEST);
    is_matrix && name.starts_with(TRANSFORMER) && name.ends_with(".weight") && !name.contains("embedding_table")
}

/// Scales of a tensor of this shape: of all its columns, taken as one row.
pub fn scales_shape(shape: &[usize]) -> [usize; 2] {
    let rows = shape.first().copied().unwrap_or(1);
    let columns: usize = shape.iter().skip(1).product();
    [rows, columns.div_ceil(GROUP)]
}

/// Quantizes up to [`GROUP`] numbers of a row; appends their bytes and returns their scale.
pub fn quantize_group(values: &[f32], bytes: &mut Vec<u8>) -> f16 {
    let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    let scale = f16::from_f32(largest / MOST);
    let factor = if scale.to_f32() > 0.0 { 1.0 / scale.to_f32() } else { 0.0 };
    bytes.extend(values.iter().map(|value| (value * factor).round().clamp(-MOST, MOST) as i8 as u8));
    scale
}

/// All numbers of a tensor: its bytes and its scales (little-endian f16), row by row.
///
/// # Panics
/// When the lengths do not fit `columns` and [`scales_shape`].
pub fn dequantize(bytes: &[u8], scales: &[u8], columns: usize) -> Vec<f32> {
    let groups = columns.div_ceil(GROUP);
    let scales: Vec<f32> = scales.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect();
    let rows = bytes.chunks_exact(columns).zip(scales.chunks_exact(groups));
    rows.flat_map(|(row, scales)| {
        row.chunks(GROUP).zip(scales).flat_map(|(group, scale)| group.iter().map(move |q| f32::from(*q as i8) * scale))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_noise::gaussian;

    #[test]
    fn a_number_comes_back_within_half_a_step_of_its_group() {
        let columns = 150;
        let values: Vec<f32> = gaussian(5, 0, 4 * columns).into_iter().map(|v| v * 0.1).collect();
        let (mut bytes, mut scales) = (Vec::new(), Vec::new());
        for row in values.chunks_exact(columns) {
            row.chunks(GROUP).for_each(|group| scales.push(quantize_group(group, &mut bytes)));
        }
        assert_eq!([4, scales.len() / 4], scales_shape(&[4, columns]));
        let stored: Vec<u8> = scales.iter().flat_map(|s| s.to_le_bytes()).collect();
        let found = dequantize(&bytes, &stored, columns);
        assert_eq!(found.len(), values.len());
        for (i, (value, found)) in values.iter().zip(&found).enumerate() {
            let scale = scales[i / columns * 3 + i % columns / GROUP].to_f32();
            // Rounding the scale to f16 may cut the largest number off by a little more.
            assert!((value - found).abs() <= 0.5 * scale + 127.0 * scale * 5e-4, "{value} became {found}");
        }
    }

    #[test]
    fn zeros_stay_zeros() {
        let mut bytes = Vec::new();
        let scale = quantize_group(&[0.0, -0.0, 1e-12], &mut bytes);
        assert_eq!((scale.to_f32(), bytes), (0.0, vec![0; 3]));
    }

    #[test]
    fn small_tensors_and_tables_stay_as_they_are() {
        assert!(is_quantized("transformer.blocks.0.mlp.fc1.weight", &[768, 192]));
        assert!(!is_quantized("transformer.blocks.0.mlp.fc1.bias", &[768]));
        assert!(!is_quantized("transformer.y_embedder.embedding_table.weight", &[1001, 1152]));
        assert!(!is_quantized("transformer.x_embedder.proj.weight", &[192, 4, 2, 2]));
        assert!(!is_quantized("autoencoder.decoder.linear.weight", &[512, 512]));
    }
}
