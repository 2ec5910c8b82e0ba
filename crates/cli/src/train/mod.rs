//! Training on files and threads: the autoencoder, the transformer on its latents, and the classifier that judges samples.
//!
//! What a step is has a crate of its own (`ditscope-train`). [`Trainer`] is what the three share: data-parallel steps,
//! checkpoints, a CSV log and a progress bar.

pub mod autoencoder;
mod checkpoint;
pub mod classifier;
pub mod dit;
mod latents;
mod step;
mod trainer;

pub use latents::encode_latents;
pub use trainer::{TrainOptions, Trainer};
