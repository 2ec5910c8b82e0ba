//! What was measured of the shipped models, as the page shows it.

pub mod growth;
mod read;

pub use read::*;
