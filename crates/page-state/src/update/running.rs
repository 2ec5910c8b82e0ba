//! A run from beginning to end, as it concerns the comparison it belongs to, the timeline and the model.

use crate::compare::What;
use crate::film::Film;
use crate::forward::{self, Planned};
use crate::models::Models;
use crate::run::{self, Link, Plan};
use crate::{Effect, Event, Failure, Mode, ModelState, Notice, Page, RunState};
use ditscope_protocol::{FailureKind, FrameInfo, RunInfo};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A place on the timeline: a position, and of how many steps.
type At = (usize, Option<usize>);

impl Page {
    /// Starts what the stage shows, or has it wait for the model.
    pub(super) fn generate(&mut self) -> Vec<Effect> {
        if self.shared.run.link == Link::Waits {
            self.shared.run.link = Link::Begins;
        }
        let mut effects = vec![self.show_address()];
        match &self.shared.models.state {
            ModelState::Ready { .. } => {
                effects.extend(self.set_noise_level());
                if let Some(plan) = self.plan() {
                    effects.extend(self.start_run(plan));
                }
            }
            // A large model is offered when its size is known, and the run is forgotten.
            ModelState::Asking => self.shared.run.queue(),
            ModelState::Loading(progress) if !progress.stopping => self.shared.run.queue(),
            _ => {
                effects.extend(self.load_knowingly());
                self.shared.run.queue();
            }
        }
        effects
    }

    /// In Forward the stage shows the very latent that the run begins with.
    fn set_noise_level(&mut self) -> Vec<Effect> {
        let shows = self.shared.mode() == Mode::Forward && self.forward.is_encoded();
        let beginning = self.forward.beginning(&self.shared).filter(|_| shows);
        match beginning {
            Some(beginning) if beginning.t != self.forward.t(&self.shared) => {
                self.react(Event::Forward(forward::Event::SetT(beginning.t)))
            }
            _ => vec![],
        }
    }

    /// The run that the stage's mode would start.
    fn plan(&mut self) -> Option<Plan> {
        match self.shared.mode() {
            Mode::Denoise | Mode::Inside | Mode::Findings | Mode::Train => Some(Plan::new(self.shared.settings())),
            Mode::Lab(_) => Some(self.lab.plan(&self.shared)),
            Mode::Compare => {
                let (plan, selected) = self.compare.plan(&self.shared);
                self.shared.timeline.selected = selected;
                self.publish_comparison();
                Some(plan)
            }
            Mode::Forward => {
                self.shared.run.unqueue();
                match self.forward.plan(&self.shared) {
                    Planned::Run(plan) => Some(plan),
                    Planned::WhenEncoded => {
                        self.shared.run.queue();
                        None
                    }
                    Planned::Nothing => None,
                }
            }
        }
    }

    /// Has the worker begin a run, in place of the one under way.
    pub(super) fn start_run(&mut self, plan: Plan) -> Vec<Effect> {
        self.show_longest_comparison();
        let started = self.shared.run.start(plan);
        self.follow(started)
    }

    /// One step of the run under way, or the first one of a new run.
    pub(super) fn step_once(&mut self) -> Vec<Effect> {
        if self.shared.is_running() {
            let place = self.shared.to_decode();
            let stepped = self.shared.run.update(place, run::Event::StepOnce);
            return self.follow(stepped);
        }
        self.shared.run.begins_held = true;
        self.generate()
    }

    /// Whether the recorded run may be shown: an address that says what is to be seen is not to open on something else.
    pub(super) fn judge_recording(&mut self) {
        let run = &self.shared.run;
        let Some(film) = run.recorded.as_ref().filter(|_| run.film.is_none()) else { return };
        let tours = self.shared.tour_is_open() && self.shared.address.model.is_of_tour();
        let stands_in = match (run.named, tours) {
            (false, _) => true,
            (true, true) => self.tour.is_shown_by(&self.shared, &film.info),
            (true, false) => film.info.settings == self.shared.settings(),
        };
        if stands_in != run.stands_in {
            self.shared.run.stands_in = stands_in;
        }
    }

    /// The worker has begun the newest run.
    pub(super) fn begin_film(&mut self, info: RunInfo) -> Vec<Effect> {
        if self.shared.run.is_rest(&info) {
            return vec![];
        }
        let class = info.settings.class;
        let label = self.shared.label(class).map_or_else(|| class.to_string(), str::to_owned);
        match Film::new(info, self.shared.model_name(), label) {
            Ok(film) => {
                let pictures = film.info.num_images;
                let film = film.sharing(self.compare.num_films(&self.shared));
                let model = &self.shared.address.model;
                self.shared.run.take_film(film, model);
                self.shared.timeline.selected = self.shared.timeline.selected.min(pictures - 1);
                if !self.compare.is_looked_at(&self.shared) {
                    self.shared.timeline.begin(true, false);
                }
                vec![]
            }
            Err(message) => self.fail_run(FailureKind::BadModel, message),
        }
    }

    pub(super) fn take_frame(&mut self, frame: &FrameInfo, buffers: Vec<Vec<u8>>) -> Vec<Effect> {
        match self.shared.run.take_frame(frame, buffers) {
            Ok(true) => {
                if self.compare.has_newest_run(&self.shared) {
                    self.compare.take_frame(&self.shared);
                    self.publish_comparison();
                }
                let (timeline, around) = self.shared.timeline();
                timeline.take_frame(around.film);
                vec![]
            }
            Ok(false) => vec![],
            Err(message) => self.fail_run(FailureKind::BadModel, message),
        }
    }

    /// The newest run came to its end: the comparison's next one begins, or all is done.
    pub(super) fn end_run(&mut self, total_ms: f64) -> Vec<Effect> {
        let next = self.compare.end_run(&self.shared, total_ms);
        self.publish_comparison();
        match next {
            ControlFlow::Continue(plan) => self.start_run(plan),
            ControlFlow::Break(end) => self.stop_run(end),
        }
    }

    /// Nothing more comes of the newest run.
    pub(crate) fn stop_run(&mut self, end: RunState) -> Vec<Effect> {
        self.show_longest_comparison();
        self.shared.run.end(end);
        self.shared.timeline.follow = false;
        vec![]
    }

    /// The model is there: what waited for it begins, or goes on.
    pub(super) fn begin_or_go_on(&mut self) -> Vec<Effect> {
        match self.shared.run.go_on() {
            Some(goes_on) => self.follow(goes_on),
            None => self.generate(),
        }
    }

    /// Where the device of a run is lost, a new worker goes on with it, once.
    fn mend(&mut self, kind: FailureKind, why: &Notice) -> Option<Vec<Effect>> {
        if kind != FailureKind::Device {
            return None;
        }
        let step = self.shared.run.lose_worker()?;
        let reuses = self.shared.run.film.as_ref().is_some_and(|film| film.info.settings.savings.cache_interval > 1);
        self.shared.notices.push(Notice::GoesOn { step, is_whole: step > 0 && reuses, why: Arc::new(why.clone()) });
        self.forget_questions();
        self.shared.run.drop_decoding();
        self.shared.models.distrust_worker(kind);
        Some(self.on_models(Models::load))
    }

    pub(super) fn fail_run(&mut self, kind: FailureKind, message: Notice) -> Vec<Effect> {
        if let Some(effects) = self.mend(kind, &message) {
            return effects;
        }
        self.shared.models.distrust_worker(kind);
        self.stop_run(RunState::Failed(Failure { kind, message }))
    }

    /// The model cannot be used, and so neither can a run go on nor a picture be decoded.
    pub(super) fn fail_model(&mut self, kind: FailureKind, message: Notice) -> Vec<Effect> {
        if let Some(effects) = self.mend(kind, &message) {
            return effects;
        }
        self.fail_what_needs_the_model(kind, &message);
        self.shared.models.fail(kind, message);
        vec![Effect::LookAtStorage]
    }

    pub(super) fn lose_worker(&mut self, message: Notice) -> Vec<Effect> {
        if let Some(effects) = self.mend(message.kind(), &message) {
            return effects;
        }
        self.forget_questions();
        self.fail_what_needs_the_model(message.kind(), &message);
        self.shared.models.lose_worker(message);
        vec![]
    }

    /// Those that a lost worker will not answer.
    pub(crate) fn forget_questions(&mut self) {
        self.shared.asks.forget();
        self.listening.forget_question();
        self.forward.forget_question();
    }

    fn fail_what_needs_the_model(&mut self, kind: FailureKind, message: &Notice) {
        if self.shared.is_running() || self.shared.run.waits_for_worker() {
            self.stop_run(RunState::Failed(Failure { kind, message: message.clone() }));
        }
        self.shared.run.unqueue();
        self.shared.run.drop_decoding();
    }

    /// Has another thing compared; the place on the timeline stays the same share of what is shown then.
    pub(super) fn compare(&mut self, what: Option<What>) -> Vec<Effect> {
        let place = self.place();
        if let Some(before) = std::mem::replace(&mut self.shared.address.compare, what) {
            self.compare.keep(before);
        }
        self.publish_comparison();
        self.go_to(place);
        vec![self.show_address()]
    }

    /// The newest run is over, as well as it went: the timeline gets the longest film that is complete.
    pub(super) fn show_longest_comparison(&mut self) {
        if !self.compare.has_newest_run(&self.shared) {
            return;
        }
        let place = self.place();
        self.compare.show_longest(&self.shared);
        self.publish_comparison();
        self.go_to(place);
    }

    /// Shown until the visitor has made one.
    pub(super) fn take_comparison(&mut self, film: Film) -> Vec<Effect> {
        let place = self.place();
        self.compare.take_recording(film);
        self.publish_comparison();
        self.go_to(place);
        vec![]
    }

    /// What the stage shows of comparisons has changed.
    fn publish_comparison(&mut self) {
        let film = self.compare.film(&self.shared).cloned();
        if film.is_some() || self.shared.compared.is_some() {
            *self.shared.compared = film;
        }
    }

    pub(super) fn place(&self) -> At {
        (self.shared.timeline.position, self.shared.shown().map(Film::steps))
    }

    /// Goes to the same share of the film that is shown now.
    pub(super) fn go_to(&mut self, place: At) {
        let (timeline, around) = self.shared.timeline();
        if let Some(film) = around.film {
            timeline.go_to(film, place);
        }
    }
}
