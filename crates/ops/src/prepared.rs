//! What was made of a module's parameters for the kernels of its device.

use burn::module::{Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor};
use burn::tensor::Device;
use std::fmt::Debug;

/// Stands in a module beside the parameters that it was made of. It is no parameter itself, and it is forgotten wherever
/// they may become others: when the module is loaded, mapped, moved, or made ready for training.
#[derive(Debug, Clone)]
pub struct Prepared<T>(Option<T>);

impl<T> Prepared<T> {
    pub const NOTHING: Self = Self(None);

    pub fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T> From<Option<T>> for Prepared<T> {
    fn from(made: Option<T>) -> Self {
        Self(made)
    }
}

impl<T: Clone + Debug + Send> Module for Prepared<T> {
    fn visit<V: ModuleVisitor>(&self, _visitor: &mut V) {}

    fn map<M: ModuleMapper>(self, _mapper: &mut M) -> Self {
        Self::NOTHING
    }

    fn to_device(self, _device: &Device) -> Self {
        Self::NOTHING
    }

    fn fork(self, _device: &Device) -> Self {
        Self::NOTHING
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        devices
    }

    fn materialize(self) -> Self {
        Self::NOTHING
    }

    /// Gradients are not wanted of what has been prepared; validation changes nothing.
    fn valid(&self) -> Self {
        self.clone()
    }

    fn train(self) -> Self {
        Self::NOTHING
    }
}

impl<T> ModuleDisplayDefault for Prepared<T> {
    fn content(&self, content: Content) -> Option<Content> {
        content.optional()
    }
}

impl<T> ModuleDisplay for Prepared<T> {}
