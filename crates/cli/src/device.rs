//! Which device computes.

use anyhow::Result;
use burn::tensor::Device;
use clap::ValueEnum;
use ditscope_core::generate::Model;
use ditscope_model_dir as model_dir;
use ditscope_ops::Ops;
use std::path::Path;

/// The devices that this build has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DeviceChoice {
    /// burn's flex backend on all cores.
    #[default]
    Cpu,
    /// The first GPU through Vulkan.
    #[cfg(feature = "vulkan")]
    Vulkan,
}

impl DeviceChoice {
    pub fn device(self) -> Device {
        match self {
            Self::Cpu => Device::flex(),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Device::vulkan(burn::tensor::DeviceKind::DefaultDevice),
        }
    }

    /// A model on this device that is to run, with the kernels that there are for it.
    ///
    /// # Errors
    /// As [`model_dir::load`].
    pub fn load(self, model: &Path) -> Result<Model> {
        let device = self.device();
        Ok(model_dir::load(model, &device)?.fused(Ops::of(&device)))
    }

    /// Threads that are worth giving whole jobs to: a GPU is best fed by one.
    pub fn threads(self) -> usize {
        match self {
            Self::Cpu => super::parallel::cores(),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => 1,
        }
    }
}
