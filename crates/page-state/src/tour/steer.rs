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
    /// Stops driving the page when the event is something that the visitor did.
    pub(crate) fn leave_if_visitor_acts(&mut self, event: &Event) {
        let acts = match event {
            Event::Choose(_) | Event::Show(_) | Event::Generate | Event::Run(run::Event::Cancel) => true,
            // A look at the recorded run while the model loads is none.
            Event::Compare(compare::Event::Seek { .. }) => self.drive != Drive::Waiting,
            Event::Timeline(event) => moves(*event) && self.drive != Drive::Waiting,
            _ => false,
        };
        if acts {
            self.drive = Drive::Free;
        }
    }

    /// The next step towards what the tour shows, if it can be taken now.
    pub(crate) fn drive_on(&mut self, shared: &Shared, comparisons: &Compare) -> Effects {
        let Some(wish) = self.wish(shared).cloned() else { return vec![] };
        match self.drive {
            Drive::Waiting if obstacle(shared).is_none() => {
                self.drive = Drive::Set;
                drive::at_once(&wish).into_iter().map(Follow::Act).collect()
            }
            Drive::Set => {
                self.drive = Drive::Running { there: false };
                match drive::compared(&wish) {
                    _ if has_run_for(shared, comparisons, &wish) => vec![],
                    Some(_) => vec![Follow::Act(Event::Generate)],
                    None => vec![Follow::Start(Plan::new(wish.settings.clone()))],
                }
            }
            Drive::Running { there } => self.go_along(shared, comparisons, &wish, there),
            _ => vec![],
        }
    }

    /// Goes to the place in the run as soon as its frame is there, and sees the run end.
    fn go_along(&mut self, shared: &Shared, comparisons: &Compare, wish: &Wish, mut there: bool) -> Effects {
        let mut effects = vec![];
        let film = comparison_for(shared, comparisons, wish).or_else(|| newest_film(shared));
        let complete = film.is_some_and(Film::is_complete);
        if let Some(film) = film.filter(|film| !there && film.received() >= drive::due(wish, film.steps())) {
            effects = drive::arrive(wish, &film.info).into_iter().map(Follow::Act).collect();
            // Also where that is the newest frame: the run goes on without the page.
            effects.push(Follow::StopFollowing);
            there = true;
        }
        self.drive = match shared.is_running() {
            true => Drive::Running { there },
            false if there && complete => Drive::Shown,
            // The run failed: the page says so.
            false => Drive::Free,
        };
        effects
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
