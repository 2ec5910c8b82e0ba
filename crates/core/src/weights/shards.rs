//! The index beside the shards (Hugging Face's `model.safetensors.index.json`), and their hashes.

use super::WeightsError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The index's file name in a model folder.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// Which tensor is in which shard, and what each shard must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsIndex {
    pub metadata: IndexMetadata,
    /// Tensor name → shard file name.
    pub weight_map: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexMetadata {
    /// Bytes of all tensors.
    pub total_size: u64,
    /// Numbers in all tensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_parameters: Option<u64>,
    /// Shard file name → size and hash of the whole file.
    pub shards: BTreeMap<String, ShardInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardInfo {
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl WeightsIndex {
    /// Reads and checks an index.
    ///
    /// # Errors
    /// [`WeightsError::BadIndex`] for anything that is not JSON of this shape, for a tensor in a shard
    /// that is not described, and for shard names that could lead out of the model's folder.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, WeightsError> {
        let bad = |reason: String| WeightsError::BadIndex { file: file.to_owned(), reason };
        let index: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if index.metadata.shards.is_empty() {
            return Err(bad("it lists no shard".into()));
        }
        for name in index.metadata.shards.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if !name.chars().all(plain) || name.starts_with('.') {
                return Err(bad(format!("'{name}' is not a plain file name")));
            }
        }
        if let Some((tensor, shard)) = index.weight_map.iter().find(|(_, s)| !index.metadata.shards.contains_key(*s)) {
            return Err(bad(format!("tensor '{tensor}' is in '{shard}', which metadata.shards does not list")));
        }
        Ok(index)
    }

    /// Bytes of all shard files.
    pub fn total_bytes(&self) -> u64 {
        self.metadata.shards.values().map(|shard| shard.size).fold(0, u64::saturating_add)
    }
}

/// Checks a shard's bytes against the index.
///
/// # Errors
/// [`WeightsError::WrongSize`] or [`WeightsError::WrongHash`], naming the file.
pub fn verify(file: &str, bytes: &[u8], info: &ShardInfo) -> Result<(), WeightsError> {
    if bytes.len() as u64 != info.size {
        return Err(WeightsError::WrongSize { file: file.to_owned(), expected: info.size, actual: bytes.len() as u64 });
    }
    let actual = sha256_hex(bytes);
    if !actual.eq_ignore_ascii_case(&info.sha256) {
        return Err(WeightsError::WrongHash { file: file.to_owned(), expected: info.sha256.clone(), actual });
    }
    Ok(())
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
