//! The page without a browser: its state, what can happen ([`Event`]), and what is to be done outside ([`Effect`]).
//!
//! A feature has a folder with its state, its events and what they change. [`Page`] holds them all and is the one
//! place where an event goes in and effects come out. Everything here is plain data and is tested natively.
//!
//! It must not know a browser, a view, a tensor library or a language: what the visitor is told is a [`Notice`], and
//! the words are looked up where it is shown. So a change of language changes all that is on the screen.

pub mod address;
mod asks;
pub mod cells;
pub mod colour;
pub mod compare;
mod event;
pub mod film;
pub mod findings;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
mod floats;
mod follow;
pub mod forward;
pub mod growth;
pub mod inside;
pub mod lab;
pub mod labels;
mod language;
mod mode;
mod model_ref;
pub mod models;
mod notice;
pub mod pace;
mod page;
pub mod run;
mod shared;
mod silence;
pub mod slice;
pub mod sound;
pub mod stage;
mod status;
pub mod take;
pub mod timeline;
pub mod tour;
pub mod training;
mod update;
mod visit;
pub mod word;

pub use event::{Choice, Effect, Event};
pub use language::Language;
pub use mode::Mode;
pub use model_ref::{DEFAULT_MODEL, ModelRef, TOUR_MODEL};
pub use models::{ModelState, Progress};
pub use notice::{Allowed, Misfit, Notice};
pub use page::Page;
pub use run::{Decoding, Failure, Pace, RunState};
pub use shared::Shared;
pub use silence::Watch;
pub use status::Status;
pub use visit::{Kept, PageDepth, Visit};
