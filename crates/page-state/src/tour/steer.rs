//! How the tour brings the page to what it shows.
//!
//! A chapter or a step of it is a [`Wish`]: it waits for the model, starts a run unless the film on the stage is just
//! that run, and goes to its place as soon as the frame has come. Then it leaves the page alone; so it does as soon as
//! the visitor changes something.

use super::book::Wish;
use super::drive;
use super::state::{Drive, Obstacle, Tour, obstacle};
use crate::compare::{self, Compare};
use crate::film::Film;
use crate::follow::{Effects, Follow};
use crate::run::{self, Plan};
use crate::{Event, Shared, timeline};

impl Tour {
    /// Whether the event is something that the visitor did, so that the tour stops driving the page.
    pub(crate) fn is_left_by(&self, event: &Event) -> bool {
        match event {
            Event::Choose(_) | Event::Show(_) | Event::Generate | Event::Run(run::Event::Cancel) => true,
            // A look at the recorded run while the model loads is none.
            Event::Compare(compare::Event::Seek { .. }) => self.drive != Drive::Waiting,
            Event::Timeline(event) => moves(*event) && self.drive != Drive::Waiting,
            _ => false,
        }
    }

    /// The next step towards what the tour shows, if there is one that can be taken now: how far the tour is then, and
    /// what is done for it.
    pub(crate) fn next_step(&self, shared: &Shared, comparisons: &Compare) -> Option<(Drive, Effects)> {
        let wish = self.wish(shared)?;
        match self.drive {
            Drive::Waiting if obstacle(shared).is_none() => {
                Some((Drive::Set, drive::at_once(wish).into_iter().map(Follow::Act).collect()))
            }
            Drive::Set => {
                let start = match drive::compared(wish) {
                    _ if has_run_for(shared, comparisons, wish) => vec![],
                    Some(_) => vec![Follow::Act(Event::Generate)],
                    None => vec![Follow::Start(Plan::new(wish.settings.clone()))],
                };
                Some((Drive::Running { there: false }, start))
            }
            Drive::Running { there } => follow_run(shared, comparisons, wish, there),
            _ => None,
        }
    }

    /// What there is to say of the page beside the chapter.
    pub fn progress(&self, shared: &Shared) -> Progress {
        match (self.drive, obstacle(shared)) {
            (_, Some(Obstacle::OtherModel)) => Progress::OtherModel,
            (_, Some(Obstacle::NotLoaded)) => Progress::NotLoaded,
            (Drive::Waiting | Drive::Set, _) => Progress::Waiting,
            (Drive::Shown, _) => Progress::Shown,
            (Drive::Free, _) => Progress::Free,
            (Drive::Running { .. }, _) => match newest_film(shared) {
                Some(film) => Progress::Running { received: film.received(), steps: film.steps() },
                None => Progress::Starting,
            },
        }
    }
}

/// Goes to the place in the run as soon as its frame is there, and sees the run end.
fn follow_run(shared: &Shared, comparisons: &Compare, wish: &Wish, there: bool) -> Option<(Drive, Effects)> {
    let film = comparison_for(shared, comparisons, wish).or_else(|| newest_film(shared));
    if let Some(film) = film.filter(|film| !there && film.received() >= drive::due(wish, film.steps())) {
        let mut effects: Effects = drive::arrive(wish, &film.info).into_iter().map(Follow::Act).collect();
        // Also where that is the newest frame: the run goes on without the page.
        effects.push(Follow::StopFollowing);
        return Some((Drive::Running { there: true }, effects));
    }
    if shared.is_running() {
        return None;
    }
    let shown = there && film.is_some_and(Film::is_complete);
    // Where it is not shown the run failed: the page says so.
    Some((if shown { Drive::Shown } else { Drive::Free }, vec![]))
}

/// Whether an event moves the place on the timeline.
fn moves(event: timeline::Event) -> bool {
    use timeline::Event::{Seek, SeekNewest, Step, TogglePlay};
    matches!(event, Seek(_) | Step(_) | SeekNewest | TogglePlay)
}

/// The own film, unless a newer run is about to take its place.
fn newest_film(shared: &Shared) -> Option<&Film> {
    shared.run.film.as_ref().filter(|_| shared.run.film_number == shared.run.number)
}

/// Whether the film on the stage is the wished run, or becomes it; or the comparison was made before.
fn has_run_for(shared: &Shared, comparisons: &Compare, wish: &Wish) -> bool {
    let fits = |film: &Film| (film.is_complete() || shared.is_running()) && drive::fits(&film.info, wish);
    let there = newest_film(shared).is_some_and(fits) || comparison_for(shared, comparisons, wish).is_some();
    shared.run.film_model.as_ref() == Some(&shared.address.model) && there
}

/// The finished comparison that is wished.
fn comparison_for<'a>(shared: &Shared, comparisons: &'a Compare, wish: &Wish) -> Option<&'a Film> {
    let what = drive::compared(wish)?;
    let film = comparisons.comparison(shared).filter(|made| made.is_of(&what, &wish.settings))?.film();
    film.filter(|film| film.model == shared.model_name())
}

/// How far the page is in showing what the open chapter explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    OtherModel,
    NotLoaded,
    Waiting,
    /// The run has not begun.
    Starting,
    Running {
        /// Frames that have come.
        received: usize,
        steps: usize,
    },
    Shown,
    Free,
}
