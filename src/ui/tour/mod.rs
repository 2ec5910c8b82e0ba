//! The guided tour: the panel beside the stage. The chapters, and how one has the page show what it explains, are in
//! [`ditscope_page_state::tour`].

mod panel;
mod pictures;

pub use panel::{OPENER, PANEL, TourPanel};
