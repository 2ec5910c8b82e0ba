//! Questions to the worker beside a run, and which feature gets the answer. There is no other way to ask one.

use crate::Notice;
use ditscope_protocol::{Answer, Ask};

/// Which feature asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    Forward,
    Inside,
    Lab,
    Run,
    Sound,
    Stage,
}

/// A question that a feature wants put.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub asker: Asker,
    /// By this number the feature knows the answer again.
    pub number: u32,
    pub ask: Ask,
    pub buffers: Vec<Vec<u8>>,
}

/// An answer with its buffers, or why there is none.
pub type Answered = Result<(Answer, Vec<Vec<u8>>), Notice>;

/// What is not answered yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asks {
    /// Number of the newest message.
    newest: u32,
    waiting: Vec<(u32, Asker, u32)>,
}

impl Asks {
    /// Notes a question; the number of its message.
    pub fn put(&mut self, asker: Asker, number: u32) -> u32 {
        self.newest = self.newest.wrapping_add(1);
        self.waiting.push((self.newest, asker, number));
        self.newest
    }

    /// Who gets the answer of a message, and for which of its questions. What a worker was asked that is no more has no
    /// asker.
    pub fn take(&mut self, id: u32) -> Option<(Asker, u32)> {
        let at = self.waiting.iter().position(|(waiting, ..)| *waiting == id)?;
        let (_, asker, number) = self.waiting.swap_remove(at);
        Some((asker, number))
    }

    /// Whether an answer is still to come.
    pub fn awaits(&self, asker: Asker, number: u32) -> bool {
        self.waiting.iter().any(|(_, by, of)| (*by, *of) == (asker, number))
    }

    /// The worker is gone: nothing will be answered.
    pub fn forget(&mut self) {
        self.waiting.clear();
    }
}
