//! The run under way and the films: started, held, cancelled, and pictures decoded on demand.

mod decoding;
mod loss;
mod state;

pub use decoding::Decoding;
pub(crate) use decoding::Place;
pub(crate) use state::Plan;
pub use state::{Event, Failure, Link, Pace, Prepared, Run, RunState};
