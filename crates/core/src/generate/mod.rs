//! A run: from seeds to pictures, one step at a time.
//!
//! Knows no browser and no file. [`Run::step`] only enqueues work on the device;
//! whoever calls reads tensors back (asynchronously on the web) and decides
//! between two steps whether to go on.

mod departing;
mod measuring;
mod model;
mod noise;
mod painting;
mod passes;
mod reading;
mod request;
mod run;
mod step;
mod untrained;

pub use crate::diffusion::guidance::Guidance;
pub use model::{Model, latent_shape};
pub use noise::{Noise, between};
pub use passes::Passes;
pub use request::{Request, Start};
pub use run::{Outline, Run};
pub use step::{Batch, Part, Step, Watched};
