//! Files of tensors as bytes: the header of a safetensors file (<https://github.com/huggingface/safetensors>), which
//! tensors share a shard, and the index over the shards (Hugging Face's `model.safetensors.index.json`). And training latents
//! in 8 bits ([`LatentSet`]), which page and training read alike.
//!
//! Whatever writes such files uses this: the page, which saves a run; `ditscope-core`, which packs modules;
//! `ditscope-convert`, which streams. Tensors are read with the `safetensors` library.
//!
//! It must not know a tensor library, a file system, a hash or a browser: names, types, shapes and sizes go in, bytes
//! come out. The page downloads what it uses of it, so what only others need must not be called by what it calls.

mod header;
mod index;
mod latents;
mod shards;

pub use header::{Dtype, Entry, header, ordered_header};
pub use index::{INDEX_FILE, IndexError, IndexMetadata, ShardInfo, WeightsIndex, is_plain_name};
pub use latents::{LATENTS_DATA, LATENTS_FILE, LatentSet, LatentsError, LatentsInfo};
pub use shards::{plan_shards, shard_name};

/// What the names of such files end with.
pub const EXTENSION: &str = "safetensors";

#[cfg(test)]
mod tests {
    use proptest::test_runner::Config;

    /// `cases` random inputs; what fails is printed, not written into the source tree.
    pub fn cases(cases: u32) -> Config {
        Config { cases, failure_persistence: None, ..Config::default() }
    }
}
