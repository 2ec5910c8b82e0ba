//! The names that a checkpoint may mention.

use anyhow::{Result, bail};
use safetensors::Dtype;

/// What stands behind a name. Nothing is ever imported or called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Dtype),
    /// Options and counters beside the weights: allowed there, and without content here.
    Inert,
}

impl Global {
    /// # Errors
    /// The name is none that a checkpoint needs.
    pub fn find(module: &str, name: &str) -> Result<Self> {
        if module == "torch"
            && let Some(kind) = name.strip_suffix("Storage")
        {
            return Ok(Self::Storage(match kind {
                "Float" => Dtype::F32,
                "Half" => Dtype::F16,
                "BFloat16" => Dtype::BF16,
                "Double" => Dtype::F64,
                "Long" => Dtype::I64,
                "Int" => Dtype::I32,
                "Short" => Dtype::I16,
                "Char" => Dtype::I8,
                "Byte" => Dtype::U8,
                "Bool" => Dtype::BOOL,
                _ => bail!("storages of the type torch.{name} are not supported"),
            }));
        }
        match (module, name) {
            ("collections", "OrderedDict") => Ok(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => Ok(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Ok(Self::RebuildParameter),
            (
                "torch",
                "Size" | "device" | "float32" | "float16" | "bfloat16" | "float64" | "int64" | "int32" | "int16"
                | "int8" | "uint8" | "bool",
            )
            | ("argparse", "Namespace")
            | ("collections", "defaultdict" | "Counter")
            | (
                "builtins" | "__builtin__",
                "set" | "frozenset" | "list" | "dict" | "int" | "float" | "bool" | "complex",
            )
            | ("pathlib", "Path" | "PosixPath" | "WindowsPath" | "PurePosixPath" | "PureWindowsPath")
            | ("numpy", "dtype" | "ndarray" | "float32" | "float64" | "int64")
            | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar" | "_reconstruct")
            | ("_codecs", "encode") => Ok(Self::Inert),
            _ => bail!(
                "the file names {module}.{name}, which no weights need; nothing of it was run. If you trust it, load it \
                 in Python and save model.state_dict() alone"
            ),
        }
    }
}
