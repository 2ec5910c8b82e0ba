//! What a feature wants done after an event.

use crate::Effect;
use crate::asks::Question;
use crate::compare::What;

/// One thing that follows.
#[derive(Debug, Clone)]
pub enum Follow {
    /// Something outside.
    Do(Effect),
    /// A question to the worker.
    Ask(Question),
    /// Go to this position of the film.
    Seek(usize),
    /// Start a run.
    Generate,
    /// Large, with few controls; or back.
    Present(bool),
    /// A run that waits will not begin.
    Unqueue,
    /// Compare this; nothing: what is usual.
    Compare(Option<What>),
}

pub type Effects = Vec<Follow>;
