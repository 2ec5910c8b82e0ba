//! The run's pace, without a browser.

use super::*;
use crate::Event as AppEvent;
use crate::fixtures::{frame, info, preview};
use crate::update::tests::{generate_of, ready, running, take_message};
use crate::{Page, Status};
use ditscope_protocol::{Ask, FrameInfo, FromWorker, Reason, ToWorker};

fn press(state: &mut Page, event: Event) -> Vec<Effect> {
    state.update(AppEvent::Run(event))
}

fn push(state: &mut Page, step: usize) {
    let message = FromWorker::Frame(FrameInfo { run: 1, ..frame(step) });
    state.update(AppEvent::Worker { message, buffers: vec![vec![0; 64], vec![0; 36]], now_ms: 0.0 });
}

const HELD: FromWorker = FromWorker::Paused { run: 1, step: 2 };

#[test]
fn a_run_is_held_stepped_and_let_go() {
    let mut state = ready("");
    assert_eq!(press(&mut state, Event::ToggleHold), [], "there is no run");
    state.update(AppEvent::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: info(4, 1) });
    push(&mut state, 0);
    assert_eq!(press(&mut state, Event::ToggleHold), [Effect::Send(ToWorker::Pause)]);
    assert!(!state.run.is_held() && state.status() == Status::Holding);
    push(&mut state, 1);
    take_message(&mut state, HELD);
    assert!(state.run.is_held() && state.is_running());
    assert_eq!(state.status(), Status::Held(2));

    assert_eq!(press(&mut state, Event::StepOnce), [Effect::Send(ToWorker::StepOnce)]);
    assert!(!state.run.is_held());
    push(&mut state, 2);
    take_message(&mut state, FromWorker::Paused { run: 1, step: 3 });
    assert_eq!((state.run.pace(), state.timeline.position), (Some(Pace::Held(3)), 2));

    assert_eq!(press(&mut state, Event::ToggleHold), [Effect::Send(ToWorker::Resume)]);
    assert_eq!(state.status(), Status::Generating);
    take_message(&mut state, FromWorker::Paused { run: 1, step: 3 });
    assert_eq!(state.run.pace(), Some(Pace::Free), "what crossed the wish to go on is late");
    push(&mut state, 3);
    push(&mut state, 4);
    take_message(&mut state, FromWorker::Done { run: 1, total_ms: 1.0 });
    assert_eq!(state.run.pace(), None);
}

#[test]
fn a_held_run_is_cancelled_or_replaced() {
    let mut state = running();
    press(&mut state, Event::ToggleHold);
    take_message(&mut state, FromWorker::Paused { run: 0, step: 2 });
    assert!(!state.run.is_held(), "of another run");
    take_message(&mut state, HELD);
    let mut other = state.clone();
    assert_eq!(state.update(AppEvent::Run(Event::Cancel)), [Effect::Send(ToWorker::Cancel)]);
    assert_eq!((press(&mut state, Event::ToggleHold), state.run.is_held()), (vec![], false));
    assert_eq!(state.status(), Status::Stopping);
    take_message(&mut state, FromWorker::Cancelled { run: 1 });
    assert_eq!((state.run.state.clone(), state.run.pace()), (RunState::Cancelled, None));

    assert!(generate_of(&other.update(AppEvent::Generate)).is_some());
    assert_eq!(other.run.pace(), Some(Pace::Free), "a new run begins at full pace");
}

#[test]
fn a_held_run_leaves_the_decoder_free_until_it_goes_on() {
    let mut state = ready("");
    state.update(AppEvent::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: info(4, 1) });
    let message = FromWorker::Frame(preview(0));
    let buffers = vec![vec![0; 64], vec![0; 16], vec![0; 64]];
    state.update(AppEvent::Worker { message, buffers, now_ms: 0.0 });
    assert!(!state.can_decode());
    press(&mut state, Event::ToggleHold);
    take_message(&mut state, FromWorker::Paused { run: 1, step: 1 });
    assert!(state.can_decode());
    let asked = state.update(AppEvent::Run(Event::DecodeStep));
    let [Effect::SendWith(ToWorker::Ask { id, ask: Ask::DecodePicture { .. } }, _)] = asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(state.status(), Status::DecodingStep);
    state.shared.notices.clear();
    press(&mut state, Event::ToggleHold);
    take_message(&mut state, FromWorker::Answered { id, result: Err(Reason::RunFirst.into()) });
    assert_eq!((state.run.decoding, state.notices.len()), (None, 0), "the visitor chose it");
}
