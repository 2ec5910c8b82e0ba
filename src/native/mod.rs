//! The command line: train, evaluate, sample, inspect.

mod bench;
pub mod classifier;
pub mod cli;
pub mod convert;
pub mod data;
mod decode;
pub mod device;
pub mod eval;
mod forward;
pub mod frechet;
pub mod image;
pub mod index;
mod info;
pub mod model_dir;
mod neighbours;
mod parallel;
mod prune;
mod record;
pub mod sample;
mod samples;
mod sound;
mod tensors;
pub mod train;
