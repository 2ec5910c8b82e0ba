//! What a feature wants done after an event.

use crate::asks::Question;
use crate::compare::What;
use crate::run::Plan;
use crate::{Effect, Event, Notice};

/// One thing that follows.
#[derive(Debug, Clone)]
pub(crate) enum Follow {
    /// Something outside.
    Do(Effect),
    /// A question to the worker.
    Ask(Question),
    /// What a visitor would do.
    Act(Event),
    /// Tell the visitor, …
    Tell(Notice),
    /// … unless that was told already.
    TellOnce(Notice),
    /// Go to this position of the film.
    Seek(usize),
    /// The film rests.
    StopPlaying,
    /// The timeline no longer goes along with the newest frame.
    StopFollowing,
    /// Start the run that Generate would.
    Generate,
    /// Start this run.
    Start(Plan),
    /// A run that waits will not begin.
    Unqueue,
    /// What made a run fail is being mended.
    ForgetRunFailure,
    /// Large, with few controls; or back.
    Present(bool),
    /// Open this chapter of the tour, or none.
    OpenChapter(Option<String>),
    /// The noise level of the forward process is this now; the address tells it, when it is shown again.
    NoiseLevel(usize),
    /// Whether the model is asked for the picture's class; the address tells it.
    AsksForClass(bool),
    /// What is set in the experiment on the stage; the address tells it.
    LabSettings(Option<String>),
    /// Compare this; nothing: what is usual.
    Compare(Option<What>),
}

pub(crate) type Effects = Vec<Follow>;
