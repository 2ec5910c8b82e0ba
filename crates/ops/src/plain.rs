//! Each operation in steps of the tensor library.

use crate::int8::widened;
use crate::kernels::{Filter, Guide, Guided, Then};
use burn::tensor::activation::{relu, sigmoid, softmax};
use burn::tensor::module::{conv2d, interpolate, layer_norm};
use burn::tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions};
use burn::tensor::{FloatDType, Tensor, TensorData};

/// `LN(x)·(1 + scale) + shift`, the norm without parameters of its own and with `eps` in it (official `modulate`).
///
/// # Shapes
/// - `x`, result: `[N, T, D]`; `shift`, `scale`: `[N, 1, D]`
pub fn modulate(x: Tensor<3>, shift: Tensor<3>, scale: Tensor<3>, eps: f64) -> Tensor<3> {
    let [_, _, d] = x.dims();
    let ones = Tensor::ones([d], &x.device()); // [D]
    let normed = layer_norm(x, ones, None, eps); // [N, T, D]
    normed * (scale + 1.0) + shift // [N, T, D]
}

/// `x·W + b`, then what follows. Weights in f16 or 8 bits are widened for the product: the arithmetic stays in f32.
///
/// # Shapes
/// - `x`: `[N, T, d_input]`; `weight`: `[d_input, d_output]`; `bias`: `[d_output]`; result: `[N, T, d_output]`
pub fn linear(x: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>, then: Then) -> Tensor<3> {
    let y = product(x, weight, bias); // [N, T, d_output]
    match then {
        Then::Nothing => y,
        Then::Gelu => gelu_tanh(y),
        Then::Add { to, gate: None } => to + y,
        Then::Add { to, gate: Some(gate) } => to + gate * y,
    }
}

/// `x·W + b`
///
/// # Shapes
/// - `x`: `[…, d_input]`; `weight`, `bias`: as for [`linear`]; result: `[…, d_output]`
pub fn product<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    let weight = widened(weight);
    let weight = if weight.dtype() == x.dtype() { weight } else { weight.cast(FloatDType::F32) };
    burn::tensor::module::linear(x, weight, bias)
}

/// GELU in its tanh approximation, `x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`.
///
/// As `(1 + tanh u)/2 = sigmoid(2u)`, this is `x·sigmoid(x·(a + b·x²))`: fewer passes over memory.
pub fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let inner = (x.clone() * x.clone() * GELU_B + GELU_A) * x.clone();
    x * sigmoid(inner)
}

/// 2·√(2/π)
pub(crate) const GELU_A: f64 = 1.595_769_121_605_731;
pub(crate) const GELU_B: f64 = GELU_A * 0.044715;

/// Values by how much each of T tokens looks at each of S, heads side by side.
///
/// # Shapes
/// - `q`: `[N, heads, T, d_head]`; `k`, `v`: `[N, heads, S, d_head]`; result: `[N, T, heads·d_head]`
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<3> {
    mix_heads(attention_weights(q, k), v)
}

/// How much each of T tokens looks at each of S: `softmax(q·kᵀ/√d_head)`.
///
/// # Shapes
/// - `q`: `[N, heads, T, d_head]`, `k`: `[N, heads, S, d_head]`; result: `[N, heads, T, S]`, rows sum to 1
pub fn attention_weights(q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
    let [.., d_head] = q.dims();
    let scores = (q * (d_head as f64).powf(-0.5)).matmul(k.transpose()); // [N, heads, T, S]
    softmax(scores, 3) // [N, heads, T, S]
}

/// Values by their weights, heads side by side.
///
/// # Shapes
/// - `weights`: `[N, heads, T, S]`, `v`: `[N, heads, S, d_head]`; result: `[N, T, D]`
pub fn mix_heads(weights: Tensor<4>, v: Tensor<4>) -> Tensor<3> {
    let ([n, heads, t, _], [.., d_head]) = (weights.dims(), v.dims());
    let mixed = weights.matmul(v); // [N, heads, T, d_head]
    mixed.swap_dims(1, 2).reshape([n, t, heads * d_head]) // [N, T, D]
}

/// `conv(x) + add`, with a kernel of 3x3, stride 1 and a border of zeros; what else, `filter` says.
///
/// # Shapes
/// - `x`: `[N, C_in, h, w]`; `weight`: `[C_out, C_in, 3, 3]`; `bias`: `[C_out]`
/// - `add`, result: `[N, C_out, h, w]`, or of twice the sides
pub fn conv(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    filter: Filter,
    add: Option<Tensor<4>>,
) -> Tensor<4> {
    let x = if filter.doubled { double(x) } else { x };
    let y = conv2d(x, weight, bias, ConvOptions::new([1, 1], [1, 1], [1, 1], 1)); // [N, C_out, h, w]
    let y = match add {
        Some(add) => y + add,
        None => y,
    };
    if filter.relu { relu(y) } else { y }
}

/// Each pixel becomes four.
///
/// # Shapes
/// - `x`: `[N, C, h, w]`; result: `[N, C, 2h, 2w]`
pub fn double(x: Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([2 * h, 2 * w]))
}

/// Clean latents and noise of a step: guidance, prediction and clamping.
///
/// # Shapes
/// - `x`: `[N, C, h, w]`; `cond`, `uncond`: the same, or `[N, 2C, h, w]`, of which the first half counts
pub fn guide(x: Tensor<4>, cond: Tensor<4>, uncond: Option<Tensor<4>>, by: &Guide) -> Guided {
    let [_, channels, _, _] = x.dims();
    let affine = |[a, b]: [f64; 2], output: &Tensor<4>| x.clone() * a + output.clone() * b;
    let cond = cond.narrow(1, 0, channels);
    let uncond = uncond.map(|uncond| uncond.narrow(1, 0, channels));
    let output = match &uncond {
        Some(uncond) => {
            let scales = by.scales.iter().map(|scale| *scale as f32).collect::<Vec<_>>();
            let scales = Tensor::<4>::from_data(TensorData::new(scales, [by.scales.len(), 1, 1, 1]), &x.device());
            let steered = uncond.clone() + (cond.clone() - uncond.clone()) * scales; // [N, C, h, w]
            let rest = cond.clone().slice([0..cond.dims()[0], by.channels..channels]);
            if by.channels == channels {
                steered
            } else {
                Tensor::cat(vec![steered.narrow(1, 0, by.channels), rest], 1)
            }
        }
        None => cond.clone(),
    };
    let (x0, unclamped) = (affine(by.x0, &output), affine(by.eps, &output));
    let (x0_hat, eps) = match by.range {
        Some(range) => {
            let x0 = x0.clamp(-range, range);
            (x0.clone(), (x.clone() - x0 * by.process[0]) / by.process[1])
        }
        None => (x0, unclamped.clone()),
    };
    Guided { x0_hat, eps, unclamped, eps_cond: affine(by.eps, &cond), eps_uncond: uncond.map(|u| affine(by.eps, &u)) }
}
