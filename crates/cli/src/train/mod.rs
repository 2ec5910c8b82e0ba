//! Training on files and threads: the autoencoder, the transformer on its latents, and the classifier that judges samples.
//!
//! What a step is has a crate of its own (`ditscope-train`). [`Trainer`] is what the three share: data-parallel steps,
//! checkpoints with what the training began with, a CSV log, and how far it is.

pub mod autoencoder;
mod begun;
mod checkpoint;
pub mod classifier;
mod data;
pub mod dit;
mod given;
pub mod growth;
mod latents;
mod log;
mod meter;
mod shape;
mod step;
mod trainer;

pub use latents::encode_latents;
pub use shape::Prediction;
pub use trainer::{TrainOptions, Trainer};
