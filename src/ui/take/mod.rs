//! Saving results, and showing the page to others. Its state is [`ditscope_page_state::take`]; GIFs, videos and contact
//! sheets are made by [`ditscope_export`].
//!
//! | file | what it holds |
//! |---|---|
//! | `make` | makes what is saved: files, clipboard |
//! | `video` | has the browser encode a film |
//! | `dialog` | the dialog, and the buttons that open it |
//! | `show` | presenter mode (full screen) and embed mode |

mod dialog;
mod make;
mod show;
mod video;

pub use dialog::{SaveButton, SaveContent};
pub(super) use make::{download, make};
pub use show::{PresentBar, PresentButton, Shown};
