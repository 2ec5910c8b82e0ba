//! The forward process: a picture becomes a latent, the latent is noised, and a run goes back from there.

mod facts;
mod noise;
mod opinion;
pub mod picture;
pub mod png;
mod questions;
mod state;
mod steps;

pub use facts::{last_t, spread_t};
pub use noise::{PLACES, SeenNoise, Spot};
pub use opinion::{Opinion, Verdict, shares};
pub use picture::Unreadable;
pub use questions::Noised;
pub(crate) use state::Planned;
pub use state::{Event, Forward, MARKS, Note, Own, Sheet, Source, can_encode, latent_shape};
pub use steps::{Beginning, mark};
