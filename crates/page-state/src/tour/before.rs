//! What the tour gives back.

use crate::address::Chosen;
use crate::stage::ViewKind;
use crate::{Mode, ModelRef};

/// What was set when the visitor opened the tour; it comes back when the tour is closed.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    pub(crate) model: ModelRef,
    pub(crate) chosen: Chosen,
    pub(crate) mode: Mode,
    pub(crate) views: Vec<ViewKind>,
}
