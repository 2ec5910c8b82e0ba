//! The kernels for burn's CPU backend.
#![cfg(feature = "flex")]

mod cases;

use burn::tensor::Device;

/// Of the largest number of the plain result.
const TOLERANCE: f32 = 1e-5;

fn device() -> Device {
    Device::flex()
}
