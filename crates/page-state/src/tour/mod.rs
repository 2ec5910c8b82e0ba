//! The guided tour: its chapters, and how it has the page show what a chapter explains.

mod before;
mod book;
mod drive;
mod state;
mod steer;

pub use before::Before;
pub use book::{Book, Chapter, Formula, Look, Wish};
pub use drive::previews;
pub use state::{Depth, Drive, Event, Obstacle, Tour, obstacle};
pub use steer::Progress;
