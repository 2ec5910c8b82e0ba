//! The stage: a step of the run in several views.

mod content;
mod kind;
mod state;

pub use content::{Content, Map, Nothing, Reading, Scene, content, is_fitted, limit};
pub use kind::ViewKind;
pub(crate) use state::clean_latent;
pub use state::{Decoded, Event, Sight, Spot, Views};
