//! One job of a kind at a time: a run, a decoding, an answer. A new one replaces the old one.
//! And the pace of the run, which may be held between two steps.

use ditscope_protocol::Reason;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// What can be under way, one of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    Run,
    Decode,
    Encode,
    DecodeLatent,
    QSample,
    SeeNoise,
    ClassErrors,
    Measure,
    Sound,
    Trace,
    Modulation,
}

impl JobKind {
    const ALL: [Self; 11] = [
        Self::Run,
        Self::Decode,
        Self::Encode,
        Self::DecodeLatent,
        Self::QSample,
        Self::SeeNoise,
        Self::ClassErrors,
        Self::Measure,
        Self::Sound,
        Self::Trace,
        Self::Modulation,
    ];
}

/// Which jobs are the current ones.
#[derive(Default)]
pub struct Jobs {
    /// By kind.
    slots: [Slot; JobKind::ALL.len()],
    /// Whether there is a run.
    running: Cell<bool>,
    pace: Cell<Pace>,
    /// Wakes the run that is held.
    held: RefCell<Option<Waker>>,
}

#[derive(Default)]
struct Slot {
    /// Counts up with every new job and every end: a job that sees another number stops.
    number: Cell<u32>,
    /// Why the job before the current one had to stop.
    why: Cell<Reason>,
}

/// How a run goes on.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Pace {
    #[default]
    Free,
    /// So many steps, then it is held.
    Steps(u32),
}

/// The right to work until the job is stopped or replaced.
pub struct Job {
    jobs: Rc<Jobs>,
    kind: JobKind,
    number: u32,
}

impl Jobs {
    /// Starts a run in place of whatever is under way, at full pace.
    pub fn start_run(self: &Rc<Self>) -> Job {
        self.stop(Reason::RunFirst);
        self.running.set(true);
        self.pace.set(Pace::Free);
        self.current(JobKind::Run)
    }

    /// Starts an answer in place of another one of its kind. Nothing, if it is a decoding and a run goes on.
    pub fn start_answer(self: &Rc<Self>, kind: JobKind) -> Option<Job> {
        if kind == JobKind::Decode && self.running.get() && self.held.borrow().is_none() {
            return None;
        }
        self.end(kind, Reason::Newer);
        Some(self.current(kind))
    }

    /// Stops the run and the decoding; `why` is for the page.
    pub fn stop(&self, why: Reason) {
        self.running.set(false);
        self.end(JobKind::Run, why);
        self.end(JobKind::Decode, why);
        self.wake();
    }

    /// Stops everything.
    pub fn stop_all(&self, why: Reason) {
        self.stop(why);
        JobKind::ALL.into_iter().for_each(|kind| self.end(kind, why));
    }

    /// Holds the run before its next step.
    pub fn pause(&self) {
        self.pace.set(Pace::Steps(0));
    }

    /// Lets the run take one step, and holds it then.
    pub fn step_once(&self) {
        let waiting = if let Pace::Steps(steps) = self.pace.get() { steps } else { 0 };
        self.pace.set(Pace::Steps(waiting.saturating_add(1)));
        self.go_on();
    }

    /// Lets the run go on.
    pub fn resume(&self) {
        self.pace.set(Pace::Free);
        self.go_on();
    }

    /// A run that was held goes first again.
    fn go_on(&self) {
        if self.held.borrow().is_some() {
            self.end(JobKind::Decode, Reason::RunFirst);
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.held.take() {
            waker.wake();
        }
    }

    fn end(&self, kind: JobKind, why: Reason) {
        let slot = &self.slots[kind as usize];
        slot.number.set(slot.number.get().wrapping_add(1));
        slot.why.set(why);
    }

    fn current(self: &Rc<Self>, kind: JobKind) -> Job {
        Job { jobs: self.clone(), kind, number: self.slots[kind as usize].number.get() }
    }
}

impl Job {
    pub fn goes_on(&self) -> bool {
        self.slot().number.get() == self.number
    }

    /// Once it does not go on.
    pub fn why_stopped(&self) -> Reason {
        self.slot().why.get()
    }

    /// Whether the run has to wait before its next step.
    pub fn is_held(&self) -> bool {
        self.goes_on() && self.jobs.pace.get() == Pace::Steps(0)
    }

    /// Waits as long as the run is held, and counts the step that comes.
    pub async fn turn(&self) {
        poll_fn(|context| match self.is_held() {
            true => {
                self.jobs.held.replace(Some(context.waker().clone()));
                Poll::Pending
            }
            false => Poll::Ready(()),
        })
        .await;
        if let (true, Pace::Steps(steps)) = (self.goes_on(), self.jobs.pace.get()) {
            self.jobs.pace.set(Pace::Steps(steps.saturating_sub(1)));
        }
    }

    fn slot(&self) -> &Slot {
        &self.jobs.slots[self.kind as usize]
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.kind == JobKind::Run && self.goes_on() {
            self.jobs.running.set(false);
        }
    }
}
