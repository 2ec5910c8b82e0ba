//! Questions to the worker beside a run, and who hears the answer. Pure.

use crate::{Effect, Notice, Page};
use ditscope_protocol::{Answer, Ask, ToWorker};

/// Which part of the page asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    Forward,
    Inside,
    Sound,
    Stage,
}

/// What is not answered yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asks {
    /// Number of the newest question.
    newest: u32,
    waiting: Vec<(u32, Asker)>,
}

/// An answer with its buffers, or why there is none.
pub type Answered = Result<(Answer, Vec<Vec<u8>>), Notice>;

impl Page {
    /// Puts a question; [`Self::take_answer`] hands the answer to the asker. The number is in the answer's place
    /// for those that ask more than once: only the newest is of interest then.
    pub(super) fn ask(&mut self, asker: Asker, ask: Ask, buffers: Vec<Vec<u8>>) -> (u32, Effect) {
        self.asks.newest = self.asks.newest.wrapping_add(1);
        let id = self.asks.newest;
        self.asks.waiting.push((id, asker));
        (id, Effect::SendWith(ToWorker::Ask { id, ask }, buffers))
    }

    pub(super) fn take_answer(
        &mut self,
        id: u32,
        result: Result<Answer, String>,
        buffers: Vec<Vec<u8>>,
    ) -> Vec<Effect> {
        // What a worker was asked that is no more has no asker.
        let Some(at) = self.asks.waiting.iter().position(|(waiting, _)| *waiting == id) else { return vec![] };
        let (_, asker) = self.asks.waiting.swap_remove(at);
        let answered = result.map(|answer| (answer, buffers)).map_err(Notice::Said);
        match asker {
            Asker::Forward => self.forward_answered(id, answered),
            Asker::Inside => self.inside_answered(id, answered),
            Asker::Sound => self.sound_answered(id, answered),
            Asker::Stage => self.stage_answered(id, answered),
        }
    }

    /// Whether an answer is still to come.
    pub(super) fn awaits(&self, id: u32) -> bool {
        self.asks.waiting.iter().any(|(waiting, _)| *waiting == id)
    }

    /// The worker is gone: nothing will be answered.
    pub(super) fn forget_asks(&mut self) {
        self.asks.waiting.clear();
        self.listening.wait_no_more();
    }
}
