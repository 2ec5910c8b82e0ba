//! The kernels for GPUs, in WGSL, through wgpu. They need the feature `cube` and an adapter, be it one in software, so they
//! run in a phase of their own (`cargo xtask test gpu`), which fails where there is none.

mod cases;

use burn::tensor::{Device, Distribution, Tensor, TensorData};
use ditscope_ops::{Filter, Guide, Operation, Ops, Replay, Then, plain};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Of the largest number of the plain result: a GPU's exponential is known to about 2e-6, and products are added in
/// another order.
const TOLERANCE: f32 = 2e-5;

fn device() -> Device {
    static DEVICE: LazyLock<Device> = LazyLock::new(|| {
        Device::wgpu_options().init().unwrap_or_else(|error| {
            panic!(
                "no adapter for wgpu ({error}); without a graphics card install mesa-vulkan-drivers, or let \
                 VK_ICD_FILENAMES name Chromium's vk_swiftshader_icd.json"
            )
        })
    });
    DEVICE.clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn guide(
        (n, c, side) in (1..4_usize, 1..5_usize, 1..12_usize),
        (guided, learned, clamped) in any::<(bool, bool, bool)>(),
        one_scale in any::<bool>(),
    ) {
        let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex());
        let x = random([n, c, side, side]);
        let outputs = random([2 * n, if learned { 2 * c } else { c }, side, side]);
        let by = Guide {
            scales: (0..if one_scale { 1 } else { n }).map(|i| 1.5 + i as f64).collect(),
            channels: 1.max(c - 1),
            x0: [0.6, -0.8],
            eps: [0.8, 0.6],
            range: clamped.then_some(1.2),
            process: [0.6, 0.8],
        };
        let split = |outputs: &Tensor<4>| {
            let halves = [0, n].map(|first| outputs.clone().narrow(0, first, n));
            let [cond, uncond] = halves;
            (cond, guided.then_some(uncond))
        };
        let (cond, uncond) = split(&outputs.clone().to_device(&device()));
        let found = Ops::of(&device()).guide(&x.clone().to_device(&device()), &cond, uncond.as_ref(), &by).expect("a kernel");
        let (cond, uncond) = split(&outputs);
        let right = plain::guide(x, cond, uncond, &by);
        prop_assert_eq!(found.eps_uncond.is_some(), guided);
        let all = [
            (found.x0_hat, right.x0_hat), (found.eps, right.eps), (found.unclamped, right.unclamped),
            (found.eps_cond, right.eps_cond),
        ];
        for (found, right) in all.into_iter().chain(found.eps_uncond.zip(right.eps_uncond)) {
            cases::assert_near(found, right)?;
        }
    }
}

/// A layer norm, a linear layer and a convolution of it, of x `[N, C, 4, 8]` and shift and scale `[N, 1, 16·C]`.
fn some_network(ops: Ops, n: usize, c: usize) -> impl Fn(&[Tensor<1>]) -> Tensor<4> {
    let random = |shape: [usize; 2]| Tensor::<2>::random(shape, Distribution::Normal(0.0, 0.2), &device());
    let linear = ops.matrix(&random([16 * c, 16 * c]), None).expect("a kernel");
    let filter = ops.filter(&random([5 * c, 9]).reshape([5, c, 3, 3]), None, Filter::default()).expect("a kernel");
    move |inputs| {
        let x = inputs[0].clone().reshape([n, 2, 16 * c]);
        let [shift, scale] = [0, 1].map(|k| inputs[1].clone().reshape([n, 1, 32 * c]).narrow(2, 16 * c * k, 16 * c));
        let x = ops.modulate(x, shift, scale, 1e-6);
        let x = linear.apply(&x, &Then::Gelu).expect("it takes this") * 2.0;
        filter.apply(&x.reshape([n, c, 4, 8]), None).expect("it takes this")
    }
}

#[test]
fn what_is_recorded_gives_what_it_gives_otherwise() {
    let ops = Ops::of(&device());
    let replay = Replay::default();
    let inputs = |n: usize, c: usize| {
        [32 * n * c, 32 * n * c].map(|size| Tensor::<1>::random([size], Distribution::Normal(0.0, 1.0), &device()))
    };
    let mut kept = Vec::new();
    let works = [(1, 16), (2, 4)].map(|(n, c)| (n, c, some_network(ops, n, c)));
    // Each alone, and then to and fro.
    let calls = [0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1];
    for (i, (n, c, work)) in calls.iter().map(|which| &works[*which]).enumerate() {
        let inputs = inputs(*n, *c);
        let (found, right) = (replay.call(ops, &inputs, work), work(&inputs));
        assert_eq!(replay.is_recorded(), i > 0, "call {i}");
        kept.push((found, right));
    }
    // At the end: a result must not be written over by a later one.
    for (i, (found, right)) in kept.into_iter().enumerate() {
        assert_eq!(found.into_data(), right.into_data(), "result {i}");
    }
}

#[test]
fn work_that_panics_while_it_is_recorded_leaves_the_device_as_it_was() {
    let ops = Ops::of(&device());
    let (replay, times) = (Replay::default(), AtomicUsize::new(0));
    let call = || {
        let x = Tensor::<1>::ones([64], &device());
        let doubled: Tensor<1> = replay.call(ops, &[x], |inputs| {
            // As ever, once more before it is recorded, and then.
            assert_ne!(times.fetch_add(1, Ordering::Relaxed), 2, "on purpose");
            inputs[0].clone() * 2.0
        });
        doubled.into_data().try_into_vec::<f32>().expect("numbers")
    };
    assert_eq!(call(), [2.0; 64]);
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    assert_eq!(call(), [2.0; 64]);
    assert!(!replay.is_recorded());
}

#[test]
fn without_recordings_all_is_computed_as_ever() {
    let ops = Ops::of(&device()).without(Operation::Replay);
    let (replay, work) = (Replay::default(), some_network(ops, 1, 4));
    let inputs = [1, 2].map(|seed| Tensor::<1>::ones([128], &device()) * seed as f64);
    for _ in 0..3 {
        assert_eq!(replay.call(ops, &inputs, &work).into_data(), work(&inputs).into_data());
        assert!(!replay.is_recorded());
    }
}
