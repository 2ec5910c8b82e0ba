/// Why shards could not be read. Every message names the thing and the cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    #[error(
        "{file}: {actual} bytes where the index says {expected}: the file is truncated or of another version. Download it again."
    )]
    WrongSize { file: String, expected: u64, actual: u64 },
    #[error("{file}: the SHA-256 is {actual}, the index says {expected}: the file is corrupt. Download it again.")]
    WrongHash { file: String, expected: String, actual: String },
    #[error("{file}: not a safetensors file ({reason}). Download or convert the model again.")]
    BadShard { file: String, reason: String },
    #[error(
        "tensor '{tensor}' has shape {actual:?}, the configuration wants {expected:?}: config.json and the weights are not of one model."
    )]
    WrongShape { tensor: String, expected: Vec<usize>, actual: Vec<usize> },
    #[error("tensor '{tensor}' has the unsupported type {dtype}: convert it to F32, F16 or BF16.")]
    WrongDtype { tensor: String, dtype: String },
    #[error("tensor '{tensor}' holds NaN or infinite numbers: the training or the conversion that made it failed.")]
    NotFinite { tensor: String },
    #[error("tensor '{tensor}' is no part of what the configuration describes: the two are not of one model.")]
    Unknown { tensor: String },
    #[error("tensor '{tensor}' is in {file}, where the index does not list it. Download or convert the model again.")]
    Misplaced { tensor: String, file: String },
    #[error("tensors are missing from the weights: {}. config.json and the weights are not of one model.", list(.0))]
    Missing(Vec<String>),
}

fn list(names: &[String]) -> String {
    let shown = names.iter().take(3).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=3 => shown,
        more => format!("{shown} and {} more", more - 3),
    }
}
