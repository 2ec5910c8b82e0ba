//! What several features read: the address, the models, the run and its films, the place on the timeline.
//!
//! A feature gets it by reference and cannot change it: what it wants changed it asks for (see [`crate::follow`]). The
//! models, the run and the timeline are features whose state is read by the others; only their own functions change it.

use crate::address::{self, Address};
use crate::asks::Asks;
use crate::film::Film;
use crate::models::{self, ModelState, Models};
use crate::run::{Failure, Link, Place, Run, RunState};
use crate::slice::Slice;
use crate::timeline::{self, Timeline};
use crate::{Kept, Mode, Notice, PageDepth, Visit};
use ditscope_config::{CatalogEntry, RunSettings};
use ditscope_protocol::ModelSource;

/// What several features read.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    pub address: Slice<Address, 0>,
    /// Folder of the page, with a slash at its end.
    pub base: String,
    /// What the visitor is told, until it is put away.
    pub notices: Slice<Vec<Notice>, 1>,
    pub reduced_motion: bool,
    pub saves_data: bool,
    pub kept: Slice<Kept, 13>,
    pub models: Slice<Models, 2>,
    pub run: Slice<Run, 3>,
    pub timeline: Slice<Timeline, 4>,
    /// The film of the comparison on the stage: as long as its longest run that is complete.
    pub(crate) compared: Slice<Option<Film>, 5>,
    pub(crate) asks: Asks,
}

impl Shared {
    /// As the address has it, before anything came.
    pub(crate) fn new(address: Address, notices: Vec<Notice>, base: &str, visit: Visit) -> Self {
        let mut models = Models::default();
        // The default model is small and part of the page: it comes unasked.
        if address.model.is_default() {
            models.state = ModelState::Loading(models::Progress::default());
        }
        Self {
            address: Slice::new(address),
            base: base.into(),
            notices: Slice::new(notices),
            reduced_motion: visit.reduced_motion,
            saves_data: visit.saves_data,
            kept: Slice::new(visit.kept),
            models: Slice::new(models),
            run: Slice::default(),
            timeline: Slice::default(),
            compared: Slice::default(),
            asks: Asks::default(),
        }
    }

    /// Whether nothing large is fetched before the visitor asks for it.
    pub(crate) fn is_frugal(&self) -> bool {
        self.address.embed || self.saves_data
    }

    /// The address may name a run: it is shown before any other, and begins by itself unless something is to be saved.
    pub(crate) fn take_link(&mut self, names_run: bool) {
        let tours = self.tour_is_open() && self.address.model.is_of_tour();
        self.run.named = names_run || tours;
        if !names_run || tours {
            return;
        }
        let by_itself = !self.is_frugal() && !self.reduced_motion && self.mode().shows_run();
        self.run.link = if by_itself { Link::Begins } else { Link::Waits };
        if by_itself {
            self.run.queue();
        }
    }

    /// Whether the visitor is asked to begin the run that the address names.
    pub fn offers_link(&self) -> bool {
        self.run.link == Link::Waits && !self.is_running() && self.mode().shows_run()
    }

    /// Whether the settings have become others than those of the film on the stage.
    pub fn is_set_otherwise(&self) -> bool {
        let Some(film) = self.shown().filter(|_| self.run.state != RunState::Queued) else { return false };
        let shown = &film.info.settings;
        let settings = match film.recorded {
            // It may have other steps than the model's usual ones, and the next run is to be a new one anyway.
            true => RunSettings { seed: shown.seed, ..self.address.chosen.over(shown) },
            false => self.settings(),
        };
        matches!(self.mode(), Mode::Denoise | Mode::Inside) && settings != *shown
    }

    /// What a run would use now.
    pub fn settings(&self) -> RunSettings {
        let defaults = self.models.config.as_ref().map(|config| config.defaults.clone()).unwrap_or_default();
        self.address.chosen.over(&defaults)
    }

    /// How much of the page there is.
    pub fn depth(&self) -> PageDepth {
        self.address.depth.unwrap_or_default()
    }

    /// What the stage shows.
    pub fn mode(&self) -> Mode {
        self.address.view
    }

    /// The film on the stage.
    pub fn shown(&self) -> Option<&Film> {
        shown(self.mode(), &self.run, &self.compared)
    }

    /// Whether the film on the stage was made by the model that is chosen now.
    pub fn film_is_of_model(&self) -> bool {
        self.run.film.is_none() || self.run.film_model.as_ref() == Some(&self.address.model)
    }

    pub fn is_running(&self) -> bool {
        self.run.is_running()
    }

    /// Whether the player begins again at the end.
    pub fn loops(&self) -> bool {
        self.timeline.loops(self.shown())
    }

    /// The failure to show: a model that cannot be used weighs more than a run.
    pub fn failure(&self) -> Option<&Failure> {
        match (&self.models.state, &self.run.state) {
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
        let known = self.models.config.as_ref().map(|config| &config.name).or(self.entry().map(|entry| &entry.name));
        known.cloned().unwrap_or_else(|| self.address.model.name().into())
    }

    /// The model's licence, as soon as it is known.
    pub fn license(&self) -> &str {
        let known =
            self.models.config.as_ref().map(|config| &config.license).or(self.entry().map(|entry| &entry.license));
        known.map_or("", String::as_str)
    }

    /// Bytes that loading the model would fetch over the network, where that is known.
    pub fn bytes_to_fetch(&self) -> Option<u64> {
        self.models.bytes_to_fetch(&self.address.model, &self.source())
    }

    /// Whether pictures come as previews first, because the model's decoder is slow.
    pub fn has_previews(&self) -> bool {
        let slow =
            self.models.config.as_ref().and_then(|config| config.autoencoder.as_ref()).is_some_and(|a| a.is_heavy());
        slow || self.run.film.iter().flat_map(|film| film.frames()).any(|frame| frame.preview)
    }

    /// Whether the selected picture on the stage is a preview that can be decoded now.
    pub fn can_decode(&self) -> bool {
        self.to_decode().is_some()
    }

    /// That picture.
    pub(crate) fn to_decode(&self) -> Option<Place> {
        let picture = self.timeline.selected;
        let frame = self.run.film.as_ref()?.at(self.timeline.position).filter(|frame| frame.is_preview(picture))?;
        let is_free = !self.is_running() || self.run.is_held();
        let can = matches!(self.models.state, ModelState::Ready { .. })
            && is_free
            && self.run.decoding.is_none()
            && self.run.film_model.as_ref() == Some(&self.address.model);
        can.then_some(Place { step: frame.step, picture })
    }

    pub fn tour_is_open(&self) -> bool {
        self.address.tour.is_some()
    }

    /// The query string of what is set now.
    pub fn query(&self) -> String {
        address::query(&self.address, &self.settings())
    }

    /// What a link names: the run that is seen, else what is chosen.
    pub fn linked_settings(&self) -> RunSettings {
        let is_seen = matches!(self.mode(), Mode::Denoise | Mode::Inside) && self.film_is_of_model();
        let seen = self.shown().filter(|_| is_seen);
        seen.map_or_else(|| self.settings(), |film| film.info.settings.clone())
    }

    /// The query string of a link.
    pub fn linked_query(&self) -> String {
        address::query(&self.address, &self.linked_settings())
    }

    /// The name of a class, once names are known.
    pub fn label(&self, class: usize) -> Option<&str> {
        self.models.config.as_ref()?.labels.get(class).map(String::as_str)
    }

    /// Whether the model's pictures are sounds.
    pub fn has_sound(&self) -> bool {
        self.models.config.as_ref().is_some_and(|config| config.audio.is_some())
    }

    /// Whether the model's pictures are words.
    pub fn has_text(&self) -> bool {
        self.models.config.as_ref().is_some_and(|config| config.text.is_some())
    }

    /// Number of the transformer's blocks.
    pub fn num_blocks(&self) -> usize {
        self.models.config.as_ref().map_or(1, |config| config.transformer.depth)
    }

    /// Whether the model that is loaded is the one whose latents are shown. A recording is of the model in use.
    pub(crate) fn has_decoder(&self) -> bool {
        matches!(self.models.state, ModelState::Ready { .. }) && self.film_is_of_model()
    }

    /// What the models read, and they themselves.
    pub(crate) fn models(&mut self) -> (&mut Models, models::Around<'_>) {
        let starts = self.run.state == RunState::Queued || self.run.link == Link::Begins;
        let is_frugal = self.is_frugal();
        let Self { models, address, base, .. } = self;
        (models, models::Around { address, base, is_frugal, starts })
    }

    /// What the timeline reads, and it itself.
    pub(crate) fn timeline(&mut self) -> (&mut Timeline, timeline::Around<'_>) {
        let Self { timeline, address, run, compared, kept, .. } = self;
        let film = shown(address.view, run, compared);
        let is_running = run.is_running();
        (
            timeline,
            timeline::Around { film, is_growing: is_running && run.film.is_some(), is_running, pacing: kept.pacing },
        )
    }
}

/// The film on the stage in a mode.
fn shown<'a>(mode: Mode, run: &'a Slice<Run, 3>, compared: &'a Slice<Option<Film>, 5>) -> Option<&'a Film> {
    match mode {
        Mode::Compare => compared.as_ref(),
        _ => run.film.as_ref().or(run.stand_in()),
    }
}
