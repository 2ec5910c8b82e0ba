//! The command line: train, evaluate, sample, inspect.

pub mod cli;
pub mod data;
pub mod device;
pub mod image;
pub mod model_dir;
pub mod train;
