//! Inside the Transformer: attention, norms of the tokens, and what the condition does to each block.

pub mod heat;
mod keys;
mod state;
mod trace;

pub use keys::moved;
pub use state::{Event, Inside, Known, Obstacle, Panel};
pub use trace::{Modulation, Trace, VECTORS, largest};
