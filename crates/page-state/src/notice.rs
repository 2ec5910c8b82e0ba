//! What the visitor is told, without words: `ditscope-words` has them, in the language of the page.

use ditscope_protocol::{FailureKind, LoadNotice, Reason, Refusal};
use std::sync::Arc;

/// Something that happened, or why something did not.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// In the browser's or a library's own words, which are English.
    Said(String),
    /// Why the worker did not do something.
    Refused(Refusal),
    /// What a load came with.
    Load(LoadNotice),

    // The address.
    /// A parameter's value made no sense.
    Ignored {
        key: String,
        value: String,
        allowed: Allowed,
    },
    /// It was brought to what is possible.
    Changed {
        key: String,
        value: String,
        kept: String,
    },
    /// There is no such parameter.
    UnknownKey(String),
    /// So many more things in the address made no sense.
    MoreOfAddress {
        more: usize,
    },
    /// Nothing of it was read.
    AddressTooLong {
        bytes: usize,
    },
    /// The model has fewer classes.
    ClassClamped {
        class: usize,
        last: usize,
        label: String,
    },
    UnknownChapter {
        id: String,
        known: Vec<String>,
    },

    /// A film or a frame does not fit its description.
    Misfit(Arc<Misfit>),
    /// A picture of this step could not be decoded.
    NotDecoded {
        step: usize,
        why: Arc<Notice>,
    },

    /// A worker was lost, and a new one goes on with the run's next frame; `is_whole`: blocks that would have been taken over
    /// are computed for it.
    GoesOn {
        step: usize,
        is_whole: bool,
        why: Arc<Notice>,
    },

    // Answers of the worker that do not fit their question.
    ForwardMisfit,
    StageMisfit,
    SoundMisfit,
    /// Rows of attention that do not sum to 1. Counted from 1.
    TraceRows {
        head: usize,
        token: usize,
        sum: f32,
    },
    TraceSizes {
        sizes: Vec<usize>,
    },

    /// No model is loaded that could decode the latents on the stage.
    NoDecoder,
    /// What was typed is no address of a model.
    NoModelAddress,
    /// The folder that was chosen has no file.
    FolderEmpty,
    FolderOfModels {
        name: String,
        folders: Vec<String>,
    },
    /// Saved by diffusers, and not converted.
    FolderOfDiffusers(String),
    FolderOfSomethingElse(String),
    /// The index of models at this address could not be read.
    NoListing {
        address: String,
    },
    /// A file of the tour is missing.
    TourMissing {
        address: String,
    },
    /// The tour's files in this folder do not fit one another.
    TourDamaged {
        base: String,
    },
    /// The code of a part of the page could not be fetched.
    NoCode,
    /// The browser's storage refused.
    Storage(String),
    NotDeleted {
        url: String,
        why: String,
    },
    /// The worker could not be started.
    NoWorker(String),
    WorkerScript,
    /// It has not said yet that it is there.
    WorkerLate,
    /// It did not stop when it was asked to, and was replaced.
    WorkerSilent,

    // Saving.
    NothingMade,
    CopyByHand,
    NoVideo,
    /// The browser began to encode a video, and then did not.
    NotEncoded(String),
    NoMemory,
    /// The visitor stopped it.
    Stopped,
}

/// What is wrong with a film or a frame.
#[derive(Debug, PartialEq)]
pub enum Misfit {
    FilmSteps { steps: usize, alpha_bars: usize },
    FilmShape { count: usize, pictures: [usize; 2], latents: [usize; 3] },
    Recording,
    FrameOrder { step: usize, due: usize },
    FrameBytes { step: usize, pictures: [usize; 2], found: Vec<usize>, due: Vec<usize> },
    FrameParts { step: usize },
    FramePreview { step: usize },
    DecodedBytes { step: usize, found: usize, due: usize },
    NoPicture { picture: usize, step: usize },
}

impl Notice {
    /// What kind of failure it is that a worker was lost so.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::NoWorker(_) => FailureKind::Browser,
            Self::WorkerScript => FailureKind::Page,
            Self::Refused(refusal) if refusal.reason == Reason::OtherBuild => FailureKind::Page,
            _ => FailureKind::Device,
        }
    }
}

impl From<Refusal> for Notice {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Misfit> for Notice {
    fn from(misfit: Misfit) -> Self {
        Self::Misfit(Arc::new(misfit))
    }
}

/// What a parameter of the address may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Allowed {
    Model,
    Range(f64, f64),
    WholeNumber(u64, u64),
    /// Two numbers from 0 to 1, the smaller first.
    Interval,
    OneOf(Vec<&'static str>),
    Compare,
    Chapter,
    /// What can be set in an experiment.
    Lab,
}

impl Notice {
    pub fn said(words: impl Into<String>) -> Self {
        Self::Said(words.into())
    }
}
