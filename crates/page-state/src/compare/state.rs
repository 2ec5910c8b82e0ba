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
use crate::shared::Plan;
use crate::{Effect, Event as PageEvent, Page, RunState};
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

impl Page {
    pub(crate) fn update_compare(&mut self, event: Event) -> Vec<Effect> {
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
        let new = what.filter(|what| self.address.compare.as_ref() != Some(what));
        new.map(|what| self.compare_this(Some(what))).unwrap_or_default()
    }

    fn show_kind(&mut self, kind: Axis) -> Vec<Effect> {
        if kind == self.compared().axis() {
            return vec![];
        }
        let kept = self.compare.kept.iter().find(|what| what.axis() == kind).cloned();
        // The usual guidance scales are the model's, as long as nothing else is chosen.
        let usual = (kind != Axis::Guidance).then(|| kind.usual(&self.defaults()));
        self.compare_this(kept.or(usual))
    }

    fn compare_this(&mut self, what: Option<What>) -> Vec<Effect> {
        let place = self.place();
        if let Some(before) = std::mem::replace(&mut self.address.compare, what) {
            self.compare.kept.retain(|what| what.axis() != before.axis());
            self.compare.kept.push(before);
        }
        self.publish_comparison();
        self.go_to(place);
        vec![Effect::ShowAddress(self.query())]
    }

    /// What Generate would compare.
    pub fn compared(&self) -> What {
        self.address.compare.clone().unwrap_or_else(|| Axis::Guidance.usual(&self.defaults()))
    }

    fn defaults(&self) -> RunSettings {
        self.config.as_ref().map(|config| config.defaults.clone()).unwrap_or_default()
    }

    /// The newest comparison of the kind on the stage.
    pub fn comparison(&self) -> Option<&Comparison> {
        let kind = self.compared().axis();
        self.compare.made.iter().find(|made| made.what.axis() == kind)
    }

    /// What Generate starts in this mode: the first run of a comparison.
    pub(crate) fn plan_comparison(&mut self) -> Option<Plan> {
        let made = Comparison::new(self.compared(), &self.settings(), self.run_number + 1);
        let plan = made.plan();
        // The timeline's small pictures are those of the visitor's own scale, or of the nearest.
        let apart = |scale: &f64| (scale - plan.settings.guidance_scale).abs();
        let nearest = plan.guidance_scales.iter().enumerate().min_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
        self.view.selected = nearest.map_or(0, |(i, _)| i);
        self.compare.made.retain(|other| other.what.axis() != made.what.axis());
        self.compare.made.push(made);
        self.publish_comparison();
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
    pub(crate) fn looks_at_comparison(&self) -> bool {
        let goes_on = self.comparison_under_way().is_some_and(|made| made.run().0 > 1);
        goes_on && self.mode() == Mode::Compare && !self.view.follow
    }

    /// How many films share the memory of one.
    pub(crate) fn films_compared(&self) -> usize {
        self.comparison_under_way().map_or(1, |made| made.run().1)
    }

    /// The run's film has a frame more.
    pub(crate) fn compare_frame(&mut self) {
        let (film, follow) = (self.film.clone(), self.view.follow);
        let Some(made) = self.newest_comparison() else { return };
        made.take_film(film, follow);
        self.publish_comparison();
    }

    /// A run came to its end: the next one of the comparison, or how all has ended.
    pub(crate) fn after_run(&mut self, total_ms: f64) -> ControlFlow<RunState, Plan> {
        let cancelling = matches!(self.run, RunState::Running { cancelling: true, .. });
        let Some(made) = self.newest_comparison() else { return ControlFlow::Break(RunState::Done { total_ms }) };
        let (next, total_ms) = (made.end_run(total_ms, cancelling), made.total_ms());
        self.publish_comparison();
        if let Some(plan) = next {
            return ControlFlow::Continue(plan);
        }
        self.settle_comparison();
        ControlFlow::Break(total_ms.map_or(RunState::Cancelled, |total_ms| RunState::Done { total_ms }))
    }

    /// The newest run is over, as well as it went: the timeline gets the longest film that is complete.
    pub(crate) fn settle_comparison(&mut self) {
        let place = self.place();
        if let Some(made) = self.newest_comparison() {
            made.settle();
        }
        self.publish_comparison();
        self.go_to(place);
    }

    /// The film whose steps the timeline has in this mode.
    pub(crate) fn compared_film(&self) -> Option<&Film> {
        self.comparison().and_then(Comparison::film)
    }

    /// What the stage shows of comparisons has changed.
    fn publish_comparison(&mut self) {
        self.shared.compared = self.compared_film().cloned();
    }

    /// Which run of how many is under way, where there are several.
    pub fn run_of_comparison(&self) -> Option<(usize, usize)> {
        let (run, runs) = self.comparison_under_way()?.run();
        (runs > 1).then_some((run, runs))
    }

    /// A share of the run under way as one of all that was asked for.
    pub fn share_of_all(&self, share: f64) -> f64 {
        let Some(made) = self.comparison_under_way() else { return share };
        made.share_of_all(share)
    }

    /// How many columns there are, or would be.
    pub fn columns(&self) -> usize {
        self.comparison().map_or_else(|| self.compared().columns(), |made| made.what.columns())
    }

    /// Whether what is set is another comparison of the kind than the one on the stage.
    pub fn is_set_otherwise(&self) -> bool {
        self.comparison().is_some_and(|made| made.what != self.compared())
    }

    /// Column `i` at the moment on the timeline, or as it would be.
    pub fn column(&self, i: usize) -> Option<Column> {
        // No run has this number.
        let planned = || Comparison::new(self.compared(), &self.settings(), 0);
        let made = self.comparison().map_or_else(|| Cow::Owned(planned()), Cow::Borrowed);
        made.column(i, self.view.position, self.is_running() && made.number == self.run_number)
    }

    /// The frame of column `i` at a step of its own, with its picture.
    pub fn column_frame(&self, i: usize, step: usize) -> Option<(Moment, usize)> {
        self.comparison()?.frame(i, step)
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
        self.update(PageEvent::Seek(position))
    }

    /// Where the visitor is: a position, and of how many.
    pub(crate) fn place(&self) -> (usize, Option<usize>) {
        (self.view.position, self.shown().map(Film::steps))
    }

    /// Goes to the same share of the film that is shown now.
    pub(crate) fn go_to(&mut self, (position, steps): (usize, Option<usize>)) {
        let Some(film) = self.shown() else { return };
        let of = film.steps();
        let scaled = steps.filter(|steps| *steps > 0).map_or(position, |steps| position * of / steps);
        let (position, pictures) = (scaled.min(film.last()), film.info.num_images);
        self.view.position = position;
        self.view.selected = self.view.selected.min(pictures - 1);
    }
}

/// How many columns another could be added to.
pub fn has_room(columns: usize) -> bool {
    columns < *COLUMNS.end()
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
