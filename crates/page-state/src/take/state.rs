//! What is being saved and how that went, and presenter mode; pure.

use crate::film::Film;
use crate::follow::{Effects, Follow};
use crate::{Effect, ModelState, Notice, Shared};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Take {
    /// What is being made.
    pub making: Option<Making>,
    /// How the last one went: what was made, or why not.
    pub outcome: Option<Result<Made, Notice>>,
    newest: u32,
}

/// A file on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Making {
    pub number: u32,
    pub kind: Export,
    pub done: usize,
    pub total: usize,
}

/// What can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    Png,
    /// A contact sheet of the selected picture's trajectory.
    Sheet,
    /// A sheet of all pictures.
    Pictures,
    Gif(Subject),
    Video(Subject),
    Json,
    Tensors,
    Link,
    Embed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    One(usize),
    All,
    /// One, and at its left the noisy latent that it is predicted from.
    WithLatent(usize),
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// A file of this name.
    File(String),
    LinkCopied,
    EmbedCopied,
}

/// What a film does not know of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    pub link: String,
    pub model_source: String,
    pub license: String,
    pub device: String,
}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Make(Export),
    Progress {
        number: u32,
        done: usize,
        total: usize,
    },
    /// What was made, or why not.
    Ended {
        number: u32,
        result: Result<Made, Notice>,
    },
    /// Makes nothing of it.
    Stop,
    /// The dialog opens or closes: what was said is over.
    Forget,
    Present(bool),
}

impl Take {
    pub(crate) fn update(&mut self, shared: &Shared, event: Event) -> Effects {
        match event {
            Event::Make(kind) if self.making.is_none() => {
                self.newest += 1;
                self.outcome = None;
                let number = self.newest;
                self.making = Some(Making { number, kind, done: 0, total: 0 });
                return vec![Follow::Do(Effect::Make(number, kind))];
            }
            Event::Progress { number, done, total } => {
                if let Some(making) = self.making.as_mut().filter(|making| making.number == number) {
                    (making.done, making.total) = (done, total);
                }
            }
            Event::Ended { number, result } => {
                if self.is_making(number) {
                    let refused = result.as_ref().err().filter(|why| **why != Notice::Stopped).cloned();
                    (self.making, self.outcome) = (None, Some(result));
                    // It may have been asked for without the dialog, which would say so.
                    return refused.map(Follow::TellOnce).into_iter().collect();
                }
            }
            Event::Make(_) => {}
            Event::Stop => self.making = None,
            Event::Forget => self.outcome = None,
            Event::Present(present) if present != shared.address.present => {
                return vec![Follow::Present(present)];
            }
            Event::Present(_) => {}
        }
        vec![]
    }

    pub fn is_making(&self, number: u32) -> bool {
        self.making.is_some_and(|making| making.number == number)
    }
}

/// What goes with the film on the stage; `link` is the page's address for its settings.
pub fn about(page: &Shared, film: &Film, link: String) -> About {
    // A film stays when another model is chosen.
    let same = film.recorded || page.run.film_model.as_ref() == Some(&page.address.model);
    let device = match &page.models.state {
        ModelState::Ready { backend, .. } if same && !film.recorded => {
            format!("{}: {}", backend.name, backend.detail)
        }
        _ => String::new(),
    };
    let (model_source, license) =
        if same { (page.source().name().to_owned(), page.license().to_owned()) } else { Default::default() };
    About { link, model_source, license, device }
}

/// What a course page needs to show this one, as HTML.
pub fn embed_code(link: &str, title: &str) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!(
        "<iframe src=\"{}&amp;embed=1\" title=\"{}\" width=\"480\" height=\"360\" \
         style=\"border: 0; max-width: 100%\" loading=\"lazy\" allow=\"fullscreen\"></iframe>",
        escaped(link),
        escaped(title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::tests::{BASE, generate_of, loaded, ready, sends_load, take_message};
    use crate::{Event as AppEvent, RunState};
    use crate::{Page, Visit};
    use ditscope_protocol::FromWorker;

    fn take(state: &mut Page, event: Event) -> Vec<Effect> {
        state.update(AppEvent::Take(event))
    }

    #[test]
    fn one_thing_is_made_at_a_time_and_what_was_stopped_is_not_heard() {
        let mut state = ready("");
        let effects = take(&mut state, Event::Make(Export::Gif(Subject::All)));
        assert_eq!(effects, [Effect::Make(1, Export::Gif(Subject::All))]);
        assert!(take(&mut state, Event::Make(Export::Json)).is_empty());
        take(&mut state, Event::Progress { number: 1, done: 3, total: 11 });
        assert_eq!(state.take.making.map(|making| (making.done, making.total)), Some((3, 11)));
        take(&mut state, Event::Stop);
        assert_eq!(take(&mut state, Event::Make(Export::Json)), [Effect::Make(2, Export::Json)]);
        take(&mut state, Event::Ended { number: 1, result: Err(Notice::NoMemory) });
        take(&mut state, Event::Progress { number: 1, done: 4, total: 11 });
        assert_eq!(state.take.making.map(|making| (making.number, making.done)), Some((2, 0)));
        take(&mut state, Event::Ended { number: 2, result: Ok(Made::File("a.json".into())) });
        assert_eq!((state.take.making, state.take.outcome.clone()), (None, Some(Ok(Made::File("a.json".into())))));
        take(&mut state, Event::Forget);
        assert_eq!(state.take.outcome, None);
    }

    #[test]
    fn presenting_is_in_the_address_and_changes_nothing_else() {
        let mut state = ready("seed=5");
        let before = state.clone();
        let effects = take(&mut state, Event::Present(true));
        assert!(matches!(&effects[..], [Effect::ShowAddress(query)] if query.contains("present=1")), "{effects:?}");
        assert!(take(&mut state, Event::Present(true)).is_empty());
        take(&mut state, Event::Present(false));
        assert_eq!(state, before);
    }

    #[test]
    fn an_embedded_page_fetches_no_model_before_it_is_asked_to() {
        let (mut state, effects) = Page::new("embed=1&class=3", BASE, Visit::default());
        assert!(!effects.contains(&Effect::StartWorker), "not even the worker's code");
        assert_eq!(state.models.state, ModelState::Offered);
        let effects = state.update(AppEvent::Generate);
        assert!(effects.contains(&Effect::StartWorker));
        assert_eq!(state.run.state, RunState::Queued);
        assert!(sends_load(&take_message(&mut state, FromWorker::Ready)));
        let settings = generate_of(&take_message(&mut state, loaded())).map(|(_, settings)| settings);
        assert_eq!(settings.map(|settings| settings.class), Some(3));
    }

    #[test]
    fn an_embedded_page_asks_before_any_other_model_too() {
        let (mut state, effects) = Page::new("embed=1&model=other", BASE, Visit::default());
        assert!(!effects.contains(&Effect::StartWorker));
        state.update(AppEvent::Models(crate::models::Event::CatalogFetched(Err(Notice::said("none")))));
        take_message(&mut state, FromWorker::Ready);
        assert_eq!(state.models.state, ModelState::Asking);
        let config = crate::update::tests::some_config(3);
        let entry = ditscope_config::CatalogEntry::new("other", &config, 5, None);
        let source = state.source();
        take_message(&mut state, FromWorker::Inspected { source, result: Ok(entry) });
        assert_eq!(state.models.state, ModelState::Offered);
    }

    #[test]
    fn the_code_for_a_course_page_is_valid_html() {
        let code = embed_code("http://a.b/?class=1&seed=7", "“x” <y> \"z\"");
        assert!(code.starts_with(
            "<iframe src=\"http://a.b/?class=1&amp;seed=7&amp;embed=1\" title=\"“x” &lt;y> &quot;z&quot;\""
        ));
    }
}
