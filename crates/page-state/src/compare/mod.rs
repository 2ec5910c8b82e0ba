//! Several settings beside one another: guidance scales in one run, samplers or numbers of steps in one run each.

mod comparison;
pub mod maps;
mod state;
mod what;

pub use comparison::{Column, Comparison, Made, strip};
pub use state::{Compare, Event, Rows, has_room, what};
pub use what::{Axis, COLUMNS, What};
