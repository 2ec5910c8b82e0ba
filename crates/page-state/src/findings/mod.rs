//! What was measured of the shipped models, as the page shows it.

mod read;

pub use read::*;
