//! The state of this part of the page, and what changes it; pure.

use crate::ui::asks::Answered;
use crate::ui::state::{AppState, Effect};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inside {}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {}

impl AppState {
    pub(in crate::ui) fn update_inside(&mut self, event: Event) -> Vec<Effect> {
        match event {}
    }

    pub(in crate::ui) fn inside_answered(&mut self, _id: u32, _answered: Answered) -> Vec<Effect> {
        vec![]
    }
}
