//! Whether a shard is the one that the index means.

use super::WeightsError;
use ditscope_tensor_file::ShardInfo;
use sha2::{Digest, Sha256};

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
