//! What several features read: the address, the model in use, the run and its films, the place on the timeline.
//!
//! A feature gets it by reference and cannot change it: what it wants changed it asks for (see [`crate::follow`]), or the
//! page does it.

use crate::address::{self, Address};
use crate::asks::Asks;
use crate::film::Film;
use crate::models::{self, Models};
use crate::{Mode, ModelRef, Notice};
use ditscope_config::{CatalogEntry, ModelConfig, RunSettings};
use ditscope_protocol::{Backend, FailureKind, LoadStage, ModelSource, StartFrom, WeightsReport};

/// What several features read.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    pub address: Address,
    /// Folder of the page, with a slash at its end.
    pub base: String,
    /// What changed in the address when it was read.
    pub notices: Vec<Notice>,
    pub config: Option<ModelConfig>,
    pub model: ModelState,
    /// The models there are to choose from.
    pub models: Models,
    /// Bytes of the model's weights that loading has reached, over all attempts.
    pub reached_bytes: u64,
    /// Marked classes of this model.
    pub favourites: Vec<usize>,
    pub run: RunState,
    /// The visitor's own run, or what there is of it.
    pub film: Option<Film>,
    /// Shown until there is an own run.
    pub recorded: Option<Film>,
    /// The film of the comparison on the stage: as long as its longest run that is complete.
    pub(crate) compared: Option<Film>,
    pub view: View,
    /// A picture of the own film that is being decoded on demand.
    pub decoding: Option<Decoding>,
    /// How far the decoder is: of the last frame of a run, or of `decoding`.
    pub decoded: Option<(usize, usize)>,
    pub reduced_motion: bool,
    /// Number of the newest run; messages of older ones are dropped.
    pub(crate) run_number: u32,
    /// The run that made the own film.
    pub(crate) film_run: u32,
    /// The model that made the own film: no other can decode its latents.
    pub(crate) film_model: Option<ModelRef>,
    /// Another model was chosen; the address shows its defaults when they are known.
    pub(crate) address_waits: bool,
    pub(crate) worker: WorkerState,
    pub(crate) asks: Asks,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ModelState {
    /// What it is and costs is being found out.
    Asking,
    /// Too large to be fetched unasked: the page says what it is and waits.
    Offered,
    Loading(Progress),
    /// Loading was stopped by the visitor.
    Stopped,
    Ready {
        backend: Backend,
        num_parameters: u64,
        weights: WeightsReport,
    },
    Failed(Failure),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Absent while the worker starts.
    pub stage: Option<LoadStage>,
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
        pace: Pace,
    },
    Done {
        total_ms: f64,
    },
    Cancelled,
    Failed(Failure),
}

/// How a run goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    #[default]
    Free,
    /// Asked to be held, or to be held after one more step; the worker has not yet answered.
    Holding,
    /// Held before this step: the model is idle.
    Held(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: Notice,
}

/// One picture that the decoder works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoding {
    pub run: u32,
    pub step: usize,
    pub picture: usize,
    /// The visitor asked to stop; the worker has not yet answered.
    pub cancelling: bool,
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
    pub(crate) rest: u8,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum WorkerState {
    Starting,
    Ready,
    Lost,
}

impl Shared {
    /// As the address has it, before anything came.
    pub(crate) fn new(address: Address, notices: Vec<Notice>, base: &str, reduced_motion: bool) -> Self {
        // The default model is small and part of the page: it comes unasked.
        let starting = ModelState::Loading(Progress::starting());
        Self {
            model: if address.model.is_default() { starting } else { ModelState::Asking },
            address,
            base: base.into(),
            notices,
            config: None,
            models: Models::default(),
            reached_bytes: 0,
            favourites: vec![],
            run: RunState::Idle,
            film: None,
            recorded: None,
            compared: None,
            view: View::default(),
            decoding: None,
            decoded: None,
            reduced_motion,
            run_number: 0,
            film_run: 0,
            film_model: None,
            address_waits: false,
            worker: WorkerState::Starting,
            asks: Asks::default(),
        }
    }

    /// What a run would use now.
    pub fn settings(&self) -> RunSettings {
        let defaults = self.config.as_ref().map(|config| config.defaults.clone()).unwrap_or_default();
        self.address.chosen.over(&defaults)
    }

    /// What the stage shows.
    pub fn mode(&self) -> Mode {
        self.address.view
    }

    /// The film on the stage.
    pub fn shown(&self) -> Option<&Film> {
        match self.mode() {
            Mode::Compare => self.compared.as_ref(),
            _ => self.film.as_ref().or(self.recorded.as_ref()),
        }
    }

    /// Whether the film on the stage was made by the model that is chosen now.
    pub fn film_is_of_model(&self) -> bool {
        self.film.is_none() || self.film_model.as_ref() == Some(&self.address.model)
    }

    pub fn is_running(&self) -> bool {
        matches!(self.run, RunState::Running { .. })
    }

    /// Whether the run is held between two steps, so that the model is free for other things.
    pub fn is_held(&self) -> bool {
        matches!(self.run, RunState::Running { pace: Pace::Held(_), cancelling: false })
    }

    /// The failure to show: a model that cannot be used weighs more than a run.
    pub fn failure(&self) -> Option<&Failure> {
        match (&self.model, &self.run) {
            (ModelState::Failed(failure), _) | (_, RunState::Failed(failure)) => Some(failure),
            _ => None,
        }
    }

    /// Where the model lies.
    pub fn source(&self) -> ModelSource {
        self.address.model.source(&self.base)
    }

    /// What is known of the model's size, cost and licence.
    pub fn entry(&self) -> Option<&CatalogEntry> {
        self.models.entry(&self.address.model)
    }

    /// The model's name, as well as it is known.
    pub fn model_name(&self) -> String {
        let known = self.config.as_ref().map(|config| &config.name).or(self.entry().map(|entry| &entry.name));
        known.cloned().unwrap_or_else(|| self.address.model.name().into())
    }

    /// The model's licence, as soon as it is known.
    pub fn license(&self) -> &str {
        let known = self.config.as_ref().map(|config| &config.license).or(self.entry().map(|entry| &entry.license));
        known.map_or("", String::as_str)
    }

    /// Bytes that loading the model would fetch over the network, where that is known.
    pub fn bytes_to_fetch(&self) -> Option<u64> {
        let source = self.source();
        Some(models::to_fetch(self.entry()?, &source, self.models.stored_bytes(&source)))
    }

    /// Whether pictures come as previews first, because the model's decoder is slow.
    pub fn has_previews(&self) -> bool {
        let slow = self.config.as_ref().and_then(|config| config.autoencoder.as_ref()).is_some_and(|a| a.is_heavy());
        slow || self.film.iter().flat_map(|film| film.frames()).any(|frame| frame.preview)
    }

    /// Whether the selected picture on the stage is a preview that can be decoded now.
    pub fn can_decode(&self) -> bool {
        let frame = self.film.as_ref().and_then(|film| film.at(self.view.position));
        matches!(self.model, ModelState::Ready { .. })
            && (!self.is_running() || self.is_held())
            && self.decoding.is_none()
            && self.film_model.as_ref() == Some(&self.address.model)
            && frame.is_some_and(|frame| frame.is_preview(self.view.selected))
    }

    /// The query string of what is set now.
    pub fn query(&self) -> String {
        address::query(&self.address, &self.settings())
    }

    /// The name of a class, once names are known.
    pub fn label(&self, class: usize) -> Option<&str> {
        self.config.as_ref()?.labels.get(class).map(String::as_str)
    }

    /// Whether the model's pictures are sounds.
    pub fn has_sound(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.audio.is_some())
    }

    /// Number of the transformer's blocks.
    pub fn num_blocks(&self) -> usize {
        self.config.as_ref().map_or(1, |config| config.transformer.depth)
    }

    /// Whether the model that is loaded is the one whose latents are shown. A recording is of the model in use.
    pub(crate) fn has_decoder(&self) -> bool {
        matches!(self.model, ModelState::Ready { .. }) && self.film_is_of_model()
    }

    /// Whether the page waits for the visitor before it fetches any model: in embed mode.
    pub(crate) fn waits_for_word(&self) -> bool {
        self.address.embed
    }
}

impl Progress {
    pub(crate) fn starting() -> Self {
        Self::default()
    }

    pub(crate) fn report(&mut self, stage: LoadStage, loaded: u64, total: u64, now_ms: f64) {
        let (began, first) = *self.since.get_or_insert((now_ms, loaded));
        let seconds = (now_ms - began) / 1000.0;
        if seconds > 0.2 {
            let speed = loaded.saturating_sub(first) as f64 / seconds;
            self.bytes_per_second = (loaded < total && speed > 0.0).then_some(speed);
        }
        (self.stage, self.loaded_bytes, self.total_bytes) = (Some(stage), loaded.min(total), total);
    }

    /// 0 to 1, or nothing while the size is unknown.
    pub fn fraction(&self) -> Option<f64> {
        (self.total_bytes > 0).then(|| self.loaded_bytes as f64 / self.total_bytes as f64)
    }
}

/// A run to be started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub settings: RunSettings,
    /// As in [`ToWorker::Generate`].
    pub guidance_scales: Vec<f64>,
    /// Where to begin, and the latent `[C, h, w]` as bytes.
    pub start: Option<(StartFrom, Vec<u8>)>,
}

impl Plan {
    pub fn new(settings: RunSettings) -> Self {
        Self { settings, guidance_scales: vec![], start: None }
    }
}
