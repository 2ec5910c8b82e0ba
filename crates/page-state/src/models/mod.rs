//! The models: which there are to choose from, what this browser stores of them, and how one comes into use.

pub mod folder;
mod known;
mod loading;
mod progress;
mod state;

pub use known::{Added, Adding, BIG, Listing, StorageReport, Stored, is_in_8_bits, non_commercial, to_fetch};
pub(crate) use loading::Loaded;
pub use progress::Progress;
pub(crate) use state::{Around, WorkerState};
pub use state::{Event, ModelState, Models};

#[cfg(test)]
pub use known::tests;
