//! A run: from seeds to pictures, one step at a time.
//!
//! Knows no browser and no file. [`Run::step`] only enqueues work on the device;
//! whoever calls reads tensors back (asynchronously on the web) and decides
//! between two steps whether to go on.

mod model;
mod noise;
mod passes;
mod reading;
mod run;

pub use crate::diffusion::guidance::Guidance;
pub use model::{Model, latent_shape};
pub use noise::Noise;
pub use run::{Outline, Part, Request, Run, Start, Step, Watched};
