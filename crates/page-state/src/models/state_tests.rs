//! The list of models, what is stored, and favourites, without a browser.

use crate::ModelRef;
use crate::Notice;
use crate::models::tests::entry;
use crate::models::{Added, Adding, Listing, StorageReport};
use crate::update::tests::{BASE, loaded, ready, sends_load, take_message};
use crate::{Effect, Event, ModelState, Page, Visit};
use ditscope_config::Catalog;
use ditscope_protocol::{FromWorker, ModelSource, Reason, ToWorker};

const URL: &str = "http://a.b/m";

fn url() -> ModelRef {
    ModelRef::Url(URL.into())
}

fn inspect(model: &ModelRef) -> Effect {
    Effect::Send(ToWorker::Inspect { source: model.source(BASE) })
}

fn added(model: ModelRef) -> Added {
    Added { model, entry: entry("m", 1), kept: true }
}

#[test]
fn a_model_is_added_by_its_address_and_remembered() {
    let mut state = ready("");
    assert_eq!(state.update(Event::Models(crate::models::Event::AddUrl(format!(" {URL}/ ")))), [inspect(&url())]);
    let result = Ok(entry("m", 1));
    let effects = take_message(&mut state, FromWorker::Inspected { source: ModelSource::Url(URL.into()), result });
    assert_eq!(effects, [Effect::KeepModels(vec![added(url())])]);
    assert_eq!(state.models.adding, Some(Adding::Done(url())));
    assert!(matches!(state.models.state, ModelState::Ready { .. }), "it is loaded when asked for");
    assert_eq!(state.update(Event::Models(crate::models::Event::Remove(url()))), [Effect::KeepModels(vec![])]);
    assert_eq!(state.models.all(), []);
}

#[test]
fn nonsense_is_not_asked_for_and_a_refusal_is_said() {
    let mut state = ready("");
    assert_eq!(state.update(Event::Models(crate::models::Event::AddUrl("fashion".into()))), []);
    assert!(matches!(state.models.adding, Some(Adding::Failed(_))));
    state.update(Event::Models(crate::models::Event::AddUrl(URL.into())));
    let not_there = Reason::NotServed.of(URL, 404, "");
    let result = Err(not_there.clone());
    assert_eq!(take_message(&mut state, FromWorker::Inspected { source: ModelSource::Url(URL.into()), result }), []);
    assert_eq!(state.models.adding, Some(Adding::Failed(not_there.into())));
}

#[test]
fn an_answer_that_nobody_waits_for_is_dropped() {
    let mut state = ready("");
    let result = Ok(entry("m", 1));
    assert_eq!(take_message(&mut state, FromWorker::Inspected { source: ModelSource::Url(URL.into()), result }), []);
    assert_eq!(state.models.all(), []);
}

#[test]
fn a_folder_is_used_but_neither_shared_nor_remembered() {
    let mut state = ready("");
    let folder = ModelRef::Folder("mine".into());
    assert_eq!(state.update(Event::Models(crate::models::Event::AddFolder("mine".into()))), [inspect(&folder)]);
    let (source, result) = (ModelSource::Folder("mine".into()), Ok(entry("mine", u64::MAX)));
    assert_eq!(take_message(&mut state, FromWorker::Inspected { source, result }), [Effect::KeepModels(vec![])]);
    let remove = |folder: &ModelRef| Event::Models(crate::models::Event::Remove(folder.clone()));
    let forget = Effect::ForgetFolder("mine".into());
    let effects = state.clone().update(remove(&folder));
    assert_eq!(effects, [Effect::KeepModels(vec![]), forget.clone()]);
    let effects = state.update(Event::UseModel(folder.clone()));
    assert!(sends_load(&effects) && !effects.contains(&Effect::Persist), "nothing has to be fetched");
    assert!(!state.query().contains("model="));
    assert!(!state.update(remove(&folder)).contains(&forget), "it is in use");
}

#[test]
fn a_model_is_asked_about_when_a_lost_worker_is_back() {
    let mut state = ready("");
    state.update(Event::WorkerLost(Notice::said("it stopped")));
    assert_eq!(state.update(Event::Models(crate::models::Event::AddUrl(URL.into()))), [Effect::StartWorker]);
    assert_eq!(take_message(&mut state, FromWorker::Ready), [inspect(&url())]);
    state.update(Event::WorkerLost(Notice::said("again")));
    assert_eq!(state.models.adding, Some(Adding::Failed(Notice::said("again"))));
}

#[test]
fn a_model_named_by_a_link_is_remembered_once_it_is_loaded() {
    let (mut state, _) = Page::new(&format!("model={URL}"), BASE, Visit::default());
    take_message(&mut state, FromWorker::Ready);
    let result = Ok(entry("m", 1));
    take_message(&mut state, FromWorker::Inspected { source: ModelSource::Url(URL.into()), result });
    assert_eq!(state.models.to_keep(), []);
    assert_eq!(take_message(&mut state, loaded()), [Effect::LookAtStorage, Effect::KeepModels(vec![added(url())])]);
}

#[test]
fn what_is_recalled_is_checked() {
    let mut state = ready("");
    let nonsense = ["javascript:x", "http://a.b/m/", ""].map(|text| added(ModelRef::Url(text.into())));
    let other = [added(ModelRef::Shipped("x".into())), added(url())];
    state.update(Event::Models(crate::models::Event::Recalled(nonsense.into_iter().chain(other).collect())));
    assert_eq!(state.models.to_keep(), [added(url())]);
}

#[test]
fn a_missing_index_can_be_tried_again() {
    let mut state = ready("");
    state.update(Event::Models(crate::models::Event::CatalogFetched(Err(Notice::said("404")))));
    assert_eq!(state.models.shipped, Listing::Failed(Notice::said("404")));
    assert_eq!(state.update(Event::Models(crate::models::Event::RetryCatalog)), [Effect::FetchCatalog]);
    state.update(Event::Models(crate::models::Event::CatalogFetched(Ok(Catalog {
        models: vec![entry(crate::DEFAULT_MODEL, 8)],
    }))));
    assert_eq!(state.bytes_to_fetch(), Some(8));
}

#[test]
fn deleting_what_is_stored_leaves_the_loaded_model_alone() {
    let mut state = ready("");
    let urls = vec![URL.to_string()];
    assert_eq!(
        state.update(Event::Models(crate::models::Event::DeleteStored(urls.clone()))),
        [Effect::DeleteStored(urls)]
    );
    assert_eq!(state.update(Event::Models(crate::models::Event::StorageSeen(StorageReport::default()))), []);
    assert!(matches!(state.models.state, ModelState::Ready { .. }));
    assert_eq!(state.update(Event::Models(crate::models::Event::Persist)), [Effect::Persist]);
}

#[test]
fn favourites_are_kept_for_each_model() {
    let mut state = ready("");
    state.update(Event::Models(crate::models::Event::ToggleFavourite(7)));
    assert_eq!(
        state.update(Event::Models(crate::models::Event::ToggleFavourite(3))),
        [Effect::KeepFavourites(ModelRef::default(), vec![7, 3])]
    );
    assert_eq!(
        state.update(Event::Models(crate::models::Event::ToggleFavourite(7))),
        [Effect::KeepFavourites(ModelRef::default(), vec![3])]
    );
    let effects = state.update(Event::UseModel(url()));
    assert!(state.models.favourites.is_empty() && effects.contains(&Effect::RecallFavourites(url())));
    state.update(Event::Models(crate::models::Event::FavouritesRecalled(vec![1])));
    assert_eq!(state.models.favourites, [1]);
}
