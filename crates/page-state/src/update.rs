//! The one reducer: an event changes the state and says what is to be done outside.
//!
//! Pure; `src/ui/effects.rs` carries the effects out. Loading a model is in `loading`, choosing among models in `models`,
//! decoding in `decoding`; the player and the run's pace are the timeline's.

mod comparing;
mod decoding;
mod following;
mod loading;
mod models;

use crate::address::{self, Chosen};
use crate::film::Film;
use crate::forward::Planned;
use crate::shared::{Plan, WorkerState};
use crate::{Choice, Effect, Event, Failure, Mode, ModelRef, ModelState, Notice, Pace, Page, RunState, View};
use ditscope_config::{ModelConfig, RunSettings};
use ditscope_protocol::{BackendChoice, FailureKind, FrameInfo, FromWorker, ToWorker};
use std::ops::ControlFlow;

impl Page {
    /// Takes an event in and says what is to be done.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        self.heed(&event);
        let mut effects = self.react(event);
        effects.extend(self.pursue());
        // Each event may change what is looked at, and so what is to be known of it.
        let looked = self.inside.ask_for_what_is_shown(&self.shared);
        effects.extend(self.follow(looked));
        let looked = self.views.ask_for_what_is_shown(&self.shared);
        effects.extend(self.follow(looked));
        effects
    }

    /// The same without the tour and without the questions that follow.
    pub(super) fn react(&mut self, event: Event) -> Vec<Effect> {
        // Long: a table, an arm for each event.
        match event {
            Event::Worker { message, buffers, now_ms } => return self.hear(message, buffers, now_ms),
            Event::WorkerLost(message) => self.lose_worker(message),
            Event::ConfigFetched(config) => return self.take_config(*config),
            Event::RecordingFetched(film) => self.take_recording(*film),
            Event::Choose(choice) => {
                self.choose(choice);
                return vec![Effect::ShowAddress(self.query())];
            }
            Event::Show(mode) => return self.show(mode),
            Event::Speak(language) => {
                self.address.language = Some(language);
                return vec![Effect::ShowAddress(self.query())];
            }
            Event::Views(event) => self.views.update(event),
            Event::Compare(event) => {
                let effects = self.compare.update(&self.shared, event);
                return self.follow(effects);
            }
            Event::Forward(event) => {
                let effects = self.forward.update(&self.shared, event);
                return self.follow(effects);
            }
            Event::Inside(event) => self.inside.update(event),
            Event::Take(event) => {
                let effects = self.take.update(&self.shared, event);
                return self.follow(effects);
            }
            Event::Tour(event) => return self.update_tour(event),
            Event::Generate => return self.generate(),
            Event::Cancel => return self.cancel(),
            Event::Load => return self.load_knowingly(),
            Event::CancelLoad => return self.cancel_load(),
            Event::Retry => return self.retry(),
            Event::UseCpu => {
                self.address.backend = BackendChoice::Cpu;
                let mut effects = vec![Effect::ShowAddress(self.query())];
                effects.extend(self.retry_with_load());
                return effects;
            }
            Event::UseDefaultModel => return self.use_model(ModelRef::default()),
            Event::UseModel(model) => return self.use_model(model),
            Event::CatalogFetched(result) => return self.take_catalog(result),
            Event::RetryCatalog => return self.retry_catalog(),
            Event::ModelsRecalled(added) => return self.recall_models(added),
            Event::FavouritesRecalled(classes) => self.favourites = classes,
            Event::StorageSeen(report) => return self.take_storage(report),
            Event::AddUrl(text) => return self.add_url(&text),
            Event::AddFolder(name) => return self.add_model(ModelRef::Folder(name)),
            Event::RemoveModel(model) => return self.remove_model(&model),
            Event::DeleteStored(urls) => return vec![Effect::DeleteStored(urls)],
            Event::Persist => {
                self.models.asked_to_keep = true;
                return vec![Effect::Persist];
            }
            Event::ToggleFavourite(class) => return self.toggle_favourite(class),
            Event::Listen => {
                let effects = self.listening.listen(&self.shared);
                return self.follow(effects);
            }
            Event::DecodeStep => return self.decode_step(),
            Event::DismissNotices => self.notices.clear(),
            Event::Seek(position) => self.seek(position),
            Event::Step(by) => self.step(by),
            Event::SeekNewest => self.seek(usize::MAX),
            Event::TogglePlay => self.toggle_play(),
            Event::Tick => self.tick(),
            Event::Timeline(event) => return self.update_timeline(event),
            Event::Select(picture) => {
                let pictures = self.shown().map_or(1, |film| film.info.num_images);
                self.view.selected = picture.min(pictures - 1);
            }
        }
        vec![]
    }

    fn hear(&mut self, message: FromWorker, buffers: Vec<Vec<u8>>, now_ms: f64) -> Vec<Effect> {
        // Long: a table, an arm for each message.
        match message {
            FromWorker::Ready => return self.greet_worker(),
            FromWorker::Config(config) => return self.take_config(*config),
            FromWorker::LoadProgress { stage, loaded_bytes, total_bytes } => {
                if let ModelState::Loading(progress) = &mut self.model {
                    progress.report(stage, loaded_bytes, total_bytes, now_ms);
                    self.reached_bytes = self.reached_bytes.max(loaded_bytes);
                }
            }
            FromWorker::Loaded { backend, notices, num_parameters, weights } => {
                self.model = ModelState::Ready { backend, num_parameters, weights };
                for notice in notices.into_iter().map(Notice::Load) {
                    if !self.notices.contains(&notice) {
                        self.notices.push(notice);
                    }
                }
                let mut effects = self.keep_loaded_model();
                if self.run == RunState::Queued {
                    effects.extend(self.generate());
                }
                return effects;
            }
            FromWorker::LoadCancelled => {
                self.model = ModelState::Stopped;
                self.unqueue();
                return vec![Effect::LookAtStorage];
            }
            FromWorker::Inspected { source, result } => return self.take_inspection(&source, result),
            FromWorker::Started { run, info } if run == self.run_number => {
                let class = info.settings.class;
                let label = self.label(class).map_or_else(|| class.to_string(), str::to_owned);
                match Film::new(info, self.model_name(), label) {
                    Ok(film) => {
                        let selected = self.view.selected.min(film.info.num_images - 1);
                        self.film = Some(film.sharing(self.compare.num_films(&self.shared)));
                        self.film_run = run;
                        self.film_model = Some(self.address.model.clone());
                        if !self.compare.is_looked_at(&self.shared) {
                            self.view = View { follow: true, selected, ..View::default() };
                        }
                    }
                    Err(message) => self.fail_run(FailureKind::BadModel, message),
                }
            }
            FromWorker::Frame(frame) if frame.run == self.run_number => self.take_frame(&frame, buffers),
            FromWorker::Done { run, total_ms } if run == self.run_number && self.is_running() => {
                let next = self.compare.end_run(&self.shared, total_ms);
                self.publish_comparison();
                match next {
                    ControlFlow::Continue(plan) => return vec![self.start_run(plan)],
                    ControlFlow::Break(end) => {
                        self.settle_comparison();
                        self.run = end;
                    }
                }
                self.decoded = None;
                self.view.follow = false;
            }
            FromWorker::Cancelled { run } if run == self.run_number && self.is_running() => {
                self.settle_comparison();
                self.run = RunState::Cancelled;
                self.decoded = None;
                self.view.follow = false;
            }
            FromWorker::Failed { run: Some(run), kind, message } if run == self.run_number => {
                self.distrust_worker(kind);
                self.fail_run(kind, Notice::Said(message));
            }
            FromWorker::Failed { run: None, kind, message } => {
                let message = Notice::Said(message);
                self.distrust_worker(kind);
                if self.is_running() {
                    self.fail_run(kind, message.clone());
                }
                self.unqueue();
                self.decoding = None;
                self.model = ModelState::Failed(Failure { kind, message });
                return vec![Effect::LookAtStorage];
            }
            FromWorker::DecodeProgress { run, done, total } => self.take_decode_progress(run, done, total),
            FromWorker::Decoded { run, step, picture } => self.take_decoded(run, step, picture, buffers),
            FromWorker::DecodeFailed { run, step, picture, message } => {
                self.take_decode_failure(run, step, picture, message);
            }
            FromWorker::Answered { id, result } => return self.take_answer(id, result, buffers),
            FromWorker::Paused { run, step } if run == self.run_number => self.take_pause(step),
            // A run that was replaced.
            FromWorker::Started { .. }
            | FromWorker::Paused { .. }
            | FromWorker::Frame(_)
            | FromWorker::Done { .. }
            | FromWorker::Cancelled { .. }
            | FromWorker::Failed { .. } => {}
        }
        vec![]
    }

    fn take_frame(&mut self, frame: &FrameInfo, buffers: Vec<Vec<u8>>) {
        let is_running = self.is_running();
        let (Some(film), true) = (&mut self.film, is_running) else { return };
        match film.push(frame, buffers) {
            Ok(()) => {
                self.compare.take_frame(&self.shared);
                self.publish_comparison();
                // Where the film gave up frames, the stage may have shown one of them.
                let position = if self.view.follow { usize::MAX } else { self.view.position };
                self.view.position = self.shown().map_or(0, |film| film.kept(position));
            }
            Err(message) => self.fail_run(FailureKind::BadModel, message),
        }
    }

    /// A lost device cannot be asked for again from within the same worker for certain: Retry takes a new one.
    fn distrust_worker(&mut self, kind: FailureKind) {
        if kind == FailureKind::Device {
            self.worker = WorkerState::Lost;
        }
    }

    fn lose_worker(&mut self, message: Notice) {
        self.worker = WorkerState::Lost;
        self.asks.forget();
        self.listening.wait_no_more();
        self.forward.forget_question();
        if self.is_running() {
            self.fail_run(FailureKind::Device, message.clone());
        }
        self.stop_adding(&message);
        self.unqueue();
        self.decoding = None;
        self.model = ModelState::Failed(Failure { kind: FailureKind::Device, message });
    }

    fn take_config(&mut self, config: ModelConfig) -> Vec<Effect> {
        // A damaged description is the worker's to report, with the cure; the page only does without it.
        if config.validate().is_err() || self.config.as_ref() == Some(&config) {
            return vec![];
        }
        if let Some(class) = self.address.chosen.class.filter(|class| *class >= config.labels.len()) {
            let last = config.labels.len().saturating_sub(1);
            self.address.chosen.class = Some(last);
            self.notices.push(Notice::ClassClamped { class, last, label: config.labels[last].clone() });
        }
        self.config = Some(config);
        let waited = std::mem::take(&mut self.address_waits);
        if waited { vec![Effect::ShowAddress(self.query())] } else { vec![] }
    }

    fn take_recording(&mut self, film: Film) {
        if self.film.is_none() {
            let position = if self.reduced_motion { film.last() } else { 0 };
            self.view = View { position, playing: !self.reduced_motion, ..View::default() };
        }
        self.recorded = Some(film);
    }

    fn choose(&mut self, choice: Choice) {
        let chosen: &mut Chosen = &mut self.address.chosen;
        let within = |value: usize, range: std::ops::RangeInclusive<usize>| value.clamp(*range.start(), *range.end());
        match choice {
            Choice::Class(class) => chosen.class = Some(class),
            Choice::Guidance(scale) => chosen.guidance_scale = Some(address::to_guidance(scale)),
            Choice::Steps(steps) => chosen.num_inference_steps = Some(within(steps, RunSettings::STEPS)),
            Choice::Sampler(sampler) => chosen.sampler = Some(sampler),
            Choice::Seed(seed) => chosen.seed = Some(seed.min(*RunSettings::SEED.end())),
            Choice::NumImages(n) => chosen.num_images = Some(within(n, RunSettings::NUM_IMAGES)),
            Choice::Savings(savings) => chosen.savings = Some(savings),
        }
    }

    pub(super) fn generate(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::ShowAddress(self.query())];
        match &self.model {
            ModelState::Ready { .. } => {
                let plan = match self.mode() {
                    Mode::Denoise | Mode::Inside | Mode::Findings => Some(Plan::new(self.settings())),
                    Mode::Compare => {
                        let (plan, selected) = self.compare.plan(&self.shared);
                        self.view.selected = selected;
                        self.publish_comparison();
                        Some(plan)
                    }
                    Mode::Forward => {
                        self.unqueue();
                        match self.forward.plan(&self.shared) {
                            Planned::Run(plan) => Some(plan),
                            Planned::WhenEncoded => {
                                self.run = RunState::Queued;
                                None
                            }
                            Planned::Nothing => None,
                        }
                    }
                };
                effects.extend(plan.map(|plan| self.start_run(plan)));
            }
            // A large model is offered when its size is known, and the run is forgotten.
            ModelState::Asking => self.run = RunState::Queued,
            ModelState::Loading(progress) if !progress.stopping => self.run = RunState::Queued,
            _ => {
                effects.extend(self.load_knowingly());
                self.run = RunState::Queued;
            }
        }
        effects
    }

    /// Has the worker begin a run, in place of the one under way.
    pub(super) fn start_run(&mut self, plan: Plan) -> Effect {
        self.settle_comparison();
        self.run_number += 1;
        self.run = RunState::Running { cancelling: false, pace: Pace::Free };
        // The worker drops a decoding for a run.
        (self.decoding, self.decoded) = (None, None);
        let Plan { settings, guidance_scales, start } = plan;
        let (start, buffers) = start.map(|(start, latent)| (start, vec![latent])).unzip();
        let message = ToWorker::Generate { run: self.run_number, settings, guidance_scales, start };
        match buffers {
            Some(buffers) => Effect::SendWith(message, buffers),
            None => Effect::Send(message),
        }
    }

    fn show(&mut self, mode: Mode) -> Vec<Effect> {
        let place = self.place();
        self.address.view = mode;
        self.go_to(place);
        vec![Effect::ShowAddress(self.query())]
    }

    fn cancel(&mut self) -> Vec<Effect> {
        match &mut self.run {
            RunState::Running { cancelling, .. } if !*cancelling => {
                *cancelling = true;
                // While the run is held a picture may be in the decoder: the worker stops both.
                self.give_up_decoding();
                vec![Effect::Send(ToWorker::Cancel)]
            }
            RunState::Queued => {
                self.run = RunState::Idle;
                vec![]
            }
            _ => self.cancel_decoding(),
        }
    }

    fn fail_run(&mut self, kind: FailureKind, message: Notice) {
        self.settle_comparison();
        self.run = RunState::Failed(Failure { kind, message });
        self.decoded = None;
        self.view.follow = false;
    }

    fn unqueue(&mut self) {
        if self.run == RunState::Queued {
            self.run = RunState::Idle;
        }
    }
}

#[cfg(test)]
#[path = "update_tests.rs"]
pub(super) mod tests;
