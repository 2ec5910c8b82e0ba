//! Where in the film the visitor is, and the player.

mod pacing;
mod state;

pub use pacing::Pacing;
pub(crate) use state::Around;
pub use state::{Event, Speed, Timeline};
