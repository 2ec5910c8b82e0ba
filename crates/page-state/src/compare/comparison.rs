//! A comparison that was begun: its runs, their films, and its columns at a moment; pure.

use super::maps;
use super::what::What;
use crate::film::Moment;
use crate::film::{self, Film, Pixels};
use crate::run::Plan;
use ditscope_config::RunSettings;

/// A comparison that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub what: What,
    runs: Vec<OneRun>,
    /// The newest run that was started, and its number.
    current: usize,
    pub number: u32,
    /// The run whose steps the timeline has.
    timeline: usize,
    /// How far each column's finished picture is from the reference's.
    distances: Vec<Option<f64>>,
}

#[derive(Debug, Clone, PartialEq)]
struct OneRun {
    settings: RunSettings,
    film: Option<Film>,
    /// When it came to its end: how long it took.
    total_ms: Option<f64>,
}

/// What a column shows now.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub made: Made,
    pub moment: Option<Moment>,
    /// Its picture in the frame.
    pub picture: usize,
    /// Where it stands, and of how many steps.
    pub step: usize,
    pub steps: usize,
    /// Of a run of its own.
    pub total_ms: Option<f64>,
    pub ms_per_step: Option<f64>,
    /// Of the finished picture to the reference's.
    pub distance: Option<f64>,
    pub is_reference: bool,
}

/// How far a column has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    Waiting,
    Running,
    Done,
    /// It ended before its last step.
    Stopped,
    /// Nothing of it was begun.
    Not,
}

impl Comparison {
    pub fn new(what: What, settings: &RunSettings, number: u32) -> Self {
        let run = |settings| OneRun { settings, film: None, total_ms: None };
        let runs = what.runs(settings).into_iter().map(run).collect();
        let distances = vec![None; what.columns()];
        Self { what, runs, current: 0, number, timeline: 0, distances }
    }

    /// One that was made before the visit: guidance scales, which are one run.
    pub fn recorded(film: Film) -> Self {
        let what = What::Guidance(film.info.guidance_scales.clone());
        let total_ms = film.frames().iter().map(|frame| frame.ms).sum();
        // No run of the visit has this number.
        let mut made = Self::new(what, &film.info.settings.clone(), u32::MAX);
        made.runs[0] = OneRun { settings: film.info.settings.clone(), film: Some(film), total_ms: Some(total_ms) };
        made.measure();
        made
    }

    /// What its newest run is asked for with.
    pub(crate) fn plan(&self) -> Plan {
        let guidance_scales = match &self.what {
            What::Guidance(scales) => scales.clone(),
            _ => vec![],
        };
        Plan { guidance_scales, ..Plan::new(self.runs[self.current].settings.clone()) }
    }

    /// The newest run, counted from 1, and how many there are.
    pub fn run(&self) -> (usize, usize) {
        (self.current + 1, self.runs.len())
    }

    /// The newest run's film has grown; `follow`: the timeline goes along.
    pub fn take_film(&mut self, film: Option<Film>, follow: bool) {
        self.runs[self.current].film = film;
        if follow || self.film().is_none() {
            self.timeline = self.current;
        }
    }

    /// The newest run came to its end: the next one, unless it is the last or `cancelled`.
    pub(crate) fn end_run(&mut self, total_ms: f64, cancelled: bool) -> Option<Plan> {
        self.runs[self.current].total_ms = Some(total_ms);
        self.measure();
        if cancelled || self.current + 1 == self.runs.len() {
            return None;
        }
        self.current += 1;
        self.number += 1;
        Some(self.plan())
    }

    /// Whether it came to its end and is what these settings would give.
    pub fn is_of(&self, what: &What, settings: &RunSettings) -> bool {
        let same = self.runs.iter().map(|run| &run.settings).eq(&what.runs(settings));
        same && self.what == *what && self.total_ms().is_some()
    }

    /// How long all runs took, where all came to their end.
    pub fn total_ms(&self) -> Option<f64> {
        self.runs.iter().map(|run| run.total_ms).sum()
    }

    /// The timeline gets the longest film that is complete.
    pub fn show_longest(&mut self) {
        let complete = |run: &OneRun| run.film.as_ref().filter(|film| film.is_complete()).map_or(0, Film::steps);
        let longest = self.runs.iter().enumerate().max_by_key(|(_, run)| complete(run));
        self.timeline = longest.filter(|(_, run)| complete(run) > 0).map_or(self.timeline, |(i, _)| i);
    }

    /// A share of the newest run as one of all runs' steps.
    pub fn share_of_all(&self, share: f64) -> f64 {
        let steps = |runs: &[OneRun]| runs.iter().map(|run| run.settings.num_inference_steps as f64).sum::<f64>();
        let own = self.runs[self.current].settings.num_inference_steps as f64;
        (steps(&self.runs[..self.current]) + share * own) / steps(&self.runs)
    }

    /// The frame of column `i` at a step of its own, with its picture.
    pub fn frame(&self, i: usize, step: usize) -> Option<(Moment, usize)> {
        let (run, picture) = self.source(i);
        Some((self.moment(self.runs.get(run)?.film.as_ref()?, step)?, picture))
    }

    /// The run of column `i`, and its picture there.
    fn source(&self, i: usize) -> (usize, usize) {
        match &self.what {
            What::Guidance(_) => (0, i),
            _ => (i, 0),
        }
    }

    /// Column `i` where the timeline is at `position`; `under_way` while its newest run is.
    pub fn column(&self, i: usize, position: usize, under_way: bool) -> Option<Column> {
        let (at, picture) = self.source(i);
        let run = self.runs.get(at).filter(|_| i < self.what.columns())?;
        let steps = run.film.as_ref().map_or(run.settings.num_inference_steps, Film::steps);
        let stage = match (&run.film, run.total_ms) {
            (_, Some(_)) => Made::Done,
            _ if under_way && at == self.current => Made::Running,
            _ if under_way && at > self.current => Made::Waiting,
            (Some(_), None) => Made::Stopped,
            (None, None) => Made::Not,
        };
        let film = run.film.as_ref().filter(|film| !film.is_empty());
        let timeline = self.film().map_or(steps, Film::steps);
        let step = (position * steps / timeline).min(film.map_or(0, Film::last));
        let moment = film.and_then(|film| self.moment(film, step));
        // A long film has given up some of its frames.
        let step = moment.as_ref().map_or(step, |moment| moment.frame.step);
        let alone = self.runs.len() > 1;
        let total_ms = run.total_ms.filter(|_| alone);
        let ms_per_step = film.filter(|_| alone && run.total_ms.is_some()).and_then(Film::ms_per_step);
        let (distance, is_reference) = (self.distances.get(i).copied().flatten(), self.what.reference() == i);
        Some(Column { made: stage, moment, picture, step, steps, total_ms, ms_per_step, distance, is_reference })
    }

    /// The film on the timeline.
    pub fn film(&self) -> Option<&Film> {
        self.runs[self.timeline].film.as_ref().filter(|film| !film.is_empty())
    }

    /// What all its runs have in common, where one was asked for.
    pub fn settings(&self) -> &RunSettings {
        &self.runs[0].settings
    }

    /// How long all of it took, and one of its steps, where it is one run that is over.
    pub fn time(&self) -> Option<(f64, f64)> {
        let [run] = self.runs.as_slice() else { return None };
        run.total_ms.zip(run.film.as_ref()?.ms_per_step())
    }

    fn moment(&self, film: &Film, step: usize) -> Option<Moment> {
        Some(Moment { info: film.info.clone(), frame: film.at(step)?.clone() })
    }

    fn finished(&self, column: usize) -> Option<Pixels> {
        let (run, picture) = self.source(column);
        let run = self.runs.get(run).filter(|run| run.total_ms.is_some())?;
        let film = run.film.as_ref()?;
        Some(film::picture(&film.info, film.at(film.steps())?, picture))
    }

    fn measure(&mut self) {
        let Some(reference) = self.finished(self.what.reference()) else { return };
        self.distances = (0..self.what.columns())
            .map(|i| self.finished(i).and_then(|picture| maps::distance(&reference, &picture)))
            .collect();
    }
}

/// Steps for a strip of at most `most` small pictures, the first and the last among them.
pub fn strip(steps: usize, most: usize) -> Vec<usize> {
    let count = most.min(steps + 1).max(2);
    (0..count).map(|i| (i * steps + (count - 1) / 2) / (count - 1)).collect()
}
