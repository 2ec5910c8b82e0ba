//! What a feature wants done after an event.

use crate::asks::Question;
use crate::compare::What;
use crate::{Effect, Event};

/// One thing that follows.
#[derive(Debug, Clone)]
pub enum Follow {
    /// Something outside.
    Do(Effect),
    /// A question to the worker.
    Ask(Question),
    /// Something that the page, or another feature, does as if the visitor had done it.
    React(Event),
    /// A run that waits will not begin.
    Unqueue,
    /// Compare this; nothing: what is usual.
    Compare(Option<What>),
}

pub type Effects = Vec<Follow>;
