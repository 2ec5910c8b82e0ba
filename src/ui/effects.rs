//! Carries out effects: messages to the worker, fetches, the address bar, the browser's storage.

use super::fetch::{fetch_bytes, fetch_json, fetch_text};
use super::later::later;
use super::store::Store;
use super::take as saving;
use super::{dom, forward, storage};
use ditscope_config::{Catalog, ModelConfig};
use ditscope_page_state::film::Film;
use ditscope_page_state::models;
use ditscope_page_state::models::Added;
use ditscope_page_state::take::{self, Export};
use ditscope_page_state::tour::{self, Book, Depth};
use ditscope_page_state::{Effect, Event, Language, ModelRef, Notice, Page};
use ditscope_protocol::{ModelSource, RecordedRun};
use ditscope_words as words;
use std::pin::Pin;
use std::sync::Arc;
use wasm_bindgen_futures::spawn_local;

/// Keys of the browser's local storage.
const ADDED_MODELS: &str = "ditscope-models";
const FAVOURITES: &str = "ditscope-favourites ";
const DEPTH: &str = "ditscope-tour-depth";

/// Asynchronous work without a result.
type Done = Pin<Box<dyn Future<Output = ()>>>;

later! {
    forward read_sheet: fn(Store, String) -> Done = |store, address| Box::pin(forward::read_sheet(store, address));
    tour read_book: fn(Language, &str, &str) -> Option<Book> = Book::read;
    save make_file: fn(Store, u32, Export) = saving::make;
}

/// Does what the state asks for.
pub fn carry_out(store: Store, effects: Vec<Effect>) {
    let favourites = |model: &ModelRef| format!("{FAVOURITES}{}", model.key());
    for effect in effects {
        if let Some(watch) = store.peek(|state| state.watch(&effect)) {
            let over = move || store.dispatch(Event::Silent(watch));
            gloo::timers::callback::Timeout::new(watch.patience_ms(), over).forget();
        }
        match effect {
            Effect::Send(message) => store.send(&message, &[]),
            Effect::SendWith(message, buffers) => store.send(&message, &buffers),
            Effect::StartWorker => store.start_worker(),
            Effect::ReadTraining(address) => spawn_local(async move {
                // Where its code cannot be fetched, the whole part says so.
                if let Ok(read) = read_sheet().await {
                    read(store, address).await;
                }
            }),
            Effect::Make(number, kind) => spawn_local(make(store, number, kind)),
            Effect::ShowAddress(query) => dom::show_address(&query),
            Effect::FetchModel(model) => spawn_local(fetch_model(store, model)),
            Effect::FetchComparison(model) => {
                spawn_local(fetch_recording(store, model, "-guidance", Event::ComparisonFetched));
            }
            Effect::FetchCatalog => spawn_local(fetch_catalog(store)),
            Effect::RecallModels => {
                let added: Vec<Added> = storage::recall(ADDED_MODELS).unwrap_or_default();
                store.dispatch(Event::Models(models::Event::Recalled(added)));
            }
            Effect::KeepModels(added) => storage::keep(ADDED_MODELS, &added),
            Effect::ForgetFolder(name) => store.forget_folder(&name),
            Effect::RecallFavourites(model) => {
                let classes = storage::recall(&favourites(&model)).unwrap_or_default();
                store.dispatch(Event::Models(models::Event::FavouritesRecalled(classes)));
            }
            Effect::KeepFavourites(model, classes) => storage::keep(&favourites(&model), &classes),
            Effect::LookAtStorage => in_storage(store, vec![], false),
            Effect::DeleteStored(urls) => in_storage(store, urls, false),
            Effect::Persist => in_storage(store, vec![], true),
            Effect::FetchTour(language) => spawn_local(fetch_tour(store, language)),
            Effect::Keep(kept) => storage::keep(storage::KEPT, &kept.words()),
            Effect::KeepDepth(depth) => storage::keep(DEPTH, &depth.name().to_owned()),
        }
    }
}

/// Fetches the code that saves while nobody waits for it: it may be wanted when the server is gone.
pub fn prepare_saving(store: Store) {
    if !store.peek(|state| state.saves_data) {
        spawn_local(async { drop(make_file().await) });
    }
}

/// Saving has code of its own.
async fn make(store: Store, number: u32, kind: Export) {
    match make_file().await {
        Ok(make) => make(store, number, kind),
        Err(_) => {
            let result = Err(Notice::NoCode);
            store.dispatch(Event::Take(take::Event::Ended { number, result }));
        }
    }
}

fn in_storage(store: Store, delete: Vec<String>, persist: bool) {
    spawn_local(change_storage(store, delete, persist));
}

async fn fetch_catalog(store: Store) {
    let address = store.peek(|state| format!("{}assets/models/index.json", state.base));
    let found = fetch_json::<Catalog>(&address).await.ok_or(Notice::NoListing { address });
    store.dispatch(Event::Models(models::Event::CatalogFetched(found)));
}

/// Tells the tour the language of the page, and how deep the visitor went the last time.
pub fn start_tour(store: Store) {
    let depth = storage::recall::<String>(DEPTH).and_then(|name| Depth::parse(&name));
    store.dispatch(Event::Tour(tour::Event::Started { language: words::chosen(), depth }));
}

async fn fetch_tour(store: Store, language: Language) {
    let base = store.peek(|state| state.base.clone());
    let mut files = [String::new(), String::new()];
    let mut found = Ok(());
    for (text, name) in files.iter_mut().zip(["tour", language.code()]) {
        let address = format!("{base}tour/{name}.json");
        match fetch_text(&address).await {
            Some(fetched) => *text = fetched,
            None => found = Err(Notice::TourMissing { address }),
        }
    }
    let [tour, words] = &files;
    let book = match read_book().await {
        Ok(read) => read(language, tour, words).ok_or(Notice::TourDamaged { base }),
        Err(_) => Err(Notice::NoCode),
    };
    let book = found.and(book).map(Arc::new);
    store.dispatch(Event::Tour(tour::Event::Fetched(language, book)));
}

/// Deletes or persists what the browser stores as asked, then reports what is stored.
async fn change_storage(store: Store, delete: Vec<String>, persist: bool) {
    let deleted = storage::delete(&delete).await;
    if persist {
        storage::persist().await;
    }
    let mut report = storage::report().await;
    report.error = deleted.err().or(report.error);
    store.dispatch(Event::Models(models::Event::StorageSeen(report)));
}

/// Fetches the small files of a model: its description and its recorded run, which are shown before the weights are loaded.
async fn fetch_model(store: Store, model: ModelRef) {
    let base = store.peek(|state| state.base.clone());
    // Another model may have been asked for meanwhile.
    let current = |state: &Page| state.address.model == model;
    // The worker alone can read a folder.
    let ModelSource::Url(folder) = model.source(&base) else { return };
    if let Some(config) = fetch_json::<ModelConfig>(&format!("{folder}/config.json")).await
        && store.peek(current)
    {
        store.dispatch(Event::ConfigFetched(Box::new(config)));
    }
    fetch_recording(store, model, "", Event::RecordingFetched).await;
}

/// Fetches a run that was recorded with a shipped model. One that does not fit is left out: the stage then says what to do
/// instead.
async fn fetch_recording(store: Store, model: ModelRef, kind: &str, event: fn(Box<Film>) -> Event) {
    let ModelRef::Shipped(id) = &model else { return };
    let run = store.peek(|state| format!("{}assets/runs/{id}{kind}/run", state.base));
    let Some(recorded) = fetch_json::<RecordedRun>(&format!("{run}.json")).await else { return };
    let Some(bytes) = fetch_bytes(&format!("{run}.bin")).await else { return };
    if let Ok(film) = Film::from_recording(recorded, &bytes)
        && store.peek(|state| state.address.model == model)
    {
        store.dispatch(event(Box::new(film)));
    }
}
