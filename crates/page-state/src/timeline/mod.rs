//! The player, which looks back over the kept frames, and the pace of the run under way.

mod state;

pub use state::{Event, Player, Speed};
