//! The kernels for GPUs, in WGSL, through wgpu. They need the feature `cube` and an adapter, be it one in software, so they
//! run in a phase of their own (`cargo xtask test gpu`), which fails where there is none.

mod cases;

use burn::tensor::{Device, Distribution, Tensor};
use ditscope_ops::{Guide, Ops, plain};
use proptest::prelude::*;
use std::sync::LazyLock;

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
