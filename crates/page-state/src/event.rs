//! What can happen on the page, and what the reducer wants done outside: plain data.

use crate::film::Film;
use crate::models::Added;
use crate::timeline::Pacing;
use crate::tour::Depth;
use crate::{Kept, Language, Mode, ModelRef, Notice, PageDepth, Watch};
use crate::{compare, forward, inside, lab, models, run, stage, take, timeline, tour};
use ditscope_config::{ModelConfig, SamplerKind, Savings, TimestepSpacing};
use ditscope_protocol::{FromWorker, ToWorker};

/// What can happen.
#[derive(Debug, Clone)]
pub enum Event {
    Worker {
        message: FromWorker,
        buffers: Vec<Vec<u8>>,
        now_ms: f64,
    },
    WorkerLost(Notice),
    /// The time for an answer of the worker is over.
    Silent(Watch),
    ConfigFetched(Box<ModelConfig>),
    RecordingFetched(Box<Film>),
    ComparisonFetched(Box<Film>),
    /// A model was chosen, its cost in sight.
    UseModel(ModelRef),
    /// Hear the selected picture of the step on the stage.
    Listen,
    Choose(Choice),
    /// The control that was moved was let go.
    Settled,
    /// Whether changed settings are run at once.
    RunAtOnce(bool),
    /// How films are played and saved.
    Pace(Pacing),
    /// Whether single letters are keys of the page.
    UseLetters(bool),
    /// More of the page, or less.
    Deepen(PageDepth),
    /// Show this on the stage.
    Show(Mode),
    /// The visitor chose this language.
    Speak(Language),
    Views(stage::Event),
    Compare(compare::Event),
    Forward(forward::Event),
    Inside(inside::Event),
    Lab(lab::Event),
    Take(take::Event),
    Tour(tour::Event),
    Models(models::Event),
    Run(run::Event),
    Timeline(timeline::Event),
    /// Start a run: which one depends on what the stage shows.
    Generate,
    /// Do again what failed.
    Retry,
    UseCpu,
    DismissNotices,
}

/// A control was moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice {
    Class(usize),
    Guidance(f64),
    Steps(usize),
    Sampler(SamplerKind),
    /// Absent: as the model's scheduler says.
    Spacing(Option<TimestepSpacing>),
    Seed(u64),
    NumImages(usize),
    Savings(Savings),
}

/// What the reducer wants done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Send(ToWorker),
    /// With buffers, which are transferred.
    SendWith(ToWorker, Vec<Vec<u8>>),
    /// A new worker, after the old one was lost.
    StartWorker,
    /// The small files of a model: description and recorded run.
    FetchModel(ModelRef),
    /// The recorded comparison of a model.
    FetchComparison(ModelRef),
    /// The index of the shipped models.
    FetchCatalog,
    RecallModels,
    KeepModels(Vec<Added>),
    /// A folder of the visitor's is not wanted any more.
    ForgetFolder(String),
    RecallFavourites(ModelRef),
    KeepFavourites(ModelRef, Vec<usize>),
    LookAtStorage,
    /// Delete the kept weights of these addresses, and look again.
    DeleteStored(Vec<String>),
    /// Ask the browser to keep what is stored, and look again.
    Persist,
    /// Read the training pictures at this address.
    ReadTraining(String),
    /// Make this to be saved or copied, by this number.
    Make(u32, take::Export),
    /// The tour's chapters in this language.
    FetchTour(Language),
    KeepDepth(Depth),
    Keep(Kept),
    /// Put this query string into the address bar.
    ShowAddress(String),
}
