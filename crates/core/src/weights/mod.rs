//! Weights as bytes: sharded safetensors with an index, hashes checked, into modules and back.
//!
//! One loader for native and web: no file, no network, no browser in here.
//! The `safetensors` crate reads the container, [`ditscope_tensor_file`] writes it and has the index; burn's
//! `ModuleMapper` walks the parameters; what is in between (names, layouts, checks) is [`keys`], `parameters` and `load`.

mod check;
mod error;
pub mod int8;
pub mod keys;
mod load;
mod numbers;
mod parameters;
mod random;
mod save;
mod verify;

pub use check::Checker;
pub use ditscope_tensor_file::{INDEX_FILE, IndexError, ShardInfo, WeightsIndex};
pub use error::WeightsError;
pub use load::{LinearWeights, Loader};
pub(crate) use numbers::transpose;
pub use numbers::widen;
pub use parameters::{Parameter, parameters};
pub use random::RandomWeights;
pub use save::{Dtype, NamedTensor, Shard, ShardedWeights, collect, write_shards};
pub use verify::{sha256_hex, verify};
