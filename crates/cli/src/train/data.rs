//! Which data and weights a training began with.

use burn::module::Module;
use ditscope_core::weights::{collect, sha256_hex};
use ditscope_train::Dataset;

/// Name, size and hash of a training set, for people and to tell it from others.
pub fn fingerprint(data: &Dataset) -> String {
    let hashes = [sha256_hex(&data.images), sha256_hex(&data.labels)].concat();
    format!("{} ({} pictures, {})", data.info.name, data.len(), short(hashes.as_bytes()))
}

/// The same of a module's weights.
pub fn hash(module: &impl Module) -> String {
    let tensors = collect(module, "");
    let bytes: Vec<u8> =
        tensors.iter().flat_map(|tensor| &tensor.values).flat_map(|value| value.to_le_bytes()).collect();
    format!("({})", short(&bytes))
}

fn short(bytes: &[u8]) -> String {
    format!("SHA-256 {}…", &sha256_hex(bytes)[..16])
}
