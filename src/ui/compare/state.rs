//! The state of this part of the page, and what changes it; pure.
//!
//! Guidance scales are compared in one run, a picture for each. Samplers and numbers of steps are a run each, one
//! after the other: the end of one begins the next. A run that is under way is the page's only one and has its
//! number, so a comparison whose run was replaced, cancelled or lost is over without having to be told.

use super::maps;
use super::what::{COLUMNS, Kind, What};
use crate::config::{RunSettings, SamplerKind};
use crate::ui::film::{self, Film, Pixels};
use crate::ui::mode::Mode;
use crate::ui::state::{self as app, AppState, Effect, RunState};
use crate::ui::store::Moment;
use crate::ui::update::Plan;
use std::ops::ControlFlow;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compare {
    /// What was chosen of the kinds that are not on the stage now.
    kept: Vec<What>,
    /// The newest comparison of each kind.
    made: Vec<Comparison>,
    pub rows: Rows,
}

/// What is shown under the pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rows {
    /// x_t
    pub noisy: bool,
    /// What guidance takes several times over.
    pub difference: bool,
}

/// A comparison that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub what: What,
    runs: Vec<OneRun>,
    /// The newest run that was started, and its number.
    current: usize,
    number: u32,
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
    /// The comparison ended before it began.
    Not,
}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Compare exactly this.
    Set(What),
    /// Compare this kind as it was set before, or as it is usual.
    Show(Kind),
    /// The number at this place was changed.
    Number(usize, f64),
    Add,
    Remove(usize),
    Toggle(SamplerKind),
    Rows(Rows),
    /// Show the moment at which a column is at this step.
    Seek {
        column: usize,
        step: usize,
    },
}

impl AppState {
    pub(in crate::ui) fn update_compare(&mut self, event: Event) -> Vec<Effect> {
        let what = match event {
            Event::Set(what) => what.sound(),
            Event::Show(kind) => return self.show_kind(kind),
            Event::Number(at, number) => {
                let mut numbers = self.compared().numbers();
                if let Some(old) = numbers.get_mut(at) {
                    *old = number;
                }
                self.compared().with_numbers(numbers)
            }
            Event::Add => self.compared().with_another(),
            Event::Remove(at) => self.compared().without(at),
            Event::Toggle(kind) => {
                let mut samplers = self.compared().samplers().to_vec();
                match samplers.iter().position(|other| *other == kind) {
                    Some(at) => drop(samplers.remove(at)),
                    None => samplers.push(kind),
                }
                What::SomeSamplers(samplers).sound()
            }
            Event::Rows(rows) => {
                self.compare.rows = rows;
                None
            }
            Event::Seek { column, step } => return self.seek_column(column, step),
        };
        what.map(|what| self.compare_this(Some(what))).unwrap_or_default()
    }

    fn show_kind(&mut self, kind: Kind) -> Vec<Effect> {
        if kind == self.compared().kind() {
            return vec![];
        }
        let kept = self.compare.kept.iter().find(|what| what.kind() == kind).cloned();
        // The usual guidance scales are the model's, as long as nothing else is chosen.
        let usual = (kind != Kind::Guidance).then(|| kind.usual(&self.defaults()));
        self.compare_this(kept.or(usual))
    }

    fn compare_this(&mut self, what: Option<What>) -> Vec<Effect> {
        let place = self.place();
        if let Some(before) = std::mem::replace(&mut self.address.compare, what) {
            self.compare.kept.retain(|what| what.kind() != before.kind());
            self.compare.kept.push(before);
        }
        self.go_to(place);
        vec![Effect::ShowAddress(self.query())]
    }

    /// What Generate would compare.
    pub fn compared(&self) -> What {
        self.address.compare.clone().unwrap_or_else(|| Kind::Guidance.usual(&self.defaults()))
    }

    fn defaults(&self) -> RunSettings {
        self.config.as_ref().map(|config| config.defaults.clone()).unwrap_or_default()
    }

    /// The newest comparison of the kind on the stage.
    pub fn comparison(&self) -> Option<&Comparison> {
        let kind = self.compared().kind();
        self.compare.made.iter().find(|made| made.what.kind() == kind)
    }

    /// What Generate starts in this mode: the first run of a comparison.
    pub(in crate::ui) fn plan_comparison(&mut self) -> Option<Plan> {
        let what = self.compared();
        let run = |settings| OneRun { settings, film: None, total_ms: None };
        let runs = what.runs(&self.settings()).into_iter().map(run).collect();
        let (number, distances) = (self.run_number + 1, vec![None; what.columns()]);
        let made = Comparison { what, runs, current: 0, number, timeline: 0, distances };
        let plan = made.plan();
        self.compare.made.retain(|other| other.what.kind() != made.what.kind());
        self.compare.made.push(made);
        Some(plan)
    }

    /// The comparison that the newest run belongs to, if it does to one.
    fn newest_comparison(&mut self) -> Option<&mut Comparison> {
        let number = self.run_number;
        self.compare.made.iter_mut().find(|made| made.number == number)
    }

    fn comparison_under_way(&self) -> Option<&Comparison> {
        self.compare.made.iter().find(|made| self.is_running() && made.number == self.run_number)
    }

    /// A run has begun: whether the visitor looks at what the runs before it have made.
    pub(in crate::ui) fn looks_at_comparison(&self) -> bool {
        let goes_on = self.comparison_under_way().is_some_and(|made| made.current > 0);
        goes_on && self.mode() == Mode::Compare && !self.view.follow
    }

    /// How many films share the memory of one.
    pub(in crate::ui) fn films_compared(&self) -> usize {
        self.comparison_under_way().map_or(1, |made| made.runs.len())
    }

    /// The run's film has a frame more.
    pub(in crate::ui) fn compare_frame(&mut self) {
        let (film, follow) = (self.film.clone(), self.view.follow);
        let Some(made) = self.newest_comparison() else { return };
        made.runs[made.current].film = film;
        if follow || made.runs[made.timeline].film.is_none() {
            made.timeline = made.current;
        }
    }

    /// A run came to its end: the next one of the comparison, or how all has ended.
    pub(in crate::ui) fn after_run(&mut self, total_ms: f64) -> ControlFlow<RunState, Plan> {
        let cancelling = matches!(self.run, RunState::Running { cancelling: true, .. });
        let Some(made) = self.newest_comparison() else { return ControlFlow::Break(RunState::Done { total_ms }) };
        made.runs[made.current].total_ms = Some(total_ms);
        made.measure();
        if made.current + 1 < made.runs.len() && !cancelling {
            made.current += 1;
            made.number += 1;
            return ControlFlow::Continue(made.plan());
        }
        let total_ms: Option<f64> = made.runs.iter().map(|run| run.total_ms).sum();
        self.settle_comparison();
        ControlFlow::Break(total_ms.map_or(RunState::Cancelled, |total_ms| RunState::Done { total_ms }))
    }

    /// The newest run is over, as well as it went: the timeline gets the longest film that is complete.
    pub(in crate::ui) fn settle_comparison(&mut self) {
        let place = self.place();
        if let Some(made) = self.newest_comparison() {
            let complete = |run: &OneRun| run.film.as_ref().filter(|film| film.is_complete()).map_or(0, Film::steps);
            let longest = made.runs.iter().enumerate().max_by_key(|(_, run)| complete(run));
            made.timeline = longest.filter(|(_, run)| complete(run) > 0).map_or(made.timeline, |(i, _)| i);
        }
        self.go_to(place);
    }

    /// The film whose steps the timeline has in this mode.
    pub(in crate::ui) fn compared_film(&self) -> Option<&Film> {
        self.comparison().and_then(Comparison::film)
    }

    /// Which run of how many is under way, where there are several.
    pub fn run_of_comparison(&self) -> Option<(usize, usize)> {
        let made = self.comparison_under_way().filter(|made| made.runs.len() > 1)?;
        Some((made.current + 1, made.runs.len()))
    }

    /// A share of the run under way as one of all that was asked for.
    pub fn share_of_all(&self, share: f64) -> f64 {
        let Some(made) = self.comparison_under_way() else { return share };
        let steps = |runs: &[OneRun]| runs.iter().map(|run| run.settings.num_inference_steps as f64).sum::<f64>();
        let own = made.runs[made.current].settings.num_inference_steps as f64;
        (steps(&made.runs[..made.current]) + share * own) / steps(&made.runs)
    }

    /// How many columns there are, or would be.
    pub fn columns(&self) -> usize {
        self.comparison().map_or_else(|| self.compared().columns(), |made| made.what.columns())
    }

    /// Whether what is set is another comparison of the kind than the one on the stage.
    pub fn is_set_otherwise(&self) -> bool {
        self.comparison().is_some_and(|made| made.what != self.compared())
    }

    /// Column `i` at the moment on the timeline.
    pub fn column(&self, i: usize) -> Option<Column> {
        let made = self.comparison()?;
        let (at, picture) = made.source(i);
        let run = made.runs.get(at)?;
        let steps = run.film.as_ref().map_or(run.settings.num_inference_steps, Film::steps);
        let under_way = self.is_running() && made.number == self.run_number;
        let stage = match (&run.film, run.total_ms) {
            (_, Some(_)) => Made::Done,
            _ if under_way && at == made.current => Made::Running,
            _ if under_way && at > made.current => Made::Waiting,
            (Some(_), None) => Made::Stopped,
            (None, None) => Made::Not,
        };
        let film = run.film.as_ref().filter(|film| !film.is_empty());
        let timeline = made.film().map_or(steps, Film::steps);
        let step = (self.view.position * steps / timeline).min(film.map_or(0, Film::last));
        let moment = film.and_then(|film| made.moment(film, step));
        // A long film has given up some of its frames.
        let step = moment.as_ref().map_or(step, |moment| moment.frame.step);
        let alone = made.runs.len() > 1;
        let total_ms = run.total_ms.filter(|_| alone);
        let ms_per_step = film.filter(|_| alone && run.total_ms.is_some()).and_then(Film::ms_per_step);
        let (distance, is_reference) = (made.distances.get(i).copied().flatten(), made.what.reference() == i);
        Some(Column { made: stage, moment, picture, step, steps, total_ms, ms_per_step, distance, is_reference })
    }

    /// The frame of column `i` at a step of its own, with its picture.
    pub fn column_frame(&self, i: usize, step: usize) -> Option<(Moment, usize)> {
        let made = self.comparison()?;
        let (run, picture) = made.source(i);
        Some((made.moment(made.runs.get(run)?.film.as_ref()?, step)?, picture))
    }

    /// The largest place in any column's difference map at this moment: all have one scale.
    pub fn largest_difference(&self) -> f32 {
        let columns = (0..self.columns()).filter_map(|i| self.column(i));
        let largest = |column: Column| {
            let Moment { info, frame } = column.moment?;
            maps::difference(&info, &frame, column.picture).map(|map| map.largest())
        };
        columns.filter_map(largest).fold(0.0, f32::max)
    }

    fn seek_column(&mut self, column: usize, step: usize) -> Vec<Effect> {
        let steps = self.column(column).map_or(0, |column| column.steps);
        let timeline = self.compared_film().map_or(0, Film::steps);
        // The first position at which the column is there.
        let position = (step * timeline).div_ceil(steps.max(1));
        self.update(app::Event::Seek(position))
    }

    /// Where the visitor is: a position, and of how many.
    pub(in crate::ui) fn place(&self) -> (usize, Option<usize>) {
        (self.view.position, self.shown().map(Film::steps))
    }

    /// Goes to the same share of the film that is shown now.
    pub(in crate::ui) fn go_to(&mut self, (position, steps): (usize, Option<usize>)) {
        let Some(film) = self.shown() else { return };
        let of = film.steps();
        let scaled = steps.filter(|steps| *steps > 0).map_or(position, |steps| position * of / steps);
        let (position, pictures) = (scaled.min(film.last()), film.info.num_images);
        self.view.position = position;
        self.view.selected = self.view.selected.min(pictures - 1);
    }
}

impl Comparison {
    fn plan(&self) -> Plan {
        let guidance_scales = match &self.what {
            What::Guidance(scales) => scales.clone(),
            _ => vec![],
        };
        Plan { guidance_scales, ..Plan::new(self.runs[self.current].settings.clone()) }
    }

    /// The run of column `i`, and its picture there.
    fn source(&self, i: usize) -> (usize, usize) {
        match &self.what {
            What::Guidance(_) => (0, i),
            _ => (i, 0),
        }
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

/// How many columns another could be added to.
pub fn has_room(columns: usize) -> bool {
    columns < *COLUMNS.end()
}

/// Steps for a strip of at most `most` small pictures, the first and the last among them.
pub fn strip(steps: usize, most: usize) -> Vec<usize> {
    let count = most.min(steps + 1).max(2);
    (0..count).map(|i| (i * steps + (count - 1) / 2) / (count - 1)).collect()
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
