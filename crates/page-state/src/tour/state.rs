//! Where the visitor is in the tour, and how it brings the page there. Pure.
//!
//! Which chapter is open is in the address. A chapter or a step of it is a [`Wish`]: it waits for the model, starts a
//! run unless the film on the stage is just that run, and goes to its place as soon as the frame has come. Then it
//! leaves the page alone; so it does as soon as the visitor changes something.

use super::book::{Book, Chapter, Wish};
use super::drive;
use crate::compare;
use crate::film::Film;
use crate::shared::Plan;
use crate::{Effect, Event as PageEvent, Language, ModelState, Notice, Page};
use std::sync::Arc;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tour {
    pub book: Option<Arc<Book>>,
    /// Why there is no book, or none in the page's language.
    pub failed: Option<Notice>,
    pub depth: Depth,
    /// The step of the chapter that was clicked last.
    pub step: Option<usize>,
    pub drive: Drive,
    /// The page's language.
    language: Language,
    fetching: Option<Language>,
    /// The chapter that was open when the tour was closed.
    last: String,
}

/// How far the page is in showing what the chapter or step asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Drive {
    /// Nothing is asked for, or the visitor has changed something since.
    #[default]
    Free,
    /// For the model.
    Waiting,
    /// A run is under way; `there` when the wished frame is shown already.
    Running {
        there: bool,
    },
    Shown,
}

/// How a chapter is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Depth {
    #[default]
    Words,
    Pictures,
    Maths,
}

impl Depth {
    pub const ALL: [Self; 3] = [Self::Words, Self::Pictures, Self::Maths];

    /// As the browser keeps it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Pictures => "pictures",
            Self::Maths => "maths",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|depth| depth.name() == name)
    }
}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The page is there, in this language (again, when it changes) and with what was kept.
    Started {
        language: Language,
        depth: Option<Depth>,
    },
    Fetched(Language, Result<Arc<Book>, Notice>),
    Retry,
    /// Opens the tour where it was left, or closes it.
    Toggle,
    Chapter(usize),
    /// So many chapters on.
    Turn(isize),
    /// A step of the chapter.
    Step(usize),
    /// Show what the open chapter explains.
    Again,
    Deepen(Depth),
}

/// What stands between the tour and the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The texts describe the shipped model, and another one is in use.
    OtherModel,
    Loading,
    NotLoaded,
}

impl Tour {
    /// The visitor has changed something on the page.
    fn leave(&mut self) {
        self.drive = Drive::Free;
    }

    /// A chapter's name as the address may have it; without a name it is the first.
    pub fn parse_chapter(text: &str) -> Option<String> {
        let plain = text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        plain.then(|| text.to_ascii_lowercase())
    }
}

impl Page {
    pub fn tour_is_open(&self) -> bool {
        self.address.tour.is_some()
    }

    /// The open chapter and its number from 0.
    pub fn chapter(&self) -> Option<(usize, &Chapter)> {
        let (book, id) = (self.tour.book.as_ref()?, self.address.tour.as_ref()?);
        let at = book.find(id).unwrap_or(0);
        Some((at, &book.chapters[at]))
    }

    /// What the page is to show: that of the step, or of the chapter.
    pub fn wish(&self) -> Option<&Arc<Wish>> {
        let (_, chapter) = self.chapter()?;
        let step = self.tour.step.and_then(|step| chapter.pictures.get(step));
        Some(step.map_or(&chapter.wish, |(_, wish)| wish))
    }

    pub fn obstacle(&self) -> Option<Obstacle> {
        if !self.address.model.is_default() {
            return Some(Obstacle::OtherModel);
        }
        match self.model {
            ModelState::Ready { .. } => None,
            ModelState::Loading(_) | ModelState::Asking => Some(Obstacle::Loading),
            ModelState::Offered | ModelState::Stopped | ModelState::Failed(_) => Some(Obstacle::NotLoaded),
        }
    }

    pub(crate) fn update_tour(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Started { language, depth } => {
                self.tour.language = language;
                self.tour.depth = depth.unwrap_or(self.tour.depth);
                return self.fetch_tour();
            }
            Event::Fetched(language, result) => return self.take_book(language, result),
            Event::Retry => {
                self.tour.fetching = None;
                return self.fetch_tour();
            }
            Event::Toggle => return self.toggle_tour(),
            Event::Chapter(at) => return self.open_chapter(at),
            Event::Turn(by) => {
                if let Some((at, _)) = self.chapter() {
                    return self.open_chapter(at.saturating_add_signed(by));
                }
            }
            Event::Step(step) => {
                self.tour.step = Some(step);
                self.tour.drive = Drive::Waiting;
            }
            Event::Again => self.tour.drive = Drive::Waiting,
            Event::Deepen(depth) => {
                self.tour.depth = depth;
                return vec![Effect::KeepDepth(depth)];
            }
        }
        vec![]
    }

    /// Asks for the book if the tour is open and it is not there in the page's language.
    fn fetch_tour(&mut self) -> Vec<Effect> {
        let Tour { book, fetching, language, failed, .. } = &mut self.tour;
        let there = book.as_ref().is_some_and(|book| book.language == *language);
        if self.shared.address.tour.is_none() || there || *fetching == Some(*language) {
            return vec![];
        }
        *failed = None;
        *fetching = Some(*language);
        vec![Effect::FetchTour(*language)]
    }

    fn take_book(&mut self, language: Language, result: Result<Arc<Book>, Notice>) -> Vec<Effect> {
        // The language may have changed meanwhile.
        if self.tour.fetching != Some(language) {
            return vec![];
        }
        self.tour.fetching = None;
        let book = match result {
            Ok(book) => book,
            Err(why) => {
                self.tour.failed = Some(why);
                return vec![];
            }
        };
        let first_time = self.tour.book.replace(book).is_none();
        if first_time && self.tour_is_open() { self.name_chapter() } else { vec![] }
    }

    fn toggle_tour(&mut self) -> Vec<Effect> {
        if let Some(id) = self.address.tour.take() {
            self.tour.last = id;
            self.tour.leave();
            return vec![Effect::ShowAddress(self.query())];
        }
        self.address.tour = Some(self.tour.last.clone());
        let mut effects = self.fetch_tour();
        effects.extend(self.name_chapter());
        effects
    }

    /// Now that the tour is open: puts the chapter that is meant into the address, and wishes for what it shows.
    fn name_chapter(&mut self) -> Vec<Effect> {
        let (Some(book), Some(id)) = (&self.tour.book, &self.shared.address.tour) else {
            return vec![Effect::ShowAddress(self.query())];
        };
        if book.find(id).is_none() && !id.is_empty() {
            let known = book.chapters.iter().map(|chapter| chapter.id.clone()).collect();
            self.shared.notices.push(Notice::UnknownChapter { id: id.clone(), known });
        }
        self.open_chapter(book.find(id).unwrap_or(0))
    }

    fn open_chapter(&mut self, at: usize) -> Vec<Effect> {
        let chapter = self.tour.book.as_ref().and_then(|book| book.chapters.get(at));
        let Some(chapter) = chapter.filter(|_| self.tour_is_open()) else { return vec![] };
        self.address.tour = Some(chapter.id.clone());
        self.tour.step = None;
        self.tour.drive = Drive::Waiting;
        vec![Effect::ShowAddress(self.query())]
    }

    /// Stops driving the page when the event is something that the visitor did.
    pub(crate) fn heed(&mut self, event: &PageEvent) {
        let in_hand = match event {
            PageEvent::Choose(_) | PageEvent::Show(_) | PageEvent::Generate | PageEvent::Cancel => true,
            // A look at the recorded run while the model loads is none.
            PageEvent::Compare(compare::Event::Seek { .. }) => self.tour.drive != Drive::Waiting,
            PageEvent::Seek(_) | PageEvent::Step(_) | PageEvent::SeekNewest | PageEvent::TogglePlay => {
                self.tour.drive != Drive::Waiting
            }
            _ => false,
        };
        if in_hand {
            self.tour.leave();
        }
    }

    /// Takes the next step towards what the tour shows, if it can be taken now; after every event.
    pub(crate) fn pursue(&mut self) -> Vec<Effect> {
        let Some(wish) = self.wish().cloned() else { return vec![] };
        match self.tour.drive {
            Drive::Waiting if self.obstacle().is_none() => self.set_out(&wish),
            Drive::Running { there } => self.go_along(&wish, there),
            _ => vec![],
        }
    }

    fn set_out(&mut self, wish: &Wish) -> Vec<Effect> {
        let mut effects = self.do_all(drive::at_once(wish));
        if !self.has_run_for(wish) {
            effects.extend(match drive::compared(wish) {
                Some(_) => self.do_all(vec![PageEvent::Generate]),
                None => vec![self.start_run(Plan::new(wish.settings.clone()))],
            });
        }
        effects.push(Effect::ShowAddress(self.query()));
        effects.extend(self.go_along(wish, false));
        effects
    }

    /// Goes to the place in the run as soon as its frame is there, and sees the run end.
    fn go_along(&mut self, wish: &Wish, mut there: bool) -> Vec<Effect> {
        let mut effects = vec![];
        let film = self.film_for(wish);
        let complete = film.is_some_and(Film::is_complete);
        if let Some(film) = film.filter(|film| !there && film.received() >= drive::due(wish, film.steps())) {
            let info = film.info.clone();
            effects = self.do_all(drive::arrive(wish, &info));
            // Also where that is the newest frame: the run goes on without the page.
            self.view.follow = false;
            there = true;
        }
        self.tour.drive = match self.is_running() {
            true => Drive::Running { there },
            false if there && complete => Drive::Shown,
            // The run failed: the page says so.
            false => Drive::Free,
        };
        effects
    }

    /// The own film, unless a newer run is about to take its place.
    fn newest_film(&self) -> Option<&Film> {
        self.film.as_ref().filter(|_| self.film_run == self.run_number)
    }

    /// Whether the film on the stage is the wished run, or becomes it; or the comparison was made before.
    fn has_run_for(&self, wish: &Wish) -> bool {
        let fits = |film: &Film| (film.is_complete() || self.is_running()) && drive::fits(&film.info, wish);
        let there = self.newest_film().is_some_and(fits) || self.comparison_for(wish).is_some();
        self.film_model.as_ref() == Some(&self.address.model) && there
    }

    /// The finished comparison that is wished.
    fn comparison_for(&self, wish: &Wish) -> Option<&Film> {
        let what = drive::compared(wish)?;
        let film = self.compare.comparison(&self.shared).filter(|made| made.is_of(&what, &wish.settings))?.film();
        film.filter(|film| film.model == self.model_name())
    }

    /// The film that has the wished place.
    fn film_for(&self, wish: &Wish) -> Option<&Film> {
        self.comparison_for(wish).or_else(|| self.newest_film())
    }

    /// What a visitor would do; the address is shown once, at the end.
    fn do_all(&mut self, events: Vec<PageEvent>) -> Vec<Effect> {
        let effects = events.into_iter().flat_map(|event| self.react(event));
        effects.filter(|effect| !matches!(effect, Effect::ShowAddress(_))).collect()
    }
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

impl Page {
    /// What there is to say of the page beside the chapter.
    pub fn tour_progress(&self) -> Progress {
        match (self.tour.drive, self.obstacle()) {
            (_, Some(Obstacle::OtherModel)) => Progress::OtherModel,
            (_, Some(Obstacle::NotLoaded)) => Progress::NotLoaded,
            (Drive::Waiting, _) => Progress::Waiting,
            (Drive::Shown, _) => Progress::Shown,
            (Drive::Free, _) => Progress::Free,
            (Drive::Running { .. }, _) => match self.newest_film() {
                Some(film) => Progress::Running { received: film.received(), steps: film.steps() },
                None => Progress::Starting,
            },
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
