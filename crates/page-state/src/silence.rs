//! A worker that does not answer: a browser tells when one stops, but not when it hangs.

use crate::models::{ModelState, Models, WorkerState};
use crate::{Effect, Notice, Page, RunState};
use ditscope_protocol::{FailureKind, ToWorker};

/// What the worker is to say within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// That it is there.
    Start,
    /// That this run is cancelled, and the decoding with this number.
    Run(u32, Option<u32>),
    /// That loading is.
    Load,
}

impl Watch {
    /// How long that may take. A step of a large model on the CPU is the longest thing during which a worker hears nothing.
    pub fn patience_ms(self) -> u32 {
        if self == Self::Start { 30_000 } else { 10_000 }
    }
}

impl Page {
    /// What is to be heard soon, once this is done.
    pub fn watch(&self, effect: &Effect) -> Option<Watch> {
        match effect {
            Effect::StartWorker => Some(Watch::Start),
            Effect::Send(ToWorker::Cancel) => Some(self.cancelling()),
            Effect::Send(ToWorker::CancelLoad) => Some(Watch::Load),
            _ => None,
        }
    }

    fn cancelling(&self) -> Watch {
        Watch::Run(self.run.number, self.run.decoding.as_ref().map(|decoding| decoding.number))
    }

    /// Whether it has not been heard.
    fn waits_for(&self, watch: Watch) -> bool {
        match watch {
            Watch::Start => self.models.worker == WorkerState::Starting,
            Watch::Run(..) => {
                let decodes = self.run.decoding.as_ref().is_some_and(|decoding| decoding.cancelling);
                let runs = matches!(self.run.state, RunState::Running { cancelling: true, .. });
                self.cancelling() == watch && (runs || decodes)
            }
            Watch::Load => matches!(&self.models.state, ModelState::Loading(progress) if progress.stopping),
        }
    }

    /// The time is over. A worker that does not stop is replaced, and the model of a run is loaded again from what is kept.
    pub(crate) fn take_silence(&mut self, watch: Watch) -> Vec<Effect> {
        if !self.waits_for(watch) {
            return vec![];
        }
        if watch == Watch::Start {
            self.shared.notices.push(Notice::WorkerLate);
            return vec![];
        }
        let mut effects = if self.is_running() { self.stop_run(RunState::Cancelled) } else { vec![] };
        self.shared.notices.push(Notice::WorkerSilent);
        self.forget_questions();
        self.shared.run.drop_decoding();
        self.shared.models.distrust_worker(FailureKind::Device);
        effects.extend(self.on_models(Models::load));
        if watch == Watch::Load {
            self.shared.models.state = ModelState::Stopped;
        }
        effects
    }

    /// It is there after all.
    pub(crate) fn forget_lateness(&mut self) {
        if self.shared.notices.contains(&Notice::WorkerLate) {
            self.shared.notices.retain(|notice| *notice != Notice::WorkerLate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Event as ModelsEvent;
    use crate::run::Event as RunEvent;
    use crate::update::tests::{BASE, loaded, ready, running, sends_load, take_message};
    use crate::{Event, Status, Visit};
    use ditscope_protocol::FromWorker;

    #[test]
    fn a_worker_that_is_late_is_said_to_be_until_it_comes() {
        let (mut page, effects) = Page::new("", BASE, Visit::default());
        assert_eq!(page.watch(&effects[0]), Some(Watch::Start));
        page.update(Event::Silent(Watch::Start));
        assert_eq!(*page.notices, [Notice::WorkerLate]);
        assert!(sends_load(&take_message(&mut page, FromWorker::Ready)), "it is still welcome");
        assert!(page.notices.is_empty());
        page.update(Event::Silent(Watch::Start));
        assert!(page.notices.is_empty(), "it has answered");
    }

    #[test]
    fn a_worker_that_does_not_stop_a_run_is_replaced_and_the_frames_stay() {
        let mut page = running();
        let cancel = page.update(Event::Run(RunEvent::Cancel));
        let watch = page.watch(&cancel[0]).expect("an answer is due");
        assert_eq!(page.update(Event::Silent(watch)), [Effect::StartWorker]);
        assert_eq!(page.run.state, RunState::Cancelled);
        assert_eq!(page.run.film.as_ref().map(|film| film.received()), Some(2));
        assert!(page.notices.contains(&Notice::WorkerSilent));
        assert!(sends_load(&take_message(&mut page, FromWorker::Ready)));
        take_message(&mut page, loaded());
        assert_eq!(page.status(), Status::Cancelled { frames: 2 });
        page.update(Event::Generate);
        assert!(page.is_running());
    }

    #[test]
    fn a_worker_that_stops_in_time_stays() {
        let mut page = running();
        let cancel = page.update(Event::Run(RunEvent::Cancel));
        let watch = page.watch(&cancel[0]).expect("an answer is due");
        take_message(&mut page, FromWorker::Cancelled { run: 1 });
        assert_eq!(page.update(Event::Silent(watch)), []);
        page.update(Event::Generate);
        page.update(Event::Run(RunEvent::Cancel));
        assert_eq!(page.update(Event::Silent(watch)), [], "the next run has a time of its own");
    }

    #[test]
    fn a_load_that_does_not_stop_ends_with_its_worker() {
        let (mut page, _) = Page::new("", BASE, Visit::default());
        take_message(&mut page, FromWorker::Ready);
        let cancel = page.update(Event::Models(ModelsEvent::CancelLoad));
        let watch = page.watch(&cancel[0]).expect("an answer is due");
        assert_eq!(page.update(Event::Silent(watch)), [Effect::StartWorker]);
        assert_eq!(page.models.state, ModelState::Stopped);
        assert_eq!(take_message(&mut page, FromWorker::Ready), [], "nothing is loaded unasked");
        assert_eq!(ready("").watch(&Effect::LookAtStorage), None);
    }
}
