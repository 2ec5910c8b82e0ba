//! Which views of a step the stage shows; pure.

use crate::ui::asks::Answered;
use crate::ui::state::{AppState, Effect};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Views {}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {}

impl AppState {
    pub(in crate::ui) fn update_views(&mut self, event: Event) -> Vec<Effect> {
        match event {}
    }

    pub(in crate::ui) fn stage_answered(&mut self, _id: u32, _answered: Answered) -> Vec<Effect> {
        vec![]
    }
}
