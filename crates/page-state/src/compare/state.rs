//! The state of this part of the page, and what changes it; pure.
//!
//! Guidance scales are compared in one run, a picture for each. Samplers and numbers of steps are a run each, one
//! after the other: the end of one begins the next. A run that is under way is the page's only one and has its
//! number, so a comparison whose run was replaced, cancelled or lost is over without having to be told.

use super::comparison::{Column, Comparison};
use super::maps;
use super::what::{Axis, COLUMNS, What};
use crate::Mode;
use crate::film::Film;
use crate::film::Moment;
use crate::follow::{Effects, Follow};
use crate::run::Plan;
use crate::{RunState, Shared};
use ditscope_config::{RunSettings, SamplerKind};
use std::borrow::Cow;
use std::ops::ControlFlow;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compare {
    /// What was chosen of the kinds that are not on the stage now.
    kept: Vec<What>,
    /// The newest comparison of each kind.
    made: Vec<Comparison>,
    pub rows: Rows,
    /// A recorded comparison was asked for.
    pub(crate) asked_recording: bool,
}

/// What is shown under the pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rows {
    /// x_t
    pub noisy: bool,
    /// What guidance takes several times over.
    pub difference: bool,
}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Compare exactly this.
    Set(What),
    /// Compare this kind as it was set before, or as it is usual.
    Show(Axis),
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

impl Compare {
    pub(crate) fn update(&mut self, shared: &Shared, event: Event) -> Effects {
        let new = match event {
            Event::Set(what) => what.sound(),
            Event::Show(axis) => return self.show_axis(shared, axis),
            Event::Number(at, number) => {
                let mut numbers = what(shared).numbers();
                if let Some(old) = numbers.get_mut(at) {
                    *old = number;
                }
                what(shared).with_numbers(numbers)
            }
            Event::Add => what(shared).with_another(),
            Event::Remove(at) => what(shared).without(at),
            Event::Toggle(kind) => {
                let mut samplers = what(shared).samplers().to_vec();
                match samplers.iter().position(|other| *other == kind) {
                    Some(at) => drop(samplers.remove(at)),
                    None => samplers.push(kind),
                }
                What::SomeSamplers(samplers).sound()
            }
            Event::Rows(rows) => {
                self.rows = rows;
                None
            }
            Event::Seek { column, step } => return self.seek(shared, column, step),
        };
        let new = new.filter(|new| shared.address.compare.as_ref() != Some(new));
        new.map(|new| Follow::Compare(Some(new))).into_iter().collect()
    }

    fn show_axis(&self, shared: &Shared, axis: Axis) -> Effects {
        if axis == what(shared).axis() {
            return vec![];
        }
        let kept = self.kept.iter().find(|what| what.axis() == axis).cloned();
        // The usual guidance scales are the model's, as long as nothing else is chosen.
        let usual = (axis != Axis::Guidance).then(|| axis.usual(&defaults(shared)));
        vec![Follow::Compare(kept.or(usual))]
    }

    /// Keeps what was compared, for when its axis is shown again.
    pub(crate) fn keep(&mut self, before: What) {
        self.kept.retain(|what| what.axis() != before.axis());
        self.kept.push(before);
    }

    /// The newest comparison of the kind on the stage.
    pub fn comparison(&self, shared: &Shared) -> Option<&Comparison> {
        let kind = what(shared).axis();
        self.made.iter().find(|made| made.what.axis() == kind)
    }

    /// What Generate starts in this mode: the first run of a comparison, and which of its pictures is selected.
    pub(crate) fn plan(&mut self, shared: &Shared) -> (Plan, usize) {
        let made = Comparison::new(what(shared), &shared.settings(), shared.run.number + 1);
        let plan = made.plan();
        // The timeline's small pictures are those of the visitor's own scale, or of the nearest.
        let apart = |scale: &f64| (scale - plan.settings.guidance_scale).abs();
        let nearest = plan.guidance_scales.iter().enumerate().min_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
        let selected = nearest.map_or(0, |(i, _)| i);
        self.made.retain(|other| other.what.axis() != made.what.axis());
        self.made.push(made);
        (plan, selected)
    }

    /// Whether a recorded comparison would be shown. Where the address says what is to be seen, nothing else is.
    pub(crate) fn lacks_recording(&self, shared: &Shared) -> bool {
        let is_wished = shared.mode() == Mode::Compare && !shared.run.named && shared.address.model.is_of_tour();
        is_wished && !self.asked_recording && self.made.is_empty()
    }

    pub(crate) fn take_recording(&mut self, film: Film) {
        let recorded = Comparison::recorded(film);
        if self.made.iter().all(|made| made.what.axis() != recorded.what.axis()) {
            self.made.push(recorded);
        }
    }

    /// Whether the newest run belongs to a comparison.
    pub(crate) fn has_newest_run(&self, shared: &Shared) -> bool {
        self.made.iter().any(|made| made.number == shared.run.number)
    }

    /// That comparison.
    fn newest(&mut self, shared: &Shared) -> Option<&mut Comparison> {
        let number = shared.run.number;
        self.made.iter_mut().find(|made| made.number == number)
    }

    fn under_way(&self, shared: &Shared) -> Option<&Comparison> {
        self.made.iter().find(|made| shared.is_running() && made.number == shared.run.number)
    }

    /// A run has begun: whether the visitor looks at what the runs before it have made.
    pub(crate) fn is_looked_at(&self, shared: &Shared) -> bool {
        let goes_on = self.under_way(shared).is_some_and(|made| made.run().0 > 1);
        goes_on && shared.mode() == Mode::Compare && !shared.timeline.follow
    }

    /// How many films share the memory of one.
    pub(crate) fn num_films(&self, shared: &Shared) -> usize {
        self.under_way(shared).map_or(1, |made| made.run().1)
    }

    /// The run's film has a frame more.
    pub(crate) fn take_frame(&mut self, shared: &Shared) {
        if let Some(made) = self.newest(shared) {
            made.take_film(shared.run.film.clone(), shared.timeline.follow);
        }
    }

    /// A run came to its end: the next one of the comparison, or how all has ended.
    pub(crate) fn end_run(&mut self, shared: &Shared, total_ms: f64) -> ControlFlow<RunState, Plan> {
        let cancelling = matches!(shared.run.state, RunState::Running { cancelling: true, .. });
        let Some(made) = self.newest(shared) else { return ControlFlow::Break(RunState::Done { total_ms }) };
        if let Some(plan) = made.end_run(total_ms, cancelling) {
            return ControlFlow::Continue(plan);
        }
        let total_ms = made.total_ms();
        ControlFlow::Break(total_ms.map_or(RunState::Cancelled, |total_ms| RunState::Done { total_ms }))
    }

    /// The newest run is over, as well as it went.
    pub(crate) fn show_longest(&mut self, shared: &Shared) {
        if let Some(made) = self.newest(shared) {
            made.show_longest();
        }
    }

    /// The film whose steps the timeline has in this mode.
    pub(crate) fn film(&self, shared: &Shared) -> Option<&Film> {
        self.comparison(shared).and_then(Comparison::film)
    }

    /// Which run of how many is under way, where there are several.
    pub fn run(&self, shared: &Shared) -> Option<(usize, usize)> {
        let (run, runs) = self.under_way(shared)?.run();
        (runs > 1).then_some((run, runs))
    }

    /// A share of the run under way as one of all that was asked for.
    pub fn share_of_all(&self, shared: &Shared, share: f64) -> f64 {
        let Some(made) = self.under_way(shared) else { return share };
        made.share_of_all(share)
    }

    /// How many columns there are, or would be.
    pub fn columns(&self, shared: &Shared) -> usize {
        self.comparison(shared).map_or_else(|| what(shared).columns(), |made| made.what.columns())
    }

    /// Whether what is set is another comparison of the kind than the one on the stage.
    pub fn is_set_otherwise(&self, shared: &Shared) -> bool {
        self.comparison(shared).is_some_and(|made| made.what != what(shared))
    }

    /// Column `i` at the moment on the timeline, or as it would be.
    pub fn column(&self, shared: &Shared, i: usize) -> Option<Column> {
        // No run has this number.
        let planned = || Comparison::new(what(shared), &shared.settings(), 0);
        let made = self.comparison(shared).map_or_else(|| Cow::Owned(planned()), Cow::Borrowed);
        made.column(i, shared.timeline.position, shared.is_running() && made.number == shared.run.number)
    }

    /// The frame of column `i` at a step of its own, with its picture.
    pub fn column_frame(&self, shared: &Shared, i: usize, step: usize) -> Option<(Moment, usize)> {
        self.comparison(shared)?.frame(i, step)
    }

    /// The largest place in any column's difference map at this moment: all have one scale.
    pub fn largest_difference(&self, shared: &Shared) -> f32 {
        let columns = (0..self.columns(shared)).filter_map(|i| self.column(shared, i));
        let largest = |column: Column| {
            let Moment { info, frame } = column.moment?;
            maps::difference(&info, &frame, column.picture).map(|map| map.largest())
        };
        columns.filter_map(largest).fold(0.0, f32::max)
    }

    fn seek(&self, shared: &Shared, column: usize, step: usize) -> Effects {
        let steps = self.column(shared, column).map_or(0, |column| column.steps);
        let timeline = self.film(shared).map_or(0, Film::steps);
        // The first position at which the column is there.
        let position = (step * timeline).div_ceil(steps.max(1));
        vec![Follow::Seek(position)]
    }
}

/// What Generate would compare.
pub fn what(shared: &Shared) -> What {
    let what = shared.address.compare.clone().unwrap_or_else(|| Axis::Guidance.usual(&defaults(shared)));
    what.fitting(shared.settings().sampler)
}

fn defaults(shared: &Shared) -> RunSettings {
    shared.models.config.as_ref().map(|config| config.defaults.clone()).unwrap_or_default()
}

/// How many columns another could be added to.
pub fn has_room(columns: usize) -> bool {
    columns < *COLUMNS.end()
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
