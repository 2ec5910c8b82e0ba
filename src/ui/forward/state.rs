//! The state of this part of the page, and what changes it; pure.

use crate::ui::asks::Answered;
use crate::ui::state::{AppState, Effect};
use crate::ui::update::Plan;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Forward {}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {}

impl AppState {
    pub(in crate::ui) fn update_forward(&mut self, event: Event) -> Vec<Effect> {
        match event {}
    }

    /// What Generate starts in this mode.
    pub(in crate::ui) fn plan_from_picture(&mut self) -> Option<Plan> {
        Some(Plan::new(self.settings()))
    }

    pub(in crate::ui) fn forward_answered(&mut self, _id: u32, _answered: Answered) -> Vec<Effect> {
        vec![]
    }
}
