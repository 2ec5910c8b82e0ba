//! The state as signals.

use super::bridge::Bridge;
use super::dom;
use super::theme::Theme;
use ditscope_page_state::film::Moment;
use ditscope_page_state::models;
use ditscope_page_state::{Effect, Event, Language, Page};
use ditscope_protocol::ToWorker;
use js_sys::Array;
use leptos::prelude::*;

/// What every part of the page shares. Copy it freely.
#[derive(Clone, Copy)]
pub struct Store {
    pub state: RwSignal<Page>,
    pub theme: RwSignal<Theme>,
    /// The language of the page, which is made anew when it changes.
    pub language: RwSignal<Language>,
    /// The moment on the stage; parts that draw depend on this alone, not on the whole state.
    pub moment: Memo<Option<Moment>>,
    pub selected: Memo<usize>,
    /// A word to the visitor that replaces the status for a while, such as "Link copied".
    pub word: RwSignal<Option<String>>,
    /// Whether the dialog for saving is open.
    pub saving: RwSignal<bool>,
    bridge: StoredValue<Bridge, LocalStorage>,
    carry_out: fn(Self, Vec<Effect>),
}

impl Store {
    /// Reads the address and starts the worker and the first fetches. `carry_out` does what the state asks for: it knows
    /// parts of the page, which know the store.
    pub fn start(language: RwSignal<Language>, carry_out: fn(Self, Vec<Effect>)) -> Self {
        let base = dom::base();
        let (state, effects) = Page::new(&dom::query(), &base, dom::prefers("(prefers-reduced-motion: reduce)"));
        let state = RwSignal::new(state);
        let moment = Memo::new(move |_| {
            state.with(|state| {
                let film = state.shown()?;
                let frame = film.at(state.timeline.position)?.clone();
                Some(Moment { info: film.info.clone(), frame })
            })
        });
        let selected = Memo::new(move |_| state.with(|state| state.timeline.selected));
        let bridge = StoredValue::new_local(Bridge::new(base));
        let (theme, word, saving) = (Theme::signal(), RwSignal::new(None), RwSignal::new(false));
        let store = Self { state, theme, language, moment, selected, word, saving, bridge, carry_out };
        provide_context(store);
        carry_out(store, effects);
        store
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// Gives an event to the reducer and does what it asks for.
    pub fn dispatch(self, event: Event) {
        // A late message of a worker may come when the page is already gone.
        let Some(effects) = self.state.try_update(|state| state.update(event)) else { return };
        (self.carry_out)(self, effects);
    }

    /// Starts a worker in place of the old one, if there was any.
    pub fn start_worker(self) {
        self.bridge.update_value(|bridge| bridge.start(move |event| self.dispatch(event)));
    }

    /// Sends a message to the worker, with buffers that are transferred.
    pub fn send(self, message: &ToWorker, buffers: &[Vec<u8>]) {
        self.bridge.with_value(|bridge| bridge.send(message, buffers));
    }

    /// A part of the state, recomputed with it, passed on only when it differs.
    pub fn memo<T: Clone + PartialEq + Send + Sync + 'static>(
        self,
        part: impl Fn(&Page) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        /// Compiled once for each `T`, not for each part: there are many.
        fn memo<T: Clone + PartialEq + Send + Sync + 'static>(
            state: RwSignal<Page>,
            part: Box<dyn Fn(&Page) -> T + Send + Sync>,
        ) -> Memo<T> {
            Memo::new(move |_| state.with(&part))
        }
        memo(self.state, Box::new(part))
    }

    /// A part of the state, for handlers: not tracked.
    pub fn peek<T>(self, part: impl FnOnce(&Page) -> T) -> T {
        self.state.with_untracked(part)
    }

    /// A word that replaces the status for a while.
    pub fn tell(self, word: String) {
        self.word.set(Some(word));
        gloo::timers::callback::Timeout::new(4000, move || {
            let _ = self.word.try_set(None);
        })
        .forget();
    }

    /// Takes a folder of the visitor's: its files stay with the bridge, its name goes to the reducer.
    pub fn open_folder(self, name: String, files: Array) {
        self.bridge.update_value(|bridge| bridge.keep_folder(name.clone(), files));
        self.dispatch(Event::Models(models::Event::AddFolder(name)));
    }
}

/// The page's link to the visitor's settings.
pub fn share_link(state: &Page) -> String {
    let page = dom::page();
    let end = page.find(['?', '#']).unwrap_or(page.len());
    format!("{}?{}", &page[..end], state.query())
}
