//! The one reducer: an event goes to the feature that it is for, and what that feature wants done is done.
//!
//! What concerns several features at once is in `running` (a run, its comparison and the timeline), `choosing` (the
//! settings and the model) and `following`.

mod choosing;
mod following;
mod running;
mod touring;

use crate::follow::Effects;
use crate::models::{self, Loaded, Models};
use crate::run;
use crate::tour::Drive;
use crate::{Effect, Event, Page, timeline};
use ditscope_protocol::FromWorker;

impl Page {
    /// Takes an event in and says what is to be done outside.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        if self.tour.drive != Drive::Free && self.tour.is_left_by(&event) {
            self.tour.drive = Drive::Free;
        }
        let mut effects = self.react(event);
        effects.extend(self.drive_tour());
        self.judge_recording();
        effects.extend(self.ask_for_what_is_shown());
        effects
    }

    /// The same without the tour's next step and without questions about what is shown then.
    fn react(&mut self, event: Event) -> Vec<Effect> {
        // Long: a table, an arm for each event.
        let follows = match event {
            Event::Worker { message, buffers, now_ms } => return self.take_message(message, buffers, now_ms),
            Event::WorkerLost(message) => return self.lose_worker(message),
            Event::Silent(watch) => return self.take_silence(watch),
            Event::ConfigFetched(config) => return self.take_config(*config),
            Event::RecordingFetched(film) => return self.take_recording(*film),
            Event::ComparisonFetched(film) => return self.take_comparison(*film),
            Event::Choose(choice) => return self.choose(choice),
            Event::Settled => return self.run_if_changed(),
            Event::RunAtOnce(at_once) => {
                self.shared.kept.at_once = at_once;
                return vec![Effect::Keep(*self.shared.kept)];
            }
            Event::Pace(pacing) => {
                self.shared.kept.pacing = pacing;
                return vec![Effect::Keep(*self.shared.kept)];
            }
            Event::UseLetters(letters) => {
                self.shared.kept.no_letters = !letters;
                return vec![Effect::Keep(*self.shared.kept)];
            }
            Event::Deepen(depth) => {
                self.shared.kept.depth = Some(depth);
                self.shared.address.depth = Some(depth);
                return vec![Effect::Keep(*self.shared.kept), self.show_address()];
            }
            Event::Show(mode) => return self.show(mode),
            Event::Speak(language) => {
                self.shared.address.language = Some(language);
                return vec![self.show_address()];
            }
            Event::UseModel(model) => return self.use_model(model),
            Event::UseCpu => return self.use_cpu(),
            Event::Generate => {
                self.shared.run.begins_held = false;
                return self.generate();
            }
            Event::Retry => return self.retry(),
            Event::Models(event) => return self.on_models(|models, around| models.update(around, event)),
            Event::Run(run::Event::StepOnce) => return self.step_once(),
            Event::Run(event) => {
                let place = self.shared.to_decode();
                self.shared.run.update(place, event)
            }
            Event::Timeline(event) => {
                self.update_timeline(event);
                vec![]
            }
            Event::Views(event) => {
                self.views.update(event);
                vec![]
            }
            Event::Inside(event) => {
                self.inside.update(event);
                vec![]
            }
            Event::Lab(event) => self.lab.update(event),
            Event::Compare(event) => self.compare.update(&self.shared, event),
            Event::Forward(event) => self.forward.update(&self.shared, event),
            Event::Take(event) => self.take.update(&self.shared, event),
            Event::Tour(event) => self.tour.update(&self.shared, event),
            Event::Listen => self.listening.listen(&self.shared),
            Event::DismissNotices => {
                self.shared.notices.clear();
                vec![]
            }
        };
        self.follow(follows)
    }

    fn update_timeline(&mut self, event: timeline::Event) {
        let (timeline, around) = self.shared.timeline();
        timeline.update(around, event);
    }

    fn take_message(&mut self, message: FromWorker, buffers: Vec<Vec<u8>>, now_ms: f64) -> Vec<Effect> {
        // Long: a table, an arm for each message.
        if self.is_of_replaced_run(&message) || self.is_of_replaced_load(&message) {
            return vec![];
        }
        let follows = match message {
            FromWorker::Ready => {
                self.forget_lateness();
                return self.on_models(Models::greet_worker);
            }
            FromWorker::Loading(load) => {
                self.shared.models.take_beginning(load);
                vec![]
            }
            FromWorker::Config(config) => return self.take_config(*config),
            FromWorker::LoadProgress { stage, loaded_bytes, total_bytes } => {
                self.shared.models.take_progress(stage, loaded_bytes, total_bytes, now_ms);
                vec![]
            }
            FromWorker::Loaded { backend, notices, num_parameters, weights } => {
                let loaded = Loaded { backend, notices, num_parameters, weights };
                return self.on_models(|models, around| models.take_loaded(around, loaded));
            }
            FromWorker::LoadCancelled => self.shared.models.take_stop(),
            FromWorker::Inspected { source, result } => {
                return self.on_models(|models, around| models.take_inspection(around, &source, result));
            }
            FromWorker::Started { info, .. } => return self.begin_film(info),
            FromWorker::Shared { .. } => vec![],
            FromWorker::Frame(frame) => return self.take_frame(&frame, buffers),
            FromWorker::Paused { step, .. } => {
                self.shared.run.take_pause(step);
                vec![]
            }
            FromWorker::Done { total_ms, .. } => return self.end_run(total_ms),
            FromWorker::Cancelled { .. } => return self.stop_run(run::RunState::Cancelled),
            FromWorker::Failed { run, why } => {
                let kind = why.reason.kind();
                if run.is_none() {
                    return self.fail_model(kind, why.into());
                }
                return self.fail_run(kind, why.into());
            }
            FromWorker::DecodeProgress { run, done, total } => {
                self.shared.run.take_decode_progress(run, done, total);
                vec![]
            }
            FromWorker::Answered { id, result } => self.take_answer(id, result, buffers),
        };
        self.follow(follows)
    }

    /// Whether a message is of a run that is not the newest one, or of one that is over.
    fn is_of_replaced_run(&self, message: &FromWorker) -> bool {
        let newest = self.shared.run.number;
        match message {
            FromWorker::Started { run, .. }
            | FromWorker::Paused { run, .. }
            | FromWorker::Failed { run: Some(run), .. } => *run != newest,
            FromWorker::Frame(frame) => frame.run != newest,
            FromWorker::Done { run, .. } | FromWorker::Cancelled { run } => *run != newest || !self.shared.is_running(),
            _ => false,
        }
    }

    /// Whether a message is of a load that was asked for before the last one.
    fn is_of_replaced_load(&self, message: &FromWorker) -> bool {
        let is_of_a_load = matches!(
            message,
            FromWorker::Config(_)
                | FromWorker::LoadProgress { .. }
                | FromWorker::Loaded { .. }
                | FromWorker::LoadCancelled
        );
        is_of_a_load && !self.shared.models.is_heard()
    }

    /// Each event may change what is looked at, and so what is to be known of it.
    fn ask_for_what_is_shown(&mut self) -> Vec<Effect> {
        let mut effects = vec![];
        if self.inside.has_something_to_ask(&self.shared) {
            let looked = self.inside.ask_for_what_is_shown(&self.shared);
            effects.extend(self.follow(looked));
        }
        if self.compare.lacks_recording(&self.shared) {
            self.compare.asked_recording = true;
            effects.push(Effect::FetchComparison(self.shared.address.model.clone()));
        }
        if self.views.has_something_to_ask(&self.shared) {
            let looked = self.views.ask_for_what_is_shown(&self.shared);
            effects.extend(self.follow(looked));
        }
        effects
    }

    pub(crate) fn on_models(&mut self, act: impl FnOnce(&mut Models, models::Around) -> Effects) -> Vec<Effect> {
        let (models, around) = self.shared.models();
        let follows = act(models, around);
        self.follow(follows)
    }

    fn show_address(&self) -> Effect {
        Effect::ShowAddress(self.shared.query())
    }
}

#[cfg(test)]
#[path = "update_tests.rs"]
pub(super) mod tests;

#[cfg(test)]
#[path = "link_tests.rs"]
mod link_tests;
