//! Where in the film the visitor is, and the player.

mod state;

pub(crate) use state::Around;
pub use state::{Event, Speed, Timeline};
