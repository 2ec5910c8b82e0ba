//! The reducer's tests: every state of the page, without a browser.

use super::*;
use crate::film::Film;
use crate::fixtures::{self as films, info};
use crate::slice::{reading, writing};
use crate::{Choice, ModelRef, ModelState, Notice, RunState, Status, Visit};
use ditscope_config::{ModelConfig, RunSettings};
use ditscope_protocol::{
    Backend, BackendChoice, FailureKind, FrameInfo, LoadNotice, LoadStage, Reason, RecordedRun, RunInfo, ToWorker,
    WeightsReport,
};

pub const BASE: &str = "http://host/folder/";

pub fn take_message(state: &mut Page, message: FromWorker) -> Vec<Effect> {
    hear_at(state, message, 0.0)
}

/// What is said of loading is of the load that was asked for last.
pub fn hear_at(state: &mut Page, message: FromWorker, now_ms: f64) -> Vec<Effect> {
    if !matches!(message, FromWorker::Ready) && !state.models.is_heard() {
        hear_unmarked(state, FromWorker::Loading(state.models.number()), now_ms);
    }
    hear_unmarked(state, message, now_ms)
}

pub fn hear_unmarked(state: &mut Page, message: FromWorker, now_ms: f64) -> Vec<Effect> {
    state.update(Event::Worker { message, buffers: vec![], now_ms })
}

fn frame(state: &mut Page, run: u32, step: usize) {
    let message = FromWorker::Frame(FrameInfo { run, ..films::frame(step) });
    let buffers = vec![vec![0; 64], vec![0; 36]];
    state.update(Event::Worker { message, buffers, now_ms: 0.0 });
}

pub fn loaded() -> FromWorker {
    let backend = Backend { name: "CPU".into(), detail: "flex".into() };
    let (notices, weights) = (vec![LoadNotice::CpuInstead(Reason::NoWebGpu.into())], WeightsReport::default());
    FromWorker::Loaded { backend, notices, num_parameters: 1, weights }
}

/// A state with a model, from an address.
pub fn ready(query: &str) -> Page {
    let (mut state, _) = Page::new(query, BASE, Visit::default());
    // What the address names does not begin by itself.
    state.update(Event::Run(crate::run::Event::Cancel));
    take_message(&mut state, FromWorker::Ready);
    take_message(&mut state, loaded());
    state
}

/// A run of two steps with its first two frames.
pub fn running() -> Page {
    let mut state = ready("");
    state.update(Event::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: info(2, 1) });
    frame(&mut state, 1, 0);
    frame(&mut state, 1, 1);
    state
}

pub fn recording() -> Event {
    let run = RecordedRun {
        model: "m".into(),
        label: "l".into(),
        info: info(2, 1),
        frames: (0..3).map(films::frame).collect(),
    };
    Event::RecordingFetched(Box::new(Film::from_recording(run, &[0; 300]).expect("a sound recording")))
}

pub fn sends_load(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Send(ToWorker::Load { .. })))
}

pub fn generate_of(effects: &[Effect]) -> Option<(u32, RunSettings)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(ToWorker::Generate { run, settings, .. }) => Some((*run, settings.clone())),
        _ => None,
    })
}

pub fn some_config(classes: usize) -> ModelConfig {
    let labels: Vec<String> = (0..classes).map(|i| format!("label {i}")).collect();
    serde_json::from_value(serde_json::json!({
        "name": "Tiny",
        "transformer": {
            "sample_size": 4, "patch_size": 2, "in_channels": 1, "hidden_size": 16, "depth": 1, "num_heads": 2,
            "num_classes": classes, "learn_sigma": false
        },
        "scheduler": { "beta_schedule": "linear", "prediction_type": "epsilon", "variance_type": "fixed_small" },
        "latents": { "mean": [0.0], "std": [1.0] },
        "labels": labels,
        "defaults": { "class": 1, "guidance_scale": 3.0, "num_inference_steps": 12, "seed": 5 }
    }))
    .expect("a sound configuration")
}

#[test]
fn the_model_is_asked_for_when_the_worker_takes_messages() {
    let (mut state, effects) = Page::new("backend=cpu", BASE, Visit::default());
    assert_eq!(effects[..2], [Effect::StartWorker, Effect::FetchModel(ModelRef::default())]);
    let source = ModelRef::default().source("http://host/folder/");
    let load = ToWorker::Load { source, backend: BackendChoice::Cpu, load: 1 };
    assert_eq!(take_message(&mut state, FromWorker::Ready), [Effect::Send(load)]);
    assert_eq!(take_message(&mut state, loaded()), [Effect::LookAtStorage]);
    assert!(matches!(state.models.state, ModelState::Ready { .. }));
    assert_eq!(*state.notices, [Notice::Load(LoadNotice::CpuInstead(Reason::NoWebGpu.into()))]);
    assert_eq!(state.status(), Status::Ready);
}

#[test]
fn generate_uses_the_models_defaults_and_the_address_wins() {
    let mut state = ready("steps=3");
    state.update(Event::ConfigFetched(Box::new(some_config(2))));
    let (run, settings) = generate_of(&state.update(Event::Generate)).expect("a run is asked for");
    let expected = RunSettings { num_inference_steps: 3, ..some_config(2).defaults };
    assert_eq!((run, settings), (1, expected));
}

#[test]
fn generate_while_loading_is_remembered() {
    let (mut state, _) = Page::new("", BASE, Visit::default());
    assert_eq!(generate_of(&state.update(Event::Generate)), None);
    assert_eq!(state.run.state, RunState::Queued);
    state.update(Event::Choose(Choice::Seed(99)));
    let (_, settings) = generate_of(&take_message(&mut state, loaded())).expect("it starts by itself");
    assert_eq!(settings.seed, 99);
}

#[test]
fn a_class_that_the_model_lacks_is_clamped_with_a_notice() {
    let (mut state, _) = Page::new("class=40", BASE, Visit::default());
    take_message(&mut state, FromWorker::Config(Box::new(some_config(3))));
    assert_eq!(state.settings().class, 2);
    let told = Notice::ClassClamped { class: 40, last: 2, label: "label 2".into() };
    assert_eq!(*state.notices, [told]);
}

#[test]
fn a_run_goes_from_frames_to_done_and_the_stage_follows() {
    let mut state = running();
    assert_eq!(state.timeline.position, 1);
    frame(&mut state, 1, 2);
    take_message(&mut state, FromWorker::Done { run: 1, total_ms: 1234.0 });
    assert_eq!(state.timeline.position, 2);
    assert!(state.run.film.as_ref().is_some_and(Film::is_complete));
    assert!(matches!(state.status(), Status::Done { .. }));
}

#[test]
fn who_drags_the_timeline_is_left_alone_until_live() {
    let mut state = running();
    state.update(Event::Timeline(crate::timeline::Event::Seek(0)));
    frame(&mut state, 1, 2);
    assert_eq!(state.timeline.position, 0);
    state.update(Event::Timeline(crate::timeline::Event::SeekNewest));
    assert_eq!(state.timeline.position, 2);
    assert!(state.timeline.follow);
}

#[test]
fn messages_of_a_replaced_run_are_dropped() {
    let mut state = running();
    let (run, _) = generate_of(&state.update(Event::Generate)).expect("it replaces the first");
    assert_eq!(run, 2);
    frame(&mut state, 1, 2);
    take_message(&mut state, FromWorker::Cancelled { run: 1 });
    assert!(state.is_running());
    assert_eq!(state.run.film.as_ref().map(|film| film.received()), Some(2));
}

#[test]
fn cancel_keeps_the_frames() {
    let mut state = running();
    assert_eq!(state.update(Event::Run(crate::run::Event::Cancel)), [Effect::Send(ToWorker::Cancel)]);
    assert_eq!(state.update(Event::Run(crate::run::Event::Cancel)), [], "once is enough");
    take_message(&mut state, FromWorker::Cancelled { run: 1 });
    assert_eq!(state.run.state, RunState::Cancelled);
    assert_eq!(state.run.film.as_ref().map(|film| film.received()), Some(2));
}

#[test]
fn progress_tells_bytes_and_speed() {
    let (mut state, _) = Page::new("", BASE, Visit::default());
    take_message(&mut state, FromWorker::Ready);
    let report =
        |loaded_bytes| FromWorker::LoadProgress { stage: LoadStage::Weights, loaded_bytes, total_bytes: 8_000_000 };
    hear_at(&mut state, report(0), 0.0);
    hear_at(&mut state, report(2_000_000), 1000.0);
    let ModelState::Loading(progress) = &state.models.state else { panic!("still loading") };
    assert_eq!(progress.fraction(), Some(0.25));
    assert_eq!((progress.loaded_bytes, progress.total_bytes), (2_000_000, 8_000_000));
    assert_eq!(progress.bytes_per_second, Some(2e6));
}

#[test]
fn a_lost_worker_fails_the_run_and_retry_makes_a_new_one() {
    let mut state = running();
    state.update(Event::WorkerLost(Notice::said("it stopped")));
    assert!(state.status() == Status::ModelFailed);
    assert_eq!(state.run.film.as_ref().map(|film| film.received()), Some(2), "what was made stays");
    assert_eq!(state.update(Event::Retry), [Effect::StartWorker]);
    assert_eq!(state.failure(), None);
    assert!(sends_load(&take_message(&mut state, FromWorker::Ready)));
    assert!(generate_of(&take_message(&mut state, loaded())).is_some(), "the failed run starts again");
}

#[test]
fn a_lost_device_is_asked_for_again_in_a_new_worker_and_the_cpu_is_offered() {
    let mut state = running();
    take_message(&mut state, FromWorker::Failed { run: Some(1), why: Reason::Device.found("it was lost") });
    assert_eq!(state.failure().map(|failure| failure.kind), Some(FailureKind::Device));
    let mut other = state.clone();
    assert_eq!(state.update(Event::Retry), [Effect::StartWorker]);
    assert!(sends_load(&take_message(&mut state, FromWorker::Ready)));
    let effects = other.update(Event::UseCpu);
    assert!(effects.contains(&Effect::StartWorker) && other.query().ends_with("backend=cpu"));
    assert!(sends_load(&take_message(&mut other, FromWorker::Ready)));
    assert_eq!(other.run.state, RunState::Queued);
}

#[test]
fn a_run_that_failed_otherwise_is_just_run_again() {
    let mut state = running();
    take_message(&mut state, FromWorker::Failed { run: Some(1), why: Reason::OutOfRange.of("steps", 0, "1 to 250") });
    assert!(generate_of(&state.update(Event::Retry)).is_some());
}

#[test]
fn frames_that_do_not_fit_fail_the_run() {
    for (step, buffers) in
        [(0, vec![vec![0; 64]]), (0, vec![vec![0; 63], vec![0; 36]]), (1, vec![vec![0; 64], vec![0; 36]])]
    {
        let mut state = ready("");
        state.update(Event::Generate);
        take_message(&mut state, FromWorker::Started { run: 1, info: info(2, 1) });
        let message = FromWorker::Frame(films::frame(step));
        state.update(Event::Worker { message, buffers, now_ms: 0.0 });
        assert!(state.failure().is_some());
    }
    let mut state = ready("");
    state.update(Event::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: RunInfo { num_images: 0, ..info(2, 1) } });
    assert!(state.failure().is_some());
}

#[test]
fn a_recording_plays_in_a_loop_until_there_is_a_run() {
    let (mut state, _) = Page::new("", BASE, Visit::default());
    state.update(recording());
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        seen.insert(state.timeline.position);
        state.update(Event::Timeline(crate::timeline::Event::Tick));
    }
    assert_eq!(Vec::from_iter(seen), [0, 1, 2]);
    assert!(state.timeline.playing);
    take_message(&mut state, loaded());
    state.update(Event::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: info(2, 1) });
    assert!(!state.timeline.playing && state.shown().is_some_and(|film| !film.recorded));
}

#[test]
fn with_reduced_motion_a_recording_rests_on_its_picture() {
    let (mut state, _) = Page::new("", BASE, Visit { reduced_motion: true, ..Visit::default() });
    state.update(recording());
    state.update(Event::Timeline(crate::timeline::Event::Tick));
    assert_eq!((state.timeline.position, state.timeline.playing), (2, false));
}

#[test]
fn an_own_film_plays_once_and_then_stands() {
    let mut state = running();
    take_message(&mut state, FromWorker::Cancelled { run: 1 });
    state.update(Event::Timeline(crate::timeline::Event::TogglePlay));
    assert_eq!((state.timeline.position, state.timeline.playing), (0, true));
    state.update(Event::Timeline(crate::timeline::Event::Tick));
    state.update(Event::Timeline(crate::timeline::Event::Tick));
    assert_eq!((state.timeline.position, state.timeline.playing), (1, false));
}

#[test]
fn steps_and_selection_stay_inside() {
    let mut state = running();
    state.update(Event::Timeline(crate::timeline::Event::Step(-9)));
    assert_eq!(state.timeline.position, 0);
    state.update(Event::Timeline(crate::timeline::Event::Step(9)));
    assert_eq!(state.timeline.position, 1);
    state.update(Event::Timeline(crate::timeline::Event::Select(7)));
    assert_eq!(state.timeline.selected, 0);
}

#[test]
fn every_choice_is_clamped_and_shown_in_the_address() {
    let mut state = ready("");
    for choice in [Choice::Guidance(99.0), Choice::Steps(0), Choice::NumImages(99), Choice::Seed(u64::MAX)] {
        let effects = state.update(Event::Choose(choice));
        assert!(matches!(effects[..], [Effect::ShowAddress(_)]));
    }
    assert_eq!(state.settings().validate(10), Ok(()));
    assert!(state.query().contains("guidance=10&steps=1") && state.query().contains("n=16"));
}

#[test]
fn an_event_touches_the_slices_that_it_is_about_and_no_others() {
    let mut state = running();
    let (run, timeline) = (reading(|| state.run.number).0, reading(|| state.timeline.position).0);
    let models = reading(|| state.models.address_waits).0;
    let (written, _) = writing(|| frame(&mut state, 1, 2));
    assert_eq!(written, run | timeline, "a frame");
    let seek = Event::Timeline(crate::timeline::Event::Seek(0));
    assert_eq!(writing(|| state.update(seek)).0, timeline, "a place on the timeline");
    let progress = FromWorker::LoadProgress { stage: LoadStage::Weights, loaded_bytes: 1, total_bytes: 2 };
    assert_eq!(writing(|| take_message(&mut state, progress)).0, models, "loading");
    let (read, _) = reading(|| state.settings());
    assert_eq!(read & (run | timeline), 0, "settings follow from the address and the model");
}
