//! Training: the autoencoder, the transformer on its latents, and the classifier that judges samples.
//!
//! [`Trainer`] is what the three share: data-parallel steps, AdamW, warm-up and
//! cosine decay, clipping, EMA, checkpoints, a CSV log and a progress bar. Each
//! task brings a model and a loss.

pub mod autoencoder;
mod checkpoint;
pub mod classifier;
pub mod dit;
pub(super) mod dit_task;
mod optimizer;
mod step;
mod trainer;

pub use trainer::{Task, TrainOptions, Trainer};
