//! Where the visitor is in the tour. Which chapter is open is in the address; `steer` brings the page there.

use super::before::Before;
use super::book::{Book, Chapter, Wish};
use super::drive;
use crate::follow::{Effects, Follow};
use crate::{Effect, Language, ModelState, Notice, Shared};
use ditscope_protocol::RunInfo;
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
    pub(crate) before: Option<Before>,
}

/// How far the page is in showing what the chapter or step asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Drive {
    /// Nothing is asked for, or the visitor has changed something since.
    #[default]
    Free,
    /// For the model.
    Waiting,
    /// Settings and views are as wished; the run is next.
    Set,
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
    /// The texts describe one of the shipped models, and another one is in use.
    OtherModel,
    Loading,
    NotLoaded,
}

impl Tour {
    /// A chapter's name as the address may have it; without a name it is the first.
    pub fn parse_chapter(text: &str) -> Option<String> {
        let plain = text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        plain.then(|| text.to_ascii_lowercase())
    }
}

impl Tour {
    pub(crate) fn update(&mut self, shared: &Shared, event: Event) -> Effects {
        let is_open = shared.tour_is_open();
        match event {
            Event::Started { language, depth } => {
                self.language = language;
                self.depth = depth.unwrap_or(self.depth);
                self.fetch(is_open)
            }
            Event::Fetched(language, result) => self.take_book(shared, language, result),
            Event::Retry => {
                self.fetching = None;
                self.fetch(is_open)
            }
            Event::Toggle => self.toggle(shared),
            Event::Chapter(at) if is_open => self.open(at),
            Event::Turn(by) => match self.chapter(shared) {
                Some((at, _)) => self.open(at.saturating_add_signed(by)),
                None => vec![],
            },
            Event::Chapter(_) => vec![],
            Event::Step(step) => {
                self.step = Some(step);
                self.drive = Drive::Waiting;
                vec![]
            }
            Event::Again => {
                self.drive = Drive::Waiting;
                vec![]
            }
            Event::Deepen(depth) => {
                self.depth = depth;
                vec![Follow::Do(Effect::KeepDepth(depth))]
            }
        }
    }

    /// The open chapter and its number from 0.
    pub fn chapter(&self, shared: &Shared) -> Option<(usize, &Chapter)> {
        let (book, id) = (self.book.as_ref()?, shared.address.tour.as_ref()?);
        let at = book.find(id).unwrap_or(0);
        Some((at, &book.chapters[at]))
    }

    /// What the page is to show: that of the step, or of the chapter.
    pub fn wish(&self, shared: &Shared) -> Option<&Arc<Wish>> {
        let (_, chapter) = self.chapter(shared)?;
        let step = self.step.and_then(|step| chapter.pictures.get(step));
        Some(step.map_or(&chapter.wish, |(_, wish)| wish))
    }

    /// Whether a run with this description is what the page is to show.
    pub(crate) fn is_shown_by(&self, shared: &Shared, info: &RunInfo) -> bool {
        self.wish(shared).is_some_and(|wish| drive::fits(info, wish))
    }

    /// Asks for the book if the tour is open and it is not there in the page's language.
    fn fetch(&mut self, is_open: bool) -> Effects {
        let there = self.book.as_ref().is_some_and(|book| book.language == self.language);
        if !is_open || there || self.fetching == Some(self.language) {
            return vec![];
        }
        self.failed = None;
        self.fetching = Some(self.language);
        vec![Follow::Do(Effect::FetchTour(self.language))]
    }

    fn take_book(&mut self, shared: &Shared, language: Language, result: Result<Arc<Book>, Notice>) -> Effects {
        // The language may have changed meanwhile.
        if self.fetching != Some(language) {
            return vec![];
        }
        self.fetching = None;
        let book = match result {
            Ok(book) => book,
            Err(why) => {
                self.failed = Some(why);
                return vec![];
            }
        };
        let first_time = self.book.replace(book).is_none();
        match &shared.address.tour {
            Some(id) if first_time => self.open_by_name(id),
            _ => vec![],
        }
    }

    fn toggle(&mut self, shared: &Shared) -> Effects {
        if let Some(id) = &shared.address.tour {
            self.last.clone_from(id);
            self.drive = Drive::Free;
            return vec![Follow::OpenChapter(None)];
        }
        let mut effects = self.fetch(true);
        effects.extend(self.open_by_name(&self.last.clone()));
        effects
    }

    /// Puts the chapter that is meant into the address, and wishes for what it shows.
    fn open_by_name(&mut self, id: &str) -> Effects {
        let Some(book) = &self.book else { return vec![Follow::OpenChapter(Some(id.to_owned()))] };
        let (found, known) = (book.find(id), || book.chapters.iter().map(|chapter| chapter.id.clone()).collect());
        let told = (found.is_none() && !id.is_empty())
            .then(|| Follow::Tell(Notice::UnknownChapter { id: id.to_owned(), known: known() }));
        let mut effects = Effects::from_iter(told);
        effects.extend(self.open(found.unwrap_or(0)));
        effects
    }

    fn open(&mut self, at: usize) -> Effects {
        let Some(chapter) = self.book.as_ref().and_then(|book| book.chapters.get(at)) else { return vec![] };
        self.step = None;
        self.drive = Drive::Waiting;
        vec![Follow::OpenChapter(Some(chapter.id.clone()))]
    }
}

/// What stands between the tour and the page.
pub fn obstacle(shared: &Shared) -> Option<Obstacle> {
    if !shared.address.model.is_of_tour() {
        return Some(Obstacle::OtherModel);
    }
    match shared.models.state {
        ModelState::Ready { .. } => None,
        ModelState::Loading(_) | ModelState::Asking => Some(Obstacle::Loading),
        ModelState::Offered | ModelState::Stopped | ModelState::Failed(_) => Some(Obstacle::NotLoaded),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
