//! Weights as bytes: sharded safetensors with an index, hashes checked, into modules and back.
//!
//! One loader for native and web: no file, no network, no browser in here.
//! The `safetensors` crate reads the container; burn's `ModuleMapper` walks the
//! parameters; what is in between (names, layouts, checks) is [`keys`] and `load`.

mod check;
mod error;
pub mod int8;
pub mod keys;
mod load;
mod numbers;
mod save;
mod shards;

pub use check::Checker;
pub use error::WeightsError;
pub use load::Loader;
pub use numbers::widen;
pub use save::{Dtype, NamedTensor, Shard, ShardedWeights, collect, plan_shards, shard_name, write_shards};
pub use shards::{INDEX_FILE, ShardInfo, WeightsIndex, sha256_hex, verify};
