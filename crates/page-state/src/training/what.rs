//! What a training is made of, what can happen to it, and what it wants done: plain data.

use crate::ModelRef;
use crate::film::Pixels;
use ditscope_config::{ModelConfig, PredictionType};
use ditscope_protocol::Refusal;
use ditscope_protocol::training::{FromTrainer, Setup, ToTrainer};
use ditscope_tensor_file::LatentsInfo;
use serde::{Deserialize, Serialize};

/// What is trained on: a model of the page with training latents.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub model: ModelRef,
    pub config: ModelConfig,
    /// What its latents are; absent: it has none.
    pub latents: Option<LatentsInfo>,
}

/// What is kept of a training over a reload, beside its checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    pub model: ModelRef,
    pub setup: Setup,
    pub step: usize,
}

/// What the trainer does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Phase {
    /// Nothing yet: it can be set up.
    #[default]
    Setting,
    /// Its code or its files are on their way; the share that has come.
    Coming(f64),
    Running,
    /// It waits.
    Held,
    /// The goal is reached, and it waits.
    Reached,
    /// Its worker is gone. What is kept can be gone on with.
    Lost,
}

/// What is being trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    pub setup: Setup,
    pub config: ModelConfig,
    pub num_parameters: u64,
    /// Latents that it learns from.
    pub pictures: usize,
}

/// A row of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    pub step: usize,
    pub labels: Vec<usize>,
    pub pictures: Vec<Pixels>,
}

/// What the model says of training pictures, three pictures each: as it is, under noise, as the model takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exercise {
    pub step: usize,
    pub labels: Vec<usize>,
    pub timesteps: Vec<usize>,
    pub pictures: Vec<Pixels>,
}

/// What the visitor is to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// The loss was no number; it is back at this step.
    NotFinite { back_at: usize },
    /// It could not begin, or go on.
    Failed(Refusal),
    /// The worker is gone, in the browser's words; what is kept begins at this step.
    Lost { why: String, kept: Option<usize> },
    /// A file was made for the visitor.
    Downloaded(String),
    /// The trained model is the page's now.
    InUse,
}

/// What was set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice {
    Width(usize),
    Depth(usize),
    Patch(usize),
    Prediction(PredictionType),
    /// Takes a class in, or out.
    Class(usize),
    Batch(usize),
    Seed(u64),
    FromModel(bool),
    OnGpu(bool),
    Lr(f64),
    ClassDropout(f64),
    Goal(usize),
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The page has this model, which it can be trained on.
    Offered(Box<Source>),
    /// A training was kept by an earlier visit.
    Recalled(Box<Remembered>),
    Choose(Choice),
    /// Begin anew; what is kept is forgotten.
    Start,
    /// Go on with what is kept.
    Resume,
    Pause,
    GoOn,
    /// End it, and set up another one. What is kept stays until that begins.
    Leave,
    Undo(usize),
    Download,
    Use,
    /// A row of samples, by its place.
    Look(usize),
    TogglePlay,
    Tick,
    Told {
        message: FromTrainer,
        buffers: Vec<Vec<u8>>,
    },
    /// The trainer's worker is gone.
    Lost(String),
}

/// What is to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    StartTrainer,
    StopTrainer,
    /// To the trainer, about this model.
    Send(ToTrainer),
    /// Load this model's files, and begin.
    Begin {
        model: ModelRef,
        setup: Box<Setup>,
        resume: bool,
    },
    Remember(Box<Remembered>),
    Download {
        name: String,
        bytes: Vec<u8>,
    },
    /// Have the page use a model of these files.
    Use {
        name: String,
        files: Vec<(String, Vec<u8>)>,
    },
}
