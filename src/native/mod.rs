//! The command line: train, evaluate, sample, inspect.

pub mod classifier;
pub mod cli;
pub mod data;
pub mod device;
pub mod eval;
pub mod frechet;
pub mod image;
pub mod model_dir;
mod parallel;
mod record;
pub mod sample;
pub mod train;
