//! What can be taken away of a film: what is being made, under which names, and the data.

pub mod choice;
pub mod data;
pub mod file_name;
mod state;

pub use state::{About, Event, Export, Made, Making, Subject, Take, about, embed_code};
