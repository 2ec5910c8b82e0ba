//! How models come into use, without a browser.

use crate::ModelRef;
use crate::fixtures::info;
use crate::models::tests::entry;
use crate::models::{BIG, StorageReport, Stored};
use crate::update::tests::{
    BASE, generate_of, hear_unmarked, loaded, ready, running, sends_load, some_config, take_message,
};
use crate::{Choice, Effect, Event, ModelState, Page, RunState, Visit};
use crate::{Notice, Status};
use ditscope_config::{Catalog, CatalogEntry};
use ditscope_protocol::{FailureKind, FromWorker, LoadStage, ModelSource, Reason, Refusal, ToWorker};

const XL: &str = "http://a.b/xl";

fn inspected(state: &mut Page, model: &ModelRef, result: Result<CatalogEntry, Refusal>) -> Vec<Effect> {
    let source = model.source(BASE);
    take_message(state, FromWorker::Inspected { source, result })
}

fn storage(url: &str, bytes: u64) -> Event {
    let stored = vec![Stored { url: url.into(), bytes }];
    Event::Models(crate::models::Event::StorageSeen(StorageReport {
        possible: true,
        stored,
        ..StorageReport::default()
    }))
}

fn xl() -> ModelRef {
    ModelRef::Url(XL.into())
}

/// The page at the address of a large model, whose size has just become known.
fn offered() -> Page {
    let (mut state, _) = Page::new(&format!("model={XL}"), BASE, Visit::default());
    state.update(storage("", 0));
    let ask = Effect::Send(ToWorker::Inspect { source: ModelSource::Url(XL.into()) });
    assert_eq!(take_message(&mut state, FromWorker::Ready), [ask]);
    inspected(&mut state, &xl(), Ok(entry("xl", 20 * BIG)));
    state
}

#[test]
fn loading_can_be_stopped_and_started_again() {
    let (mut state, _) = Page::new("", BASE, Visit::default());
    take_message(&mut state, FromWorker::Ready);
    state.update(Event::Generate);
    assert_eq!(state.update(Event::Models(crate::models::Event::CancelLoad)), [Effect::Send(ToWorker::CancelLoad)]);
    take_message(&mut state, FromWorker::LoadCancelled);
    assert_eq!((&state.models.state, &state.run.state), (&ModelState::Stopped, &RunState::Idle));
    assert!(sends_load(&state.update(Event::Models(crate::models::Event::Load))));
}

#[test]
fn what_is_said_of_another_models_load_is_not_heard() {
    let (mut state, _) = Page::new("", BASE, Visit::default());
    take_message(&mut state, FromWorker::Ready);
    state.update(Event::Models(crate::models::Event::StorageSeen(StorageReport::default())));
    let effects = state.update(Event::UseModel(xl()));
    assert!(effects.contains(&Effect::Send(ToWorker::CancelLoad)), "it is not fetched to its end: {effects:?}");
    let first = some_config(3);
    let of_the_first = [FromWorker::Config(Box::new(first)), loaded(), FromWorker::LoadCancelled];
    let unheard = |state: &mut Page, model_state: &ModelState| {
        for message in of_the_first.clone() {
            hear_unmarked(state, message, 0.0);
            assert_eq!((&state.models.config, &state.models.state), (&None, model_state));
        }
    };
    unheard(&mut state, &ModelState::Asking);
    inspected(&mut state, &xl(), Ok(entry("xl", 1)));
    state.update(Event::Generate);
    assert!(matches!(state.models.state, ModelState::Loading(_)), "{:?}", state.models.state);
    let loading = state.models.state.clone();
    unheard(&mut state, &loading);
    // The load before it failed, and that was said before this one began.
    let why = Refusal::from(Reason::BadFile);
    hear_unmarked(&mut state, FromWorker::Failed { run: None, why }, 0.0);
    let load = state.models.number();
    hear_unmarked(&mut state, FromWorker::Loading(load), 0.0);
    assert_eq!(state.models.state, loading);
    hear_unmarked(&mut state, loaded(), 0.0);
    assert!(matches!(state.models.state, ModelState::Ready { .. }));
}

#[test]
fn loading_can_be_stopped_before_the_worker_is_there() {
    let (mut state, _) = Page::new("", BASE, Visit::default());
    assert_eq!(state.update(Event::Models(crate::models::Event::CancelLoad)), []);
    assert_eq!(take_message(&mut state, FromWorker::Ready), [], "nothing is loaded unasked");
    assert!(sends_load(&state.update(Event::Generate)), "generate loads what it needs");
}

#[test]
fn a_large_model_waits_for_a_word() {
    let mut state = offered();
    assert_eq!(state.models.state, ModelState::Offered);
    assert_eq!(state.status(), Status::Offered);
    let effects = state.update(Event::Models(crate::models::Event::Load));
    assert!(sends_load(&effects) && effects.contains(&Effect::Persist));
}

#[test]
fn generate_loads_a_large_model_that_is_offered() {
    let mut state = offered();
    assert!(sends_load(&state.update(Event::Generate)));
    assert_eq!(state.run.state, RunState::Queued);
    assert!(generate_of(&take_message(&mut state, loaded())).is_some());
}

#[test]
fn generate_before_the_size_is_known_does_not_fetch_a_large_model() {
    let (mut state, _) = Page::new(&format!("model={XL}"), BASE, Visit::default());
    state.update(storage("", 0));
    take_message(&mut state, FromWorker::Ready);
    state.update(Event::Generate);
    assert_eq!(state.run.state, RunState::Queued);
    assert!(!sends_load(&inspected(&mut state, &xl(), Ok(entry("xl", BIG + 1)))));
    assert_eq!((&state.models.state, &state.run.state), (&ModelState::Offered, &RunState::Idle));
}

#[test]
fn a_small_model_or_a_stored_one_loads_by_itself() {
    let (mut state, _) = Page::new(&format!("model={XL}"), BASE, Visit::default());
    take_message(&mut state, FromWorker::Ready);
    assert!(sends_load(&inspected(&mut state, &xl(), Ok(entry("xl", BIG)))));

    let (mut state, _) = Page::new(&format!("model={XL}"), BASE, Visit::default());
    take_message(&mut state, FromWorker::Ready);
    assert_eq!(inspected(&mut state, &xl(), Ok(entry("xl", 20 * BIG))), [], "it may be stored");
    assert_eq!(state.models.state, ModelState::Asking);
    let effects = state.update(storage(XL, 20 * BIG));
    assert!(sends_load(&effects) && !effects.contains(&Effect::Persist));
}

#[test]
fn a_model_of_the_index_needs_no_asking() {
    let (mut state, _) = Page::new("model=big", BASE, Visit::default());
    state.update(storage("", 0));
    assert_eq!(take_message(&mut state, FromWorker::Ready), [], "the index may tell");
    let models = vec![entry("big", 2 * BIG)];
    assert_eq!(state.update(Event::Models(crate::models::Event::CatalogFetched(Ok(Catalog { models })))), []);
    assert_eq!((&state.models.state, state.bytes_to_fetch()), (&ModelState::Offered, Some(2 * BIG)));
}

#[test]
fn a_model_that_is_not_in_the_index_is_asked_about() {
    for result in [Ok(Catalog::default()), Err(Notice::said("404"))] {
        let (mut state, _) = Page::new("model=tiny", BASE, Visit::default());
        take_message(&mut state, FromWorker::Ready);
        let source = ModelSource::Url(format!("{BASE}assets/models/tiny"));
        let ask = Effect::Send(ToWorker::Inspect { source });
        assert_eq!(state.update(Event::Models(crate::models::Event::CatalogFetched(result))), [ask]);
        assert!(sends_load(&inspected(&mut state, &ModelRef::Shipped("tiny".into()), Ok(entry("tiny", 9)))));
    }
}

#[test]
fn without_an_index_the_default_model_works() {
    let (mut state, _) = Page::new("", BASE, Visit::default());
    state.update(Event::Models(crate::models::Event::CatalogFetched(Err(Notice::said("404")))));
    assert!(sends_load(&take_message(&mut state, FromWorker::Ready)));
}

#[test]
fn an_unknown_model_fails_and_the_default_one_can_be_taken() {
    let (mut state, effects) = Page::new("model=nope&seed=3", BASE, Visit::default());
    assert!(effects.contains(&Effect::FetchModel(ModelRef::Shipped("nope".into()))));
    state.update(Event::Models(crate::models::Event::CatalogFetched(Ok(Catalog::default()))));
    take_message(&mut state, FromWorker::Ready);
    inspected(&mut state, &ModelRef::Shipped("nope".into()), Err(Reason::NotServed.of("nope/config.json", 404, "")));
    assert_eq!(state.failure().map(|failure| failure.kind), Some(FailureKind::Network));
    assert!(matches!(state.clone().update(Event::Retry)[..], [Effect::Send(ToWorker::Inspect { .. })]));
    let effects = state.update(Event::UseModel(crate::ModelRef::default()));
    assert!(effects.contains(&Effect::FetchModel(ModelRef::default())) && sends_load(&effects));
    assert!(state.query().contains(&format!("model={}", crate::DEFAULT_MODEL)) && state.query().contains("seed=3"));
}

#[test]
fn another_model_takes_the_place_of_this_one() {
    let mut state = running();
    state.update(Event::ConfigFetched(Box::new(some_config(3))));
    state.update(Event::Choose(Choice::Class(2)));
    state.update(Event::Choose(Choice::Steps(9)));
    state.update(Event::Models(crate::models::Event::AddUrl(XL.into())));
    inspected(&mut state, &xl(), Ok(entry("xl", 20 * BIG)));
    let effects = state.update(Event::UseModel(xl()));
    assert!(sends_load(&effects) && effects.contains(&Effect::FetchModel(xl())), "the dialog showed its size");
    assert_eq!((state.settings().class, state.settings().num_inference_steps), (0, 9));
    assert_eq!((&state.run.state, state.models.config.is_none()), (&RunState::Cancelled, true));
    assert!(state.query().contains("model=http://a.b/xl"));
    let shown = state.update(Event::ConfigFetched(Box::new(some_config(3))));
    assert_eq!(shown, [Effect::ShowAddress(state.query())], "with the class that it begins with");
    assert!(state.query().contains("class=1"));
    take_message(&mut state, FromWorker::Cancelled { run: 1 });
    take_message(&mut state, loaded());
    assert_eq!(state.run.film.as_ref().map(|film| film.received()), Some(2), "what was made stays");
}

#[test]
fn loading_goes_on_where_it_stopped() {
    let mut state = offered();
    state.update(Event::Models(crate::models::Event::Load));
    let progress =
        |loaded_bytes| FromWorker::LoadProgress { stage: LoadStage::Weights, loaded_bytes, total_bytes: 100 };
    take_message(&mut state, progress(60));
    take_message(
        &mut state,
        FromWorker::Failed { run: None, why: Reason::NotRead.of("m/1.safetensors", "it broke off", "") },
    );
    assert_eq!(state.models.reached_bytes, 60);
    assert!(sends_load(&state.update(Event::Retry)));
    take_message(&mut state, progress(0));
    assert_eq!(state.models.reached_bytes, 60);
}

#[test]
fn a_run_of_a_model_that_is_gone_is_not_continued() {
    let mut state = ready("");
    state.update(Event::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: info(2, 1) });
    state.update(Event::UseModel(ModelRef::Shipped("other".into())));
    take_message(&mut state, FromWorker::Done { run: 1, total_ms: 1.0 });
    assert_eq!(state.run.state, RunState::Cancelled);
}
