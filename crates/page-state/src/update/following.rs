//! What features want done, and the answers that they get.

use crate::asks::{Asker, Question};
use crate::follow::{Effects, Follow};
use crate::{Effect, Notice, Page};
use ditscope_protocol::{Answer, ToWorker};

impl Page {
    /// Does what a feature wants done.
    pub(crate) fn follow(&mut self, effects: Effects) -> Vec<Effect> {
        let mut outside = vec![];
        for follow in effects {
            match follow {
                Follow::Do(effect) => outside.push(effect),
                Follow::Ask(question) => outside.push(self.put(question)),
                Follow::Seek(position) => self.seek(position),
                Follow::Generate => outside.extend(self.generate()),
                Follow::Present(present) => {
                    self.address.present = present;
                    outside.push(Effect::ShowAddress(self.query()));
                }
                Follow::Unqueue => self.unqueue(),
                Follow::Compare(what) => outside.extend(self.compare(what)),
            }
        }
        outside
    }

    /// Puts a question to the worker.
    fn put(&mut self, Question { asker, number, ask, buffers }: Question) -> Effect {
        let id = self.asks.put(asker, number);
        Effect::SendWith(ToWorker::Ask { id, ask }, buffers)
    }

    pub(super) fn take_answer(
        &mut self,
        id: u32,
        result: Result<Answer, String>,
        buffers: Vec<Vec<u8>>,
    ) -> Vec<Effect> {
        let Some((asker, number)) = self.asks.take(id) else { return vec![] };
        let answered = result.map(|answer| (answer, buffers)).map_err(Notice::Said);
        match asker {
            Asker::Forward => {
                let effects = self.forward.answered(&self.shared, number, answered);
                return self.follow(effects);
            }
            Asker::Inside => self.inside.answered(number, answered),
            Asker::Sound => self.listening.answered(number, answered),
            Asker::Stage => self.views.answered(number, answered),
        }
        vec![]
    }
}
