//! Weights as bytes: sharded safetensors with an index, hashes checked, into modules and back.
//!
//! One loader for native and web: no file, no network, no browser in here.
//! The `safetensors` crate reads the container; burn's `ModuleMapper` walks the
//! parameters; what is in between (names, layouts, checks) is [`keys`] and `load`.

mod error;
pub mod keys;
mod load;
mod save;
mod shards;

pub use error::WeightsError;
pub use load::Loader;
pub use save::{Dtype, NamedTensor, Shard, ShardedWeights, collect, write_shards};
pub use shards::{INDEX_FILE, ShardInfo, WeightsIndex, sha256_hex, verify};
