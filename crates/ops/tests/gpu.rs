//! The kernels for GPUs, in WGSL, through wgpu. They need the feature `cube` and an adapter, be it one in software, so they
//! run in a phase of their own (`cargo xtask test gpu`), which fails where there is none.

mod cases;

use burn::tensor::Device;
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
