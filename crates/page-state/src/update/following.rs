//! What features want done, and the answers that they get.

use crate::asks::{Asker, Question};
use crate::follow::{Effects, Follow};
use crate::{Effect, Notice, Page, timeline};
use ditscope_protocol::{Answer, Refusal, ToWorker};

impl Page {
    /// Does what a feature wants done.
    pub(super) fn follow(&mut self, effects: Effects) -> Vec<Effect> {
        let mut outside = vec![];
        for follow in effects {
            match follow {
                Follow::Do(effect) => outside.push(effect),
                Follow::Ask(question) => outside.push(self.put(question)),
                Follow::Act(event) => outside.extend(self.react(event)),
                Follow::Tell(notice) => self.shared.notices.push(notice),
                Follow::TellOnce(notice) => {
                    if !self.shared.notices.contains(&notice) {
                        self.shared.notices.push(notice);
                    }
                }
                Follow::Seek(position) => self.update_timeline(timeline::Event::Seek(position)),
                Follow::StopPlaying => self.shared.timeline.playing = false,
                Follow::StopFollowing => self.shared.timeline.follow = false,
                Follow::Generate => outside.extend(self.begin_or_go_on()),
                Follow::Start(plan) => outside.extend(self.start_run(plan)),
                Follow::Unqueue => self.shared.run.unqueue(),
                Follow::ForgetRunFailure => self.shared.run.forget_failure(),
                Follow::Present(present) => {
                    self.shared.address.present = present;
                    outside.push(self.show_address());
                }
                Follow::OpenChapter(chapter) => outside.extend(self.open_chapter(chapter)),
                Follow::NoiseLevel(t) => self.shared.address.noise_t = Some(t),
                Follow::AsksForClass(asks) => {
                    self.shared.address.asks_for_class = asks;
                    outside.push(self.show_address());
                }
                Follow::LabSettings(set) => {
                    self.shared.address.lab = set;
                    outside.push(self.show_address());
                }
                Follow::Compare(what) => outside.extend(self.compare(what)),
            }
        }
        outside
    }

    /// Puts a question to the worker.
    fn put(&mut self, Question { asker, number, ask, buffers }: Question) -> Effect {
        let id = self.shared.asks.put(asker, number);
        Effect::SendWith(ToWorker::Ask { id, ask }, buffers)
    }

    pub(super) fn take_answer(&mut self, id: u32, result: Result<Answer, Refusal>, buffers: Vec<Vec<u8>>) -> Effects {
        let Some((asker, number)) = self.shared.asks.take(id) else { return vec![] };
        let answered = result.map(|answer| (answer, buffers)).map_err(Notice::Refused);
        match asker {
            Asker::Forward => return self.forward.answered(&self.shared, number, answered),
            Asker::Run => return self.shared.run.answered(number, answered),
            Asker::Inside => self.inside.answered(number, answered),
            Asker::Lab => self.lab.answered(number, answered),
            Asker::Sound => self.listening.answered(number, answered),
            Asker::Stage => self.views.answered(number, answered),
        }
        vec![]
    }
}
