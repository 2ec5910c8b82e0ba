//! Training in the tab: what is set, what the trainer said, and what is looked at. Pure.
//!
//! It is used by the part of the page that comes later and lives there, not in [`crate::Page`], whose code comes first.

mod state;
#[cfg(test)]
mod state_tests;
mod told;
mod what;

pub use state::{State, beat, time_left};
pub use what::{Choice, Effect, Event, Exercise, Phase, Remembered, Running, Said, Samples, Source};
