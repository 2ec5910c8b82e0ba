//! The state as signals, and the hands of the reducer: workers, fetches, the address bar.

use super::bridge::Bridge;
use super::film::{Film, Frame};
use super::model_ref::ModelRef;
use super::models::Added;
use super::state::{AppState, Effect, Event};
use super::theme::Theme;
use super::tour::{self, Depth};
use super::words::{Language, say, say_with};
use super::{dom, language, later, storage, take, text};
use ditscope_config::{Catalog, ModelConfig};
use ditscope_protocol::{ModelSource, RecordedRun, RunInfo};
use gloo::net::http::Request;
use js_sys::Array;
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen_futures::spawn_local;

/// Keys of the browser's local storage.
const ADDED_MODELS: &str = "ditscope-models";
const FAVOURITES: &str = "ditscope-favourites ";
const DEPTH: &str = "ditscope-tour-depth";

/// What every part of the page shares. Copy it freely.
#[derive(Clone, Copy)]
pub struct Store {
    pub state: RwSignal<AppState>,
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
}

/// A frame in its run.
#[derive(Debug, Clone)]
pub struct Moment {
    pub info: Arc<RunInfo>,
    pub frame: Arc<Frame>,
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.info, &other.info) && Arc::ptr_eq(&self.frame, &other.frame)
    }
}

impl Store {
    /// Reads the address and starts the worker and the first fetches.
    pub fn start() -> Self {
        let base = dom::base();
        let language = language::signal();
        let (state, effects) = AppState::new(&dom::query(), &base, dom::prefers("(prefers-reduced-motion: reduce)"));
        let state = RwSignal::new(state);
        let moment = Memo::new(move |_| {
            state.with(|state| {
                let film = state.shown()?;
                let frame = film.at(state.view.position)?.clone();
                Some(Moment { info: film.info.clone(), frame })
            })
        });
        let selected = Memo::new(move |_| state.with(|state| state.view.selected));
        let bridge = StoredValue::new_local(Bridge::new(base));
        let (theme, word, saving) = (Theme::signal(), RwSignal::new(None), RwSignal::new(false));
        let store = Self { state, theme, language, moment, selected, word, saving, bridge };
        provide_context(store);
        store.carry_out(effects);
        store
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// Gives an event to the reducer and does what it asks for.
    pub fn dispatch(self, event: Event) {
        // A late message of a worker may come when the page is already gone.
        let Some(effects) = self.state.try_update(|state| state.update(event)) else { return };
        self.carry_out(effects);
    }

    /// A part of the state, recomputed with it, passed on only when it differs.
    pub fn memo<T: Clone + PartialEq + Send + Sync + 'static>(
        self,
        part: impl Fn(&AppState) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        /// Compiled once for each `T`, not for each part: there are many.
        fn memo<T: Clone + PartialEq + Send + Sync + 'static>(
            state: RwSignal<AppState>,
            part: Box<dyn Fn(&AppState) -> T + Send + Sync>,
        ) -> Memo<T> {
            Memo::new(move |_| state.with(&part))
        }
        memo(self.state, Box::new(part))
    }

    /// A part of the state, for handlers: not tracked.
    pub fn peek<T>(self, part: impl FnOnce(&AppState) -> T) -> T {
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
        self.dispatch(Event::AddFolder(name));
    }

    fn carry_out(self, effects: Vec<Effect>) {
        let favourites = |model: &ModelRef| format!("{FAVOURITES}{}", model.key());
        for effect in effects {
            match effect {
                Effect::Send(message) => self.bridge.with_value(|bridge| bridge.send(&message, &[])),
                Effect::SendWith(message, buffers) => self.bridge.with_value(|bridge| bridge.send(&message, &buffers)),
                Effect::StartWorker => {
                    self.bridge.update_value(|bridge| bridge.start(move |event| self.dispatch(event)));
                }
                Effect::ReadTraining(address) => spawn_local(async move {
                    // Where its code does not come, the whole part is missing and says so.
                    if let Ok(read) = later::read_sheet().await {
                        read(self, address).await;
                    }
                }),
                Effect::Make(number, kind) => spawn_local(self.make(number, kind)),
                Effect::ShowAddress(query) => dom::show_address(&query),
                Effect::FetchModel(model) => spawn_local(self.fetch_model(model)),
                Effect::FetchCatalog => spawn_local(self.fetch_catalog()),
                Effect::RecallModels => {
                    let added: Vec<Added> = storage::recall(ADDED_MODELS).unwrap_or_default();
                    self.dispatch(Event::ModelsRecalled(added));
                }
                Effect::KeepModels(added) => storage::keep(ADDED_MODELS, &added),
                Effect::RecallFavourites(model) => {
                    let classes = storage::recall(&favourites(&model)).unwrap_or_default();
                    self.dispatch(Event::FavouritesRecalled(classes));
                }
                Effect::KeepFavourites(model, classes) => storage::keep(&favourites(&model), &classes),
                Effect::LookAtStorage => self.in_storage(vec![], false),
                Effect::DeleteStored(urls) => self.in_storage(urls, false),
                Effect::Persist => self.in_storage(vec![], true),
                Effect::FetchTour(language) => spawn_local(self.fetch_tour(language)),
                Effect::KeepDepth(depth) => storage::keep(DEPTH, &depth.name().to_owned()),
            }
        }
    }

    /// Saving has code of its own.
    async fn make(self, number: u32, kind: take::Kind) {
        match later::make().await {
            Ok(make) => make(self, number, kind),
            Err(_) => {
                let result = Err(say("failures.code").into());
                self.dispatch(Event::Take(take::Event::Ended { number, result }));
            }
        }
    }

    fn in_storage(self, delete: Vec<String>, persist: bool) {
        spawn_local(self.tend_storage(delete, persist));
    }

    async fn fetch_catalog(self) {
        let address = self.peek(|state| format!("{}assets/models/index.json", state.base));
        let found = fetch_json::<Catalog>(&address).await.ok_or_else(|| text::no_listing(&address));
        self.dispatch(Event::CatalogFetched(found));
    }

    /// Tells the tour the language of the page, and how deep the visitor went the last time.
    pub fn start_tour(self) {
        let depth = storage::recall::<String>(DEPTH).and_then(|name| Depth::parse(&name));
        self.dispatch(Event::Tour(tour::Event::Started { language: Language::spoken(), depth }));
    }

    async fn fetch_tour(self, language: Language) {
        let base = self.peek(|state| state.base.clone());
        let mut files = [String::new(), String::new()];
        let mut found = Ok(());
        for (text, name) in files.iter_mut().zip(["tour", language.code()]) {
            let address = format!("{base}tour/{name}.json");
            match fetch_text(&address).await {
                Some(fetched) => *text = fetched,
                None => found = Err(say_with("tour.missing", &[("address", &address)])),
            }
        }
        let [tour, words] = &files;
        let book = match later::read_book().await {
            Ok(read) => read(language, tour, words).ok_or_else(|| say_with("tour.damaged", &[("base", &base)])),
            Err(_) => Err(say("failures.code").into()),
        };
        let book = found.and(book).map(Arc::new);
        self.dispatch(Event::Tour(tour::Event::Fetched(language, book)));
    }

    /// Does what is asked with what the browser keeps, and looks what is there then.
    async fn tend_storage(self, delete: Vec<String>, persist: bool) {
        let deleted = storage::delete(&delete).await;
        if persist {
            storage::persist().await;
        }
        let mut report = storage::look().await;
        report.error = deleted.err().or(report.error);
        self.dispatch(Event::StorageSeen(report));
    }

    /// The small files that let the page be of use before the weights are there.
    async fn fetch_model(self, model: ModelRef) {
        let base = self.peek(|state| state.base.clone());
        // Another model may have been asked for meanwhile.
        let current = |state: &AppState| state.address.model == model;
        // The worker alone can read a folder.
        let ModelSource::Url(folder) = model.source(&base) else { return };
        if let Some(config) = fetch_json::<ModelConfig>(&format!("{folder}/config.json")).await
            && self.peek(current)
        {
            self.dispatch(Event::ConfigFetched(Box::new(config)));
        }
        let ModelRef::Shipped(id) = &model else { return };
        let run = format!("{base}assets/runs/{id}/run");
        let Some(recorded) = fetch_json::<RecordedRun>(&format!("{run}.json")).await else { return };
        let Some(bytes) = fetch_bytes(&format!("{run}.bin")).await else { return };
        // A recording that does not fit is left out: the stage then says what to do instead.
        if let Ok(film) = Film::from_recording(recorded, &bytes)
            && self.peek(current)
        {
            self.dispatch(Event::RecordingFetched(Box::new(film)));
        }
    }
}

/// The page's link to the visitor's settings.
pub fn share_link(state: &AppState) -> String {
    let page = dom::page();
    let end = page.find(['?', '#']).unwrap_or(page.len());
    format!("{}?{}", &page[..end], state.query())
}

async fn fetch_json<T: serde::de::DeserializeOwned>(address: &str) -> Option<T> {
    dom::parse_json(std::str::from_utf8(&fetch_bytes(address).await?).ok()?).ok()
}

pub async fn fetch_text(address: &str) -> Option<String> {
    String::from_utf8(fetch_bytes(address).await?).ok()
}

async fn fetch_bytes(address: &str) -> Option<Vec<u8>> {
    let response = Request::get(address).send().await.ok().filter(|response| response.ok())?;
    response.binary().await.ok()
}
