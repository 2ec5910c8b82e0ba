//! What a step costs on the visitor's device: which models are measured, how one is, and what came of it. Pure.
//!
//! It is used by the part of the page that comes later and lives there, not in [`crate::Page`], whose code comes first. It
//! measures in workers of its own, so that model, settings and pictures of the page stay as they are.

mod figures;
mod report;
mod state;
#[cfg(test)]
mod state_tests;
mod trial;
mod what;

pub use figures::{Extrapolated, Figures, Sample, Spread};
pub use report::{Here, json};
pub use state::{Event, Row, State};
pub use trial::{Effect, Stage};
pub use what::{Failure, Offer, Subject, offers};
