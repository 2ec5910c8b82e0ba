//! Taking results away, and showing the page to others.
//!
//! | file | what it holds |
//! |---|---|
//! | [`state`] | what is being made and how that went; presenter mode, pure |
//! | [`choice`] | what there is to save: frames, pictures, file names, pure |
//! | [`sheet`] | the contact sheet's layout, pure |
//! | [`gif`] | a film as GIF, pure |
//! | [`data`] | a run as JSON and as tensors, pure |
//! | `make` | carries it out in the browser: files, video, clipboard |
//! | `dialog` | the dialog, and the buttons that open it |
//! | `show` | presenter mode (full screen) and embed mode |

mod dialog;
mod make;
mod show;

pub use dialog::{SaveButton, SaveContent};
pub(super) use make::make;
pub use show::{PresentBar, PresentButton, Shown};
