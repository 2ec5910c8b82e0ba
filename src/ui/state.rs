//! Everything the page shows, what can happen and what follows: plain data.
//!
//! Nothing here touches the browser, so every state of the page is tested
//! natively. [`super::update`] changes it.

use super::film::Film;
use super::text;
use super::url::{self, Address};
use crate::config::{ModelConfig, RunSettings, SamplerKind};
use crate::protocol::{Backend, FailureKind, FromWorker, ToWorker};

/// Everything the page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct AppState {
    pub address: Address,
    /// Folder of the page, with a slash at its end.
    pub base: String,
    /// What changed in the address when it was read.
    pub notices: Vec<String>,
    pub config: Option<ModelConfig>,
    pub model: ModelState,
    pub run: RunState,
    /// The visitor's own run, or what there is of it.
    pub film: Option<Film>,
    /// Shown until there is an own run.
    pub recorded: Option<Film>,
    pub view: View,
    pub reduced_motion: bool,
    /// Number of the newest run; messages of older ones are dropped.
    pub(super) run_number: u32,
    pub(super) worker: WorkerState,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ModelState {
    Loading(Progress),
    /// Loading was stopped by the visitor.
    Stopped,
    Ready {
        backend: Backend,
        num_parameters: u64,
    },
    Failed(Failure),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    pub stage: String,
    pub loaded_bytes: u64,
    pub total_bytes: u64,
    pub bytes_per_second: Option<f64>,
    /// The visitor asked to stop; the worker has not yet answered.
    pub stopping: bool,
    /// Time and bytes of the first report that had any: the speed is measured from here.
    since: Option<(f64, u64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RunState {
    Idle,
    /// Waits for the model.
    Queued,
    /// `cancelling` after the visitor asked to stop, until the worker answers.
    Running {
        cancelling: bool,
    },
    Done {
        total_ms: f64,
    },
    Cancelled,
    Failed(Failure),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
}

/// Where in the film the visitor is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct View {
    pub position: usize,
    /// Goes along with the newest frame.
    pub follow: bool,
    pub playing: bool,
    /// The picture whose latent and thumbnails are shown.
    pub selected: usize,
    /// Ticks that a looping film still rests on its last frame.
    pub(super) rest: u8,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum WorkerState {
    Starting,
    Ready,
    Lost,
}

/// What can happen.
#[derive(Debug, Clone)]
pub enum Event {
    Worker { message: FromWorker, buffers: Vec<Vec<u8>>, now_ms: f64 },
    WorkerLost(String),
    ConfigFetched(Box<ModelConfig>),
    RecordingFetched(Box<Film>),
    Choose(Choice),
    Generate,
    Cancel,
    Load,
    CancelLoad,
    Retry,
    UseCpu,
    UseDefaultModel,
    DismissNotices,
    Seek(usize),
    Step(isize),
    Live,
    TogglePlay,
    Tick,
    Select(usize),
}

/// A control was moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice {
    Class(usize),
    Guidance(f64),
    Steps(usize),
    Sampler(SamplerKind),
    Seed(u64),
    NumImages(usize),
}

/// What the reducer wants done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Send(ToWorker),
    /// A new worker, after the old one was lost.
    StartWorker,
    /// The small files of a model: description and recorded run.
    FetchModel(String),
    /// Put this query string into the address bar.
    ShowAddress(String),
}

impl AppState {
    pub fn new(query: &str, base: &str, reduced_motion: bool) -> (Self, Vec<Effect>) {
        let (address, notices) = url::parse(query);
        let effects = vec![Effect::StartWorker, Effect::FetchModel(address.model.clone())];
        let state = Self {
            address,
            base: base.into(),
            notices,
            config: None,
            model: ModelState::Loading(Progress::starting()),
            run: RunState::Idle,
            film: None,
            recorded: None,
            view: View::default(),
            reduced_motion,
            run_number: 0,
            worker: WorkerState::Starting,
        };
        (state, effects)
    }

    /// What a run would use now.
    pub fn settings(&self) -> RunSettings {
        let defaults = self.config.as_ref().map(|config| config.defaults.clone()).unwrap_or_default();
        self.address.chosen.over(&defaults)
    }

    /// The film on the stage.
    pub fn shown(&self) -> Option<&Film> {
        self.film.as_ref().or(self.recorded.as_ref())
    }

    pub fn is_running(&self) -> bool {
        matches!(self.run, RunState::Running { .. })
    }

    /// The failure to show: a model that cannot be used weighs more than a run.
    pub fn failure(&self) -> Option<&Failure> {
        match (&self.model, &self.run) {
            (ModelState::Failed(failure), _) | (_, RunState::Failed(failure)) => Some(failure),
            _ => None,
        }
    }

    /// Where the model lies.
    pub fn model_url(&self) -> String {
        format!("{}assets/models/{}", self.base, self.address.model)
    }

    /// The query string of what is set now.
    pub fn query(&self) -> String {
        url::query(&self.address.model, self.address.backend, &self.settings())
    }

    /// The name of a class, or its number while names are not known.
    pub fn label(&self, class: usize) -> String {
        let known = self.config.as_ref().and_then(|config| config.labels.get(class));
        known.cloned().unwrap_or_else(|| text::class_number(class))
    }
}

impl Progress {
    pub(super) fn starting() -> Self {
        Self { stage: text::STARTING_WORKER.into(), ..Self::default() }
    }

    pub(super) fn report(&mut self, stage: String, loaded: u64, total: u64, now_ms: f64) {
        let (began, first) = *self.since.get_or_insert((now_ms, loaded));
        let seconds = (now_ms - began) / 1000.0;
        if seconds > 0.2 {
            let speed = loaded.saturating_sub(first) as f64 / seconds;
            self.bytes_per_second = (loaded < total && speed > 0.0).then_some(speed);
        }
        (self.stage, self.loaded_bytes, self.total_bytes) = (stage, loaded.min(total), total);
    }

    /// 0 to 1, or nothing while the size is unknown.
    pub fn fraction(&self) -> Option<f64> {
        (self.total_bytes > 0).then(|| self.loaded_bytes as f64 / self.total_bytes as f64)
    }
}
