//! Each fused operation against the plain way, over random shapes: odd sizes, one token and 1,024, the presets' widths.
//! The plain way is taken on the CPU, the kernels run where the test says.

use crate::{TOLERANCE, device};
use burn::tensor::{DType, Device, Distribution, Tensor, TensorData};
use ditscope_ops::{Filter, Operation, Ops, Then, int8, plain};
use proptest::prelude::*;

/// Hidden sizes: the shipped models', and S, B, L and XL.
const WIDTHS: [usize; 6] = [128, 192, 384, 768, 1024, 1152];

fn ops() -> Ops {
    Ops::of(&device())
}

fn random<const D: usize>(shape: [usize; D], spread: f64) -> Tensor<D> {
    random_on_cpu(shape, spread).to_device(&device())
}

fn random_on_cpu<const D: usize>(shape: [usize; D], spread: f64) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, spread), &Device::flex())
}

/// For the plain way: what burn makes of it on a GPU is not the question here.
fn cpu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.to_device(&Device::flex())
}

fn cpu_then(then: Then) -> Then {
    match then {
        Then::Add { to, gate } => Then::Add { to: cpu(to), gate: gate.map(cpu) },
        other => other,
    }
}

pub fn assert_near<const D: usize>(found: Tensor<D>, plain: Tensor<D>) -> Result<(), TestCaseError> {
    let found = cpu(found);
    prop_assert_eq!(found.dims(), plain.dims());
    let most = plain.clone().abs().max().into_scalar::<f32>();
    let difference = (found - plain).abs().max().into_scalar::<f32>();
    prop_assert!(difference <= TOLERANCE * most, "{} of {}", difference, most);
    prop_assert!(most > 0.0);
    Ok(())
}

/// The pictures of a batch, tokens, and a width.
fn sizes() -> impl Strategy<Value = (usize, usize, usize)> {
    prop_oneof![
        8 => (1..4_usize, 1..20_usize, 1..70_usize),
        2 => (1..3_usize, prop_oneof![Just(1), Just(16), Just(64)], prop::sample::select(&WIDTHS[..])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn modulate((n, t, d) in sizes(), eps in prop_oneof![Just(1e-6), Just(1e-5)]) {
        let (x, all) = (random([n, t, d], 2.0) + 0.7, random([n, 1, 3 * d], 0.5));
        let (shift, scale) = (all.clone().narrow(2, 0, d), all.narrow(2, 2 * d, d));
        // One number is its own mean: nothing is left but noise.
        prop_assume!(d > 1);
        let found = ops().modulate(x.clone(), shift.clone(), scale.clone(), eps);
        assert_near(found, plain::modulate(cpu(x), cpu(shift), cpu(scale), eps))?;
    }

    #[test]
    fn linear((n, t, d_input) in sizes(), (_, _, d_output) in sizes(), then in 0..5, half in any::<bool>()) {
        let weight = random_on_cpu([d_input, d_output], 1.0 / (d_input as f64).sqrt());
        let weight = if half { weight.cast(DType::F16) } else { weight }.to_device(&device());
        let bias = (then != 0).then(|| random([d_output], 0.5));
        let x = random([n, t, d_input], 1.0);
        let then = match then {
            0 | 1 => Then::Nothing,
            2 => Then::Gelu,
            3 => Then::Add { to: random([1, t, d_output], 1.0), gate: None },
            _ => Then::Add { to: random([n, t, d_output], 1.0), gate: Some(random([n, 1, d_output], 1.0)) },
        };
        let Some(packed) = ops().matrix(&weight, bias.as_ref()) else {
            // GPUs read two at once.
            prop_assert!(half && d_output % 2 == 1, "no kernel");
            return Ok(());
        };
        let found = packed.apply(&x, &then).expect("it takes this");
        assert_near(found, plain::linear(cpu(x), cpu(weight.clone()), bias.map(cpu), cpu_then(then)))?;
        prop_assert_eq!(packed.weight(&device()).into_data(), weight.into_data());
    }

    #[test]
    fn weights_in_8_bits(
        (t, d_input) in (1..20_usize, prop_oneof![3 => (1..14_usize).prop_map(|n| 16 * n), 1 => 1..150_usize, 1 => Just(1152)]),
        d_output in prop_oneof![1..150_usize, Just(1152)],
        (then, with_bias) in (0..4, any::<bool>()),
    ) {
        let (there, group) = (device(), 64);
        let numbers = |size| random_on_cpu::<1>([size], 1.0).into_data().try_into_vec::<f32>().expect("numbers");
        let values: Vec<i8> = numbers(d_input * d_output).iter().map(|v| (50.0 * v).clamp(-127.0, 127.0) as i8).collect();
        let groups = d_input.div_ceil(group);
        let scales: Vec<f32> = numbers(groups * d_output).iter().map(|v| 1e-3 * v.abs() + 1e-4).collect();
        let scale = |i: usize| scales[i / d_input * groups + i % d_input / group];
        let widened: Vec<f32> = values.iter().enumerate().map(|(i, value)| scale(i) * f32::from(*value)).collect();
        let widened = Tensor::<2>::from_data(TensorData::new(widened, [d_output, d_input]), &Device::flex()).transpose();
        let Some(weight) = int8(&values, &scales, [d_input, d_output], group as u8, &there) else {
            // GPUs read sixteen inputs at once.
            prop_assert!(d_input % 16 != 0, "no kernel");
            return Ok(());
        };
        let weight = Tensor::from_data(weight, &there);
        let bias = with_bias.then(|| random([d_output], 1.0));
        let (x, to) = (random([2, t, d_input], 1.0), random([2, t, d_output], 1.0));
        let then = match then {
            0 => Then::Nothing,
            1 => Then::Gelu,
            2 => Then::Add { to: to.narrow(0, 1, 1), gate: None },
            // A part of more, as the blocks have their gates.
            _ => Then::Add { to, gate: Some(random([2, 1, 3 * d_output], 1.0).narrow(2, d_output, d_output)) },
        };
        let packed = ops().matrix(&weight, bias.as_ref()).expect("a kernel");
        let found = packed.apply(&x, &then).expect("it takes this");
        let right = plain::linear(cpu(x.clone()), widened, bias.clone().map(cpu), cpu_then(then.clone()));
        assert_near(found, right.clone())?;
        // Where a kernel is switched off, burn widens them.
        assert_near(plain::linear(x, packed.weight(&there), bias, then), right)?;
    }

    #[test]
    fn attention(n in 1..3_usize, heads in 1..4_usize, t in 1..40_usize, s in 1..40_usize, d in 1..40_usize) {
        // Queries, keys and values lie packed, as the network has them.
        let q = random([n, t, heads, d], 1.5).swap_dims(1, 2);
        let kv = random([n, s, 2 * heads, d], 1.5).swap_dims(1, 2);
        let (k, v) = (kv.clone().narrow(1, 0, heads), kv.narrow(1, heads, heads));
        let found = ops().attention(q.clone(), k.clone(), v.clone());
        assert_near(found, plain::attention(cpu(q), cpu(k), cpu(v)))?;
    }

    #[test]
    fn conv(
        n in 1..3_usize,
        (from, to) in (1..20_usize, 1..40_usize),
        (h, w) in (1..14_usize, 1..14_usize),
        (doubled, relu) in any::<(bool, bool)>(),
        (bias, add, innermost) in any::<(bool, bool, bool)>(),
    ) {
        let weight = random([to, from, 3, 3], 0.3);
        let bias = bias.then(|| random([to], 0.5));
        let filter = Filter { doubled, relu };
        let x = if innermost { random([n, h, w, from], 1.0).permute([0, 3, 1, 2]) } else { random([n, from, h, w], 1.0) };
        let factor = if doubled { 2 } else { 1 };
        let add = add.then(|| random([n, to, factor * h, factor * w], 1.0));
        let packed = ops().filter(&weight, bias.as_ref(), filter).expect("a kernel");
        let found = packed.apply(&x, add.as_ref()).expect("it takes this");
        let plain = plain::conv(cpu(x), cpu(weight), bias.map(cpu), filter, add.map(cpu));
        assert_near(cpu(found) + 0.25, plain + 0.25)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Long enough that blocks and threads share the work.
    #[test]
    fn a_thousand_tokens(d in prop::sample::select(&[192_usize, 384][..]), heads in prop::sample::select(&[3_usize, 6][..])) {
        let x = random([1, 1024, d], 1.0);
        let weight = random([d, 3 * d], 1.0 / (d as f64).sqrt());
        let packed = ops().matrix(&weight, None).expect("a kernel");
        let qkv = packed.apply(&x, &Then::Nothing).expect("it takes this");
        assert_near(qkv.clone(), plain::linear(cpu(x), cpu(weight), None, Then::Nothing))?;
        let split = qkv.reshape([1, 1024, 3 * heads, d / heads]).swap_dims(1, 2);
        let [q, k, v] = [0, 1, 2].map(|i| split.clone().narrow(1, i * heads, heads));
        assert_near(ops().attention(q.clone(), k.clone(), v.clone()), plain::attention(cpu(q), cpu(k), cpu(v)))?;
    }

    #[test]
    fn a_large_picture(from in 16..40_usize) {
        let (x, weight) = (random([1, from, 67, 61], 1.0), random([40, from, 3, 3], 0.3));
        let filter = Filter { doubled: true, relu: false };
        let packed = ops().filter(&weight, None, filter).expect("a kernel");
        assert_near(packed.apply(&x, None).expect("it takes this"), plain::conv(cpu(x), cpu(weight), None, filter, None))?;
    }
}

/// "Same settings, same picture": the batch does not matter, to the last bit.
#[test]
fn a_picture_has_the_same_bits_in_every_batch() {
    let (x, weight, filter) = (random([5, 7, 40], 1.0), random([40, 50], 0.2), random([6, 9, 3, 3], 0.3));
    let packed = ops().matrix(&weight, None).expect("a kernel");
    let all = packed.apply(&x, &Then::Gelu).expect("it takes this");
    let q = random([5, 2, 7, 12], 1.0);
    let mixed = ops().attention(q.clone(), q.clone(), q.clone());
    let pictures = random([5, 9, 6, 7], 1.0);
    let conv = ops().filter(&filter, None, Filter { doubled: true, relu: true }).expect("a kernel");
    let convolved = conv.apply(&pictures, None).expect("it takes this");
    for i in 0..5 {
        let one = packed.apply(&x.clone().narrow(0, i, 1), &Then::Gelu).expect("it takes this");
        assert_eq!(one.into_data(), all.clone().narrow(0, i, 1).into_data());
        let q = q.clone().narrow(0, i, 1);
        assert_eq!(ops().attention(q.clone(), q.clone(), q).into_data(), mixed.clone().narrow(0, i, 1).into_data());
        let one = conv.apply(&pictures.clone().narrow(0, i, 1), None).expect("it takes this");
        assert_eq!(one.into_data(), convolved.clone().narrow(0, i, 1).into_data());
    }
}

#[test]
fn what_is_switched_off_is_computed_the_plain_way() {
    let (x, shift, scale) = (random([2, 5, 33], 1.0), random([2, 1, 33], 1.0), random([2, 1, 33], 1.0));
    let plain = plain::modulate(x.clone(), shift.clone(), scale.clone(), 1e-6).into_data();
    let off = ops().without(Operation::Modulate);
    assert_eq!(off.modulate(x.clone(), shift.clone(), scale.clone(), 1e-6).into_data(), plain);
    assert_eq!(Ops::PLAIN.modulate(x.clone(), shift.clone(), scale.clone(), 1e-6).into_data(), plain);
    assert_ne!(ops().modulate(x, shift, scale, 1e-6).into_data(), plain, "the kernel was not used");
    let weight = random([3, 3], 1.0);
    assert!(ops().matrix(&weight, None).is_some() && ops().without(Operation::Linear).matrix(&weight, None).is_none());
}
