//! Running a kernel.

use super::template::{Constant, expand};
use burn::tensor::Shape;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::metadata::Info;
use cubecl::ir::{ElemType, UIntKind};
use cubecl::prelude::*;
use cubecl::server::{KernelArguments, MetadataBindingInfo};
use cubecl::{CubeKernel, PrecompiledSource};

/// A kernel in WGSL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wgsl {
    pub name: &'static str,
    pub template: &'static str,
    pub constants: Vec<Constant>,
    /// Of a workgroup, each way.
    pub units: [u32; 3],
}

impl Wgsl {
    /// Runs it, in `groups` workgroups each way.
    ///
    /// The buffers are bound in this order, the one that is written last. `info` comes after them.
    pub fn launch(self, groups: [u32; 3], read: Vec<CubeTensor>, written: &CubeTensor, info: &[u32]) {
        let client = written.client.clone();
        let buffers = read.into_iter().map(|tensor| (tensor, BufferIOAttr::ReadOnly));
        let buffers = buffers.chain([(written.clone(), BufferIOAttr::ReadWrite)]);
        let arguments = buffers.fold(KernelArguments::new(), |arguments, (tensor, io)| {
            arguments.with_buffer_io(tensor.handle.binding(), io)
        });
        let word = |pair: &[u32]| u64::from(pair[0]) | u64::from(*pair.get(1).unwrap_or(&0)) << 32;
        let info = MetadataBindingInfo::custom(info.chunks(2).map(word).collect());
        let [x, y, z] = groups;
        client.launch(Box::new(self), CubeCount::Static(x, y, z), arguments.with_info(info));
    }
}

impl KernelMetadata for Wgsl {
    fn name(&self) -> &'static str {
        self.name
    }

    fn id(&self) -> KernelId {
        let [x, y, z] = self.units;
        // Every index is clamped in the text.
        KernelId::new::<Self>().cube_dim((x, y, z).into()).mode(ExecutionMode::Unchecked).info(self.clone())
    }

    fn address_type(&self) -> ElemType {
        UIntKind::U32.into()
    }
}

impl CubeKernel for Wgsl {
    /// Empty: the text is the kernel.
    fn define(&self) -> KernelDefinition {
        let [x, y, z] = self.units;
        let settings = KernelSettings::new((x, y, z).into(), ExecutionMode::Unchecked, AddressType::U32);
        KernelDefinition { body: Scope::root(settings.clone()), settings, info: Info::default() }
    }

    fn source(&self) -> Option<PrecompiledSource> {
        let source = expand(self.template, &self.constants);
        Some(PrecompiledSource { source, entrypoint_name: "main".into(), lang: LANGUAGE })
    }
}

/// As the compiler of a device is called that takes this text.
const LANGUAGE: &str = "wgsl";

/// A tensor on the same device, with its numbers one after the other and no values yet.
pub fn empty_like<const D: usize>(tensor: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    let bytes = shape.iter().product::<usize>() * tensor.dtype.size();
    let handle = tensor.client.empty(bytes);
    CubeTensor::new_contiguous(tensor.client.clone(), tensor.device.clone(), Shape::from(shape), handle, tensor.dtype)
}
