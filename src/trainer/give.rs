//! The trained model as the files of a folder, and as one zip of them.

use ditscope_core::generate::Model;
use ditscope_core::weights::{Dtype, INDEX_FILE, write_shards};
use ditscope_protocol::{Reason, Refusal};
use std::io::{Cursor, Write};
use zip::write::{SimpleFileOptions, ZipWriter};

/// Shards as `dit` writes them.
const SHARD_BYTES: usize = 4 << 20;
/// The folder in the zip.
const FOLDER: &str = "ditscope-trained";

/// Name and bytes of each file.
pub type Files = Vec<(String, Vec<u8>)>;

/// What `dit` writes of a model.
pub fn files(model: &Model) -> Files {
    let sharded = write_shards(&model.tensors(), Dtype::F16, SHARD_BYTES);
    // Plain data: their JSON cannot fail.
    let config = serde_json::to_vec_pretty(&model.config).unwrap_or_default();
    let index = serde_json::to_vec_pretty(&sharded.index).unwrap_or_default();
    let shards = sharded.shards.into_iter().map(|shard| (shard.file, shard.bytes));
    [("config.json".to_owned(), config), (INDEX_FILE.to_owned(), index)].into_iter().chain(shards).collect()
}

/// All of them in one file, in a folder.
///
/// # Errors
/// Files that no zip can hold.
pub fn zipped(files: &Files) -> Result<Files, Refusal> {
    let all = || {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // Weights do not get smaller.
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, bytes) in files {
            archive.start_file(format!("{FOLDER}/{name}"), stored)?;
            archive.write_all(bytes)?;
        }
        Ok(archive.finish()?.into_inner())
    };
    let bytes = all().map_err(|error: zip::result::ZipError| Reason::Device.found(error))?;
    Ok(vec![(format!("{FOLDER}.zip"), bytes)])
}
