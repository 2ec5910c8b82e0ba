//! The state as signals.

use super::bridge::Bridge;
use super::theme::Theme;
use super::{dom, storage};
use ditscope_page_state::film::Moment;
use ditscope_page_state::models;
use ditscope_page_state::slice::{self, SLICES};
use ditscope_page_state::{Effect, Event, Language, Page};
use ditscope_protocol::{FromWorker, ToWorker};
use gloo::timers::callback::Timeout;
use js_sys::Array;
use leptos::prelude::*;

/// What every part of the page shares. Copy it freely.
#[derive(Clone, Copy)]
pub struct Store {
    slices: Slices,
    pub theme: RwSignal<Theme>,
    /// The language of the page, which is made anew when it changes.
    pub language: RwSignal<Language>,
    /// The moment on the stage; parts that draw depend on this alone, not on the whole state.
    pub moment: Memo<Option<Moment>>,
    pub selected: Memo<usize>,
    /// A word to the visitor that replaces the status for a while, such as "Link copied".
    pub word: RwSignal<Option<String>>,
    /// What takes that word away again.
    word_clock: StoredValue<Option<Timeout>, LocalStorage>,
    /// Whether the dialog for saving is open.
    pub saving: RwSignal<bool>,
    /// Whether the panel that measures the device is open.
    pub measuring: RwSignal<bool>,
    bridge: StoredValue<Bridge, LocalStorage>,
    carry_out: fn(Self, Vec<Effect>),
}

impl Store {
    /// Reads the address and starts the worker and the first fetches. `carry_out` does what the state asks for: it knows
    /// parts of the page, which know the store.
    pub fn start(language: RwSignal<Language>, carry_out: fn(Self, Vec<Effect>)) -> Self {
        let base = dom::base();
        let (state, effects) = Page::new(&dom::query(), &base, storage::visit());
        let measuring = RwSignal::new(state.address.bench);
        let slices = Slices {
            page: StoredValue::new(state),
            changed: StoredValue::new(std::array::from_fn(|_| RwSignal::new(()))),
            untold: StoredValue::new(0),
            due_at: StoredValue::new(0.0),
        };
        let moment = slices.memo(Box::new(|state| {
            let film = state.shown()?;
            let frame = film.at(state.timeline.position)?.clone();
            Some(Moment { info: film.info.clone(), frame })
        }));
        let selected = slices.memo(Box::new(|state| state.timeline.selected));
        let bridge = StoredValue::new_local(Bridge::new(base));
        let store = Self {
            slices,
            theme: Theme::signal(),
            language,
            moment,
            selected,
            word: RwSignal::new(None),
            word_clock: StoredValue::new_local(None),
            saving: RwSignal::new(false),
            measuring,
            bridge,
            carry_out,
        };
        provide_context(store);
        carry_out(store, effects);
        store
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// Gives an event to the reducer and does what it asks for.
    pub fn dispatch(self, event: Event) {
        let is_frame = matches!(event, Event::Worker { message: FromWorker::Frame(_), .. });
        // A late message of a worker may come when the page is already gone.
        let Some(effects) = self.slices.update(event, is_frame) else { return };
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

    /// A part of the state, recomputed when a slice that it was computed from may have changed, passed on only when it
    /// differs.
    pub fn memo<T: Clone + PartialEq + Send + Sync + 'static>(
        self,
        part: impl Fn(&Page) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        self.slices.memo(Box::new(part))
    }

    /// A part of the state, tracked in the same way.
    pub fn with<T>(self, part: impl FnOnce(&Page) -> T) -> T {
        self.slices.with(part)
    }

    /// A part of the state, for handlers: not tracked.
    pub fn peek<T>(self, part: impl FnOnce(&Page) -> T) -> T {
        self.slices.page.with_value(part)
    }

    /// The same, or nothing when the page is gone: for what goes on beside it.
    pub fn try_peek<T>(self, part: impl FnOnce(&Page) -> T) -> Option<T> {
        self.slices.page.try_with_value(part)
    }

    /// A word that replaces the status for a while.
    pub fn show_word(self, word: String) {
        self.word.set(Some(word));
        let over = Timeout::new(4000, move || {
            let _ = self.word.try_set(None);
        });
        // The clock of the word before is stopped.
        self.word_clock.set_value(Some(over));
    }

    /// Lets go of a folder's files, which may be large.
    pub fn forget_folder(self, name: &str) {
        self.bridge.update_value(|bridge| bridge.forget_folder(name));
    }

    /// Takes a folder of the visitor's: its files stay with the bridge, its name goes to the reducer. The name that it has now.
    pub fn open_folder(self, name: String, files: Array) -> Option<String> {
        let name = self.bridge.try_update_value(|bridge| bridge.keep_folder(&name, files))?;
        self.dispatch(Event::Models(models::Event::AddFolder(name.clone())));
        Some(name)
    }
}

/// The state, and a signal for each of its slices: most views read few of them, and a frame changes two.
#[derive(Clone, Copy)]
struct Slices {
    page: StoredValue<Page>,
    changed: StoredValue<[RwSignal<()>; SLICES]>,
    /// What changed and nobody has been told of yet.
    untold: StoredValue<slice::Set>,
    /// When views are told again at the earliest, in milliseconds.
    due_at: StoredValue<f64>,
}

impl Slices {
    /// Compiled once for each `T`, not for each part: there are many.
    fn memo<T: Clone + PartialEq + Send + Sync + 'static>(
        self,
        part: Box<dyn Fn(&Page) -> T + Send + Sync>,
    ) -> Memo<T> {
        Memo::new(move |_| self.with(&part))
    }

    fn with<T>(self, part: impl FnOnce(&Page) -> T) -> T {
        let (read, value) = slice::reading(|| self.page.with_value(part));
        self.each(read, RwSignal::track);
        value
    }

    /// Nothing when the page is gone. Of what `may_wait` views hear when the browser draws, but not as often as it could:
    /// where steps take a few milliseconds, drawing each would take the processors away that compute them.
    fn update(self, event: Event, may_wait: bool) -> Option<Vec<Effect>> {
        let (written, effects) = slice::writing(|| self.page.try_update_value(|page| page.update(event)));
        let untold = self.untold.try_get_value()?;
        // A tab that is not seen draws nothing.
        if may_wait && !document().hidden() {
            self.untold.set_value(untold | written);
            if untold == 0 {
                self.tell_soon();
            }
        } else {
            self.tell(written);
        }
        effects
    }

    fn tell_soon(self) {
        // A timer first: to ask for each drawing until it is time would have the browser lay out and paint as often.
        let left = self.rest_left_ms();
        let due = move || {
            // The last drawing may have ended, and asked for its rest, after this timer was set.
            if self.rest_left_ms() > 0 {
                self.tell_soon();
            } else {
                request_animation_frame(move || self.tell_and_rest());
            }
        };
        Timeout::new(left, due).forget();
    }

    /// What is left of the rest after the last drawing, in milliseconds; none when the page is gone.
    fn rest_left_ms(self) -> u32 {
        self.due_at.try_get_value().map_or(0.0, |due_at| (due_at - dom::now_ms()).ceil().max(0.0)) as u32
    }

    /// Tells, and puts off the next time by how long the page took to show it.
    fn tell_and_rest(self) {
        let began = dom::now_ms();
        self.tell(0);
        // The browser draws when this function is over, and a timer comes after that.
        let drawn = move || {
            let now = dom::now_ms();
            let _ = self.due_at.try_set_value(now + slice::rest_ms(now - began));
        };
        Timeout::new(0, drawn).forget();
    }

    /// Tells of these and of all that waits.
    fn tell(self, written: slice::Set) {
        let untold = self.untold.try_update_value(std::mem::take).unwrap_or_default();
        self.each(written | untold, RwSignal::notify);
    }

    fn each(self, set: slice::Set, tell: fn(&RwSignal<()>)) {
        self.changed.try_with_value(|signals| {
            signals.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).for_each(|(_, signal)| tell(signal));
        });
    }
}

/// The page's link to the run that is seen, or else to the visitor's settings.
pub fn share_link(state: &Page) -> String {
    dom::page_with(&state.linked_query())
}
