//! Convolutions over large pictures, a strip of rows at a time.
//!
//! A backend may unfold its input (im2col): nine times the picture for a 3x3 kernel, more than a
//! gigabyte at 512 pixels. Strips with a halo bound that, and give the same numbers as the whole,
//! unlike tiles that are decoded apart and blended.

use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

/// Numbers that an unfolded strip may have: 128 MiB.
const MOST_UNFOLDED: usize = 32 << 20;

/// `conv.forward(x)` for a convolution with stride 1 that keeps the side.
///
/// # Shapes
/// - `x`: `[N, C, h, w]`; result: `[N, C', h, w]`
pub(super) fn conv_in_strips(conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    let [n, c, _, w] = x.dims();
    let per_row = n * c * w * conv.kernel_size.iter().product::<usize>();
    strips(conv, x, (MOST_UNFOLDED / per_row).max(1))
}

fn strips(conv: &Conv2d, x: Tensor<4>, rows: usize) -> Tensor<4> {
    let [_, _, h, _] = x.dims();
    if rows >= h {
        return conv.forward(x);
    }
    let halo = conv.kernel_size[0] / 2;
    let strip = |start: usize| {
        let end = (start + rows).min(h);
        let (from, to) = (start.saturating_sub(halo), (end + halo).min(h));
        let y = conv.forward(x.clone().narrow(2, from, to - from));
        y.narrow(2, start - from, end - start)
    };
    Tensor::cat((0..h).step_by(rows).map(strip).collect(), 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::PaddingConfig2d;
    use burn::nn::conv::Conv2dConfig;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn strips_give_what_the_whole_gives() {
        let device = Device::flex();
        let same = PaddingConfig2d::Explicit(1, 1, 1, 1);
        let conv = Conv2dConfig::new([3, 5], [3, 3]).with_padding(same).init(&device);
        let x = Tensor::<4>::random([2, 3, 11, 7], Distribution::Normal(0.0, 1.0), &device);
        let whole = conv.forward(x.clone());
        for rows in [1, 2, 3, 10] {
            let difference = (strips(&conv, x.clone(), rows) - whole.clone()).abs().max().into_scalar::<f32>();
            assert!(difference < 1e-6, "{rows} rows: {difference}");
        }
    }
}
