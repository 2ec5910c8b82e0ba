//! The guided tour: chapters, each of which brings the page to what it speaks of.
//!
//! | file | what it holds |
//! |---|---|
//! | [`book`] | the chapters as data, pure |
//! | `state` | where the visitor is in it, and what the page is to do, pure |
//! | `drive` | what a chapter wishes, as events of the page, pure |
//! | `panel` | the panel beside the stage |

mod panel;

pub use panel::{OPENER, PANEL, TourPanel};
