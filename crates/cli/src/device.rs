//! Which device computes.

use burn::tensor::Device;
use clap::ValueEnum;

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

    /// Threads that are worth giving whole jobs to: a GPU is best fed by one.
    pub fn threads(self) -> usize {
        match self {
            Self::Cpu => super::parallel::cores(),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => 1,
        }
    }
}
