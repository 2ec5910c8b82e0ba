//! What becomes of a training by what happens to it.

use super::*;
use crate::ModelRef;
use ditscope_config::ModelConfig;
use ditscope_protocol::training::{FromTrainer, Place, SamplesInfo, Setup, ToTrainer};
use ditscope_protocol::{Reason, Refusal};
use ditscope_tensor_file::LatentsInfo;

fn config() -> ModelConfig {
    serde_json::from_str(
        r#"{
        "name": "Tiny", "labels": ["one", "two", "three"], "latents": { "mean": [0.0], "std": [1.0] },
        "transformer": {
            "sample_size": 4, "patch_size": 2, "in_channels": 1, "hidden_size": 8, "depth": 1, "num_heads": 1,
            "num_classes": 3, "learn_sigma": false
        },
        "scheduler": { "beta_schedule": "linear", "prediction_type": "epsilon", "variance_type": "fixed_small" }
    }"#,
    )
    .expect("a configuration")
}

fn source() -> Source {
    let latents = LatentsInfo {
        data: "Made up".into(),
        license: "MIT".into(),
        count: 30,
        shape: [1, 4, 4],
        num_classes: 3,
        mean: vec![0.0],
        std: vec![1.0],
        scales: vec![0.1],
        rms_error: 0.0,
        clamped: 0.0,
    };
    Source { model: ModelRef::Shipped("tiny".into()), config: config(), latents: Some(latents) }
}

fn told(state: &mut State, message: FromTrainer, buffers: Vec<Vec<u8>>) -> Vec<Effect> {
    state.update(Event::Told { message, buffers })
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// One that runs, with checkpoints of the steps 0 and 2.
fn running() -> State {
    let mut state = State::default();
    state.update(Event::Offered(Box::new(source())));
    assert_eq!(state.update(Event::Start), [Effect::StartTrainer]);
    let setup = state.setup.clone().expect("a setup");
    let begin = Effect::Begin { model: source().model, setup: Box::new(setup.clone()), resume: false };
    assert_eq!(told(&mut state, FromTrainer::Ready, vec![]), [begin]);
    told(&mut state, FromTrainer::Loading { loaded_bytes: 1, total_bytes: 4 }, vec![]);
    assert_eq!(state.phase, Phase::Coming(0.25));
    let begun = FromTrainer::Begun {
        setup: Box::new(setup),
        config: Box::new(config()),
        num_parameters: 9,
        pictures: 30,
        step: 0,
    };
    told(&mut state, begun, vec![vec![]]);
    for (step, losses) in [(0, vec![]), (2, vec![0.9, 0.8])] {
        let steps = FromTrainer::Steps { step, pictures_per_second: 100.0, lr: 1e-3 };
        told(&mut state, steps, vec![bytes(&losses)]);
        let samples = SamplesInfo { step, image_shape: [1, 1], labels: vec![0, 2] };
        told(&mut state, FromTrainer::Samples(samples), vec![vec![step as u8; 8]]);
    }
    told(&mut state, FromTrainer::Kept { steps: vec![0, 2], place: Place::Browser }, vec![]);
    assert_eq!((state.phase, state.step()), (Phase::Running, 2));
    state
}

#[test]
fn nothing_begins_without_latents_or_classes() {
    let mut state = State::default();
    assert_eq!(state.update(Event::Start), []);
    state.update(Event::Offered(Box::new(Source { latents: None, ..source() })));
    assert_eq!(state.update(Event::Start), []);
    state.update(Event::Offered(Box::new(source())));
    for class in 0..3 {
        state.update(Event::Choose(Choice::Class(class)));
    }
    assert!(!state.can_start());
    state.update(Event::Choose(Choice::Class(1)));
    assert!(state.can_start() && state.setup.as_ref().is_some_and(|setup| setup.classes == [1]));
}

#[test]
fn what_makes_no_sense_is_not_taken() {
    let mut state = State::default();
    state.update(Event::Offered(Box::new(source())));
    let before = state.setup.clone();
    for choice in [Choice::Width(7), Choice::Depth(0), Choice::Batch(1), Choice::Lr(-1.0), Choice::Goal(0)] {
        state.update(Event::Choose(choice));
        assert_eq!(state.setup, before, "{choice:?}");
    }
    let parameters = state.planned_parameters();
    state.update(Event::Choose(Choice::Width(128)));
    assert!(state.planned_parameters() > parameters);
}

#[test]
fn what_is_kept_is_remembered_and_gone_on_with_on_another_visit() {
    let state = running();
    let kept = state.remembered.expect("it is kept");
    assert_eq!((kept.step, &kept.model), (2, &source().model));
    let mut later = State::default();
    later.update(Event::Recalled(Box::new(kept)));
    assert_eq!(later.update(Event::Resume), [Effect::StartTrainer]);
    let sent = told(&mut later, FromTrainer::Ready, vec![]);
    assert!(matches!(&sent[..], [Effect::Begin { resume: true, .. }]), "{sent:?}");
    let begun = FromTrainer::Begun {
        setup: Box::new(Setup::suggested(&config())),
        config: Box::new(config()),
        num_parameters: 9,
        pictures: 30,
        step: 2,
    };
    told(&mut later, begun, vec![bytes(&[0.9, 0.8])]);
    assert_eq!(later.losses, [0.9, 0.8]);
}

#[test]
fn in_memory_alone_nothing_is_remembered() {
    let mut state = running();
    state.remembered = None;
    assert_eq!(told(&mut state, FromTrainer::Kept { steps: vec![4], place: Place::Memory }, vec![]), []);
    state.update(Event::Lost("gone".into()));
    assert_eq!((state.phase, &state.said), (Phase::Setting, &Some(Said::Lost { why: "gone".into(), kept: None })));
    assert_eq!(state.losses.len(), 2, "what was shown stays");
}

#[test]
fn a_worker_that_is_gone_can_be_replaced() {
    let mut state = running();
    assert_eq!(state.update(Event::Lost("memory".into())), [Effect::StopTrainer]);
    assert_eq!(
        (state.phase, state.said.clone()),
        (Phase::Lost, Some(Said::Lost { why: "memory".into(), kept: Some(2) }))
    );
    assert_eq!(state.update(Event::Resume), [Effect::StartTrainer]);
    assert!(matches!(&told(&mut state, FromTrainer::Ready, vec![])[..], [Effect::Begin { resume: true, .. }]));
    let mut state = running();
    let why = Reason::Crashed.found("unreachable");
    told(&mut state, FromTrainer::Failed { why }, vec![]);
    assert_eq!(state.phase, Phase::Lost);
}

#[test]
fn a_loss_that_is_no_number_is_said_and_taken_back() {
    let mut state = running();
    let steps = FromTrainer::Steps { step: 3, pictures_per_second: 100.0, lr: 1.0 };
    told(&mut state, steps, vec![bytes(&[9e9])]);
    let why = Some(Refusal::from(Reason::OutOfRange));
    told(&mut state, FromTrainer::Restored { step: 2, why }, vec![]);
    assert_eq!((state.phase, state.step()), (Phase::Held, 2));
    assert_eq!(state.said, Some(Said::NotFinite { back_at: 2 }));
    assert_eq!(state.update(Event::GoOn), [Effect::Send(ToTrainer::GoOn)]);
    assert_eq!(state.said, None);
}

#[test]
fn going_back_takes_curve_and_film_along() {
    let mut state = running();
    assert_eq!(state.update(Event::Undo(1)), [], "there is no such checkpoint");
    assert_eq!(state.update(Event::Undo(0)), [Effect::Send(ToTrainer::Undo { step: 0 })]);
    told(&mut state, FromTrainer::Restored { step: 0, why: None }, vec![]);
    assert_eq!((state.step(), state.samples.len(), state.said.clone()), (0, 1, None));
}

#[test]
fn knobs_are_turned_while_it_runs() {
    let mut state = running();
    let sent = state.update(Event::Choose(Choice::Lr(5e-4)));
    assert!(matches!(&sent[..], [Effect::Send(ToTrainer::Change(knobs))] if knobs.lr == 5e-4), "{sent:?}");
    state.update(Event::Choose(Choice::Depth(2)));
    assert_eq!(state.setup.as_ref().map(|setup| setup.depth), Some(3), "what makes the model stays");
    told(&mut state, FromTrainer::Reached { step: 2 }, vec![]);
    assert_eq!(state.phase, Phase::Reached);
    assert_eq!(state.update(Event::GoOn), []);
    state.update(Event::Choose(Choice::Goal(500_000)));
    assert_eq!(state.update(Event::GoOn), [Effect::Send(ToTrainer::GoOn)]);
}

#[test]
fn the_film_is_walked_through_and_played_to_its_end() {
    let mut state = running();
    let shade = |state: &State| state.row().map(|row| row.pictures[1].rgba[0]);
    assert_eq!(shade(&state), Some(2), "the newest");
    state.update(Event::Look(0));
    assert_eq!(shade(&state), Some(0));
    state.update(Event::Look(99));
    state.update(Event::TogglePlay);
    assert_eq!((shade(&state), state.playing, beat(&state, true) > beat(&state, false)), (Some(0), true, true));
    state.update(Event::Tick);
    assert_eq!((shade(&state), state.playing, beat(&state, false)), (Some(2), false, None));
}

#[test]
fn the_model_is_given_as_files_and_as_a_zip() {
    let mut state = running();
    assert_eq!(state.update(Event::Use), [Effect::Send(ToTrainer::Save { zip: false })]);
    assert_eq!(state.update(Event::Download), [], "one at a time");
    let saved = |zip| FromTrainer::Saved { files: vec!["a".into(), "b".into()], zip };
    let files = vec![("a".to_owned(), vec![1]), ("b".to_owned(), vec![2])];
    let effects = told(&mut state, saved(false), vec![vec![1], vec![2]]);
    assert_eq!(effects, [Effect::Use { name: "trained-here".into(), files }]);
    state.update(Event::Download);
    let effects = told(&mut state, saved(true), vec![vec![1], vec![2]]);
    assert_eq!(effects, [Effect::Download { name: "a".into(), bytes: vec![1] }]);
}

#[test]
fn time_is_counted_at_the_present_pace() {
    let state = running();
    let setup = &state.running.as_ref().expect("it runs").setup;
    let left = (setup.knobs.goal - 2 * setup.batch_size) as f64 / 100.0;
    assert_eq!(time_left(&state), Some(left));
}

#[test]
fn a_late_word_of_a_worker_that_was_ended_changes_nothing() {
    let mut state = running();
    assert_eq!(state.update(Event::Leave), [Effect::StopTrainer]);
    let before = state.clone();
    told(&mut state, FromTrainer::Held { step: 2 }, vec![]);
    assert_eq!(state, before);
    assert!(state.remembered.is_some(), "what is kept can still be gone on with");
}
