//! The guided tour: its chapters, and how it brings the page to what a chapter speaks of.

mod book;
mod drive;
mod state;

pub use book::{Book, Chapter, Formula, Look, Wish};
pub use state::{Depth, Drive, Event, Obstacle, Progress, Tour};
