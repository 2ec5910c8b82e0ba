//! Words as pictures: letters from analog bits, drawn.
//!
//! A picture is what is to be expected of the word: every symbol's shape, weighed with how likely it is where the bits are
//! taken for independent. So a letter that is sure is sharp, and one between two is both of them.

mod font;

use burn::tensor::{Tensor, TensorData};
use ditscope_config::TextConfig;

/// Draws words.
///
/// # Shapes
/// - `x`: `[N, bits, 1, letters]`, −1 or 1 where a bit is sure
/// - result: `[N, 1, H, W]` in [−1, 1] (see [`TextConfig::picture_shape`])
pub fn drawn(x: Tensor<4>, text: &TextConfig) -> Tensor<4> {
    let [n, bits, _, letters] = x.dims();
    let [height, width] = TextConfig::CELL;
    let device = x.device();
    let shares = (x.clamp(-1.0, 1.0) + 1.0) / 2.0; // [N, bits, 1, letters]
    let ones = shares.reshape([n, bits, letters]).swap_dims(1, 2); // [N, letters, bits]
    // Symbol by symbol, in the order of their numbers: each further bit doubles them.
    let likely = (0..bits).fold(Tensor::ones([n, letters, 1], &device), |likely: Tensor<3>, bit| {
        let one = ones.clone().narrow(2, bit, 1); // [N, letters, 1]
        let with = likely.clone() * one; // [N, letters, 2^bit]
        Tensor::cat(vec![likely - with.clone(), with], 2) // [N, letters, 2^(bit + 1)]
    });
    let shapes: Vec<f32> = text.alphabet.chars().flat_map(pixels).collect();
    let shapes = Tensor::from_data(TensorData::new(shapes, [1, 1 << bits, height * width]), &device);
    let cells = likely.matmul(shapes.repeat_dim(0, n)); // [N, letters, H·cell]
    let rows = cells.reshape([n, letters, height, width]).swap_dims(1, 2); // [N, H, letters, cell]
    let word = rows.reshape([n, 1, height, letters * width]) * 2.0 - 1.0; // [N, 1, H, letters·cell]
    let margin = Tensor::full([n, 1, height, TextConfig::MARGIN], -1.0, &device);
    Tensor::cat(vec![margin.clone(), word, margin], 3).clamp(-1.0, 1.0)
}

/// Ink (1) and ground (0) of a symbol's cell, row by row.
fn pixels(symbol: char) -> impl Iterator<Item = f32> {
    let [_, width] = TextConfig::CELL;
    let bit = move |row: u8, column: usize| if (row >> (width - 1 - column)) & 1 == 1 { 1.0 } else { 0.0 };
    font::glyph(symbol).into_iter().flat_map(move |row| (0..width).map(move |column| bit(row, column)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// One letter of two bits.
    fn picture(bits: [f32; 2]) -> Vec<f32> {
        let text = TextConfig { alphabet: " abc".into() };
        let x = Tensor::from_data(TensorData::new(bits.to_vec(), [1, 2, 1, 1]), &Device::flex());
        let picture = drawn(x, &text);
        assert_eq!(picture.dims(), [1, 1, 16, 10]);
        picture.into_data().try_into_vec().expect("f32")
    }

    #[test]
    fn sure_bits_draw_their_letter_and_others_a_mixture() {
        let blank = picture([-1.0, -1.0]);
        assert!(blank.iter().all(|pixel| *pixel == -1.0));
        let [a, b, c] = [[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]].map(picture);
        assert!(a != b && b != c && a.contains(&1.0));
        // Half an a, a quarter each of b and c: the lower bit is open once the upper is.
        let mixed = picture([0.0, 0.0]);
        for (i, mixed) in mixed.iter().enumerate() {
            let mean = (blank[i] + a[i] + b[i] + c[i]) / 4.0;
            assert!((mixed - mean).abs() < 1e-6, "{i}: {mixed} and {mean}");
        }
    }

    #[test]
    fn letters_stand_side_by_side() {
        let text = TextConfig { alphabet: " a".into() };
        let x = Tensor::from_data(TensorData::new(vec![-1.0f32, 1.0, -1.0], [1, 1, 1, 3]), &Device::flex());
        let [_, _, height, width] = drawn(x.clone(), &text).dims();
        let pixels: Vec<f32> = drawn(x, &text).into_data().try_into_vec().expect("f32");
        let inked = |from: usize, to: usize| (0..height).any(|y| pixels[y * width..][from..to].contains(&1.0));
        assert!(!inked(0, 8) && inked(8, 14) && !inked(14, 22));
    }
}
