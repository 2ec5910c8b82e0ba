//! The measuring as the page sees it: row by row, in a worker each.

use super::figures::{Figures, Sample};
use super::trial::{Effect, Heard, PATIENCE_MS, Stage, Trial};
use super::what::{Failure, Offer, Subject, xl2};
use crate::Notice;
use ditscope_protocol::{Backend, BackendChoice, FromWorker, ToWorker};

/// Blocks of XL/2 that are measured where the CPU computes: the whole is too large for it.
const FEW: usize = 2;
const MORE: usize = 4;
const CPU: &str = "CPU";

/// What can be measured, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub offer: Offer,
    pub outcome: Option<Result<Figures, Failure>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub rows: Vec<Row>,
    /// The device of the measuring that is under way, or of the last one.
    pub device: Option<Backend>,
    /// When that began.
    pub date: String,
    /// Whether the last measuring was stopped.
    pub stopped: bool,
    now: Option<Now>,
    asked: Asked,
}

/// What a measuring was asked for with.
#[derive(Debug, Clone, Default, PartialEq)]
struct Asked {
    backend: BackendChoice,
    /// Folder of the page, with a slash at its end.
    base: String,
    /// Name of the device, where it is known.
    device: Option<String>,
}

/// What is measured now.
#[derive(Debug, Clone, PartialEq)]
struct Now {
    row: usize,
    /// Only so many blocks of it.
    blocks: Option<usize>,
    /// The same with fewer.
    few: Option<Sample>,
    trial: Trial,
}

/// What can happen.
#[derive(Debug, Clone)]
pub enum Event {
    /// What there is to measure; what was chosen of it stays so.
    Offered(Vec<Offer>),
    Toggle(usize),
    /// On this backend; `device` is its name where it is known, `date` that of today.
    Start {
        backend: BackendChoice,
        device: Option<String>,
        base: String,
        date: String,
        now_ms: f64,
    },
    Stop,
    Heard {
        message: FromWorker,
        now_ms: f64,
    },
    Lost(Notice),
    Waited {
        now_ms: f64,
    },
}

impl State {
    /// Takes in what happened.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Offered(offers) if self.now.is_none() => self.offered(offers),
            Event::Toggle(row) if self.now.is_none() => {
                self.rows.iter_mut().skip(row).take(1).for_each(|row| row.offer.chosen = !row.offer.chosen);
            }
            Event::Offered(_) | Event::Toggle(_) => {}
            Event::Start { backend, device, base, date, now_ms } if self.can_start() => {
                self.rows.iter_mut().for_each(|row| row.outcome = None);
                (self.device, self.stopped, self.date) = (None, false, date);
                self.asked = Asked { backend, base, device };
                return self.next(now_ms);
            }
            Event::Start { .. } => {}
            Event::Stop => {
                self.stopped = self.now.take().is_some();
                return if self.stopped { vec![Effect::StopWorker] } else { vec![] };
            }
            Event::Heard { message, now_ms } => {
                let Some(now) = &mut self.now else { return vec![] };
                let heard = now.trial.hear(message, now_ms);
                return self.go_on(heard, now_ms);
            }
            Event::Lost(why) => {
                let now_ms = self.now.as_ref().map(|now| now.trial.heard_ms()).unwrap_or_default();
                return self.go_on(Heard::Failed(Failure::Told(why)), now_ms);
            }
            Event::Waited { now_ms } => {
                let Some(now) = &mut self.now else { return vec![] };
                let heard = now.trial.wait_over(now_ms);
                return self.go_on(heard, now_ms);
            }
        }
        vec![]
    }

    pub fn can_start(&self) -> bool {
        self.now.is_none() && self.rows.iter().any(|row| row.offer.chosen)
    }

    pub fn is_measuring(&self) -> bool {
        self.now.is_some()
    }

    /// What is measured now, with so many of its blocks, and how far that is.
    pub fn progress(&self) -> Option<(&Row, Option<usize>, Stage)> {
        let now = self.now.as_ref()?;
        Some((self.rows.get(now.row)?, now.blocks, now.trial.stage))
    }

    /// Rows that are done, and all that are to be.
    pub fn share(&self) -> (usize, usize) {
        let chosen = self.rows.iter().filter(|row| row.offer.chosen);
        (chosen.clone().filter(|row| row.outcome.is_some()).count(), chosen.count())
    }

    /// Those of which something came.
    pub fn results(&self) -> impl Iterator<Item = (&str, &Result<Figures, Failure>)> {
        self.rows.iter().filter_map(|row| Some((row.offer.name.as_str(), row.outcome.as_ref()?)))
    }

    fn offered(&mut self, offers: Vec<Offer>) {
        let old = std::mem::take(&mut self.rows);
        let row = |offer: Offer| match old.iter().find(|row| row.offer.subject == offer.subject) {
            Some(Row { offer: Offer { chosen, .. }, outcome }) => {
                Row { offer: Offer { chosen: *chosen, ..offer }, outcome: outcome.clone() }
            }
            None => Row { offer, outcome: None },
        };
        self.rows = offers.into_iter().map(row).collect();
    }

    /// Begins with the first row that is left, or ends.
    fn next(&mut self, now_ms: f64) -> Vec<Effect> {
        self.now = None;
        let left = self.rows.iter().position(|row| row.offer.chosen && row.outcome.is_none());
        let Some(row) = left else { return vec![Effect::StopWorker] };
        let device = self.device.as_ref().map(|device| &device.name).or(self.asked.device.as_ref());
        // Where the device is not known, few blocks find that out.
        let is_whole = self.rows[row].offer.subject != Subject::Xl2 || device.is_some_and(|name| name != CPU);
        self.begin(row, (!is_whole).then_some(FEW), None, now_ms)
    }

    fn begin(&mut self, row: usize, blocks: Option<usize>, few: Option<Sample>, now_ms: f64) -> Vec<Effect> {
        let Asked { backend, base, .. } = &self.asked;
        let load = match &self.rows[row].offer.subject {
            Subject::Model(model) => ToWorker::Load { source: model.source(base), backend: *backend, load: 0 },
            Subject::Xl2 => {
                // Plain data: its JSON cannot fail.
                let transformer = serde_json::to_string(&xl2(blocks)).unwrap_or_default();
                ToWorker::LoadRandom { transformer, backend: *backend }
            }
        };
        self.now = Some(Now { row, blocks, few, trial: Trial::new(load, now_ms) });
        vec![Effect::StartWorker, Effect::Wait(PATIENCE_MS)]
    }

    fn go_on(&mut self, heard: Heard, now_ms: f64) -> Vec<Effect> {
        let Some(now) = &mut self.now else { return vec![] };
        if let Some(backend) = &now.trial.backend
            && self.device.is_none()
        {
            self.device = Some(backend.clone());
            if now.blocks.is_some() && backend.name != CPU {
                let row = now.row;
                return self.begin(row, None, None, now_ms);
            }
        }
        let (row, outcome) = match heard {
            Heard::Go(effects) => return effects,
            Heard::Failed(why) => (now.row, Err(why)),
            Heard::Done(sample) => match (now.blocks, now.few.take()) {
                (None, _) => (now.row, Figures::of(&sample).ok_or(Failure::Unsteady)),
                (Some(_), None) => {
                    let row = now.row;
                    return self.begin(row, Some(MORE), Some(*sample), now_ms);
                }
                (Some(_), Some(few)) => {
                    (now.row, Figures::extrapolated(&xl2(None), [&few, &sample]).ok_or(Failure::Unsteady))
                }
            },
        };
        self.rows[row].outcome = Some(outcome);
        self.next(now_ms)
    }
}
