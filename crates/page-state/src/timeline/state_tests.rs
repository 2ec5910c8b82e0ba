//! The player and the run's pace, without a browser.

use super::*;
use crate::Event as AppEvent;
use crate::Status;
use crate::fixtures::{frame, info, preview};
use crate::update::tests::{generate_of, hear, ready, running};
use ditscope_protocol::{FrameInfo, FromWorker, ToWorker};

fn press(state: &mut Page, event: Event) -> Vec<Effect> {
    state.update(AppEvent::Timeline(event))
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
    assert_eq!(press(&mut state, Event::StepOnce), []);
    state.update(AppEvent::Generate);
    hear(&mut state, FromWorker::Started { run: 1, info: info(4, 1) });
    push(&mut state, 0);
    assert_eq!(press(&mut state, Event::ToggleHold), [Effect::Send(ToWorker::Pause)]);
    assert!(!state.is_held() && state.status() == Status::Holding);
    push(&mut state, 1);
    hear(&mut state, HELD);
    assert!(state.is_held() && state.is_running());
    assert_eq!(state.status(), Status::Held(2));

    assert_eq!(press(&mut state, Event::StepOnce), [Effect::Send(ToWorker::StepOnce)]);
    assert!(!state.is_held());
    push(&mut state, 2);
    hear(&mut state, FromWorker::Paused { run: 1, step: 3 });
    assert_eq!((state.pace(), state.view.position), (Some(Pace::Held(3)), 2));

    assert_eq!(press(&mut state, Event::ToggleHold), [Effect::Send(ToWorker::Resume)]);
    assert_eq!(state.status(), Status::Generating);
    hear(&mut state, FromWorker::Paused { run: 1, step: 3 });
    assert_eq!(state.pace(), Some(Pace::Free), "what crossed the wish to go on is late");
    push(&mut state, 3);
    push(&mut state, 4);
    hear(&mut state, FromWorker::Done { run: 1, total_ms: 1.0 });
    assert_eq!(state.pace(), None);
}

#[test]
fn who_asks_for_the_beginning_stays_there() {
    let mut state = ready("");
    state.update(AppEvent::Generate);
    hear(&mut state, FromWorker::Started { run: 1, info: info(4, 1) });
    push(&mut state, 0);
    state.update(AppEvent::Seek(0));
    push(&mut state, 1);
    assert_eq!((state.view.position, state.view.follow), (0, false));
    state.update(AppEvent::Step(1));
    push(&mut state, 2);
    assert_eq!((state.view.position, state.view.follow), (2, true), "the newest frame was reached");
}

#[test]
fn a_held_run_is_cancelled_or_replaced() {
    let mut state = running();
    press(&mut state, Event::ToggleHold);
    hear(&mut state, FromWorker::Paused { run: 0, step: 2 });
    assert!(!state.is_held(), "of another run");
    hear(&mut state, HELD);
    let mut other = state.clone();
    assert_eq!(state.update(AppEvent::Cancel), [Effect::Send(ToWorker::Cancel)]);
    assert_eq!((press(&mut state, Event::ToggleHold), state.is_held()), (vec![], false));
    assert_eq!(state.status(), Status::Stopping);
    hear(&mut state, FromWorker::Cancelled { run: 1 });
    assert_eq!((state.run.clone(), state.pace()), (RunState::Cancelled, None));

    assert!(generate_of(&other.update(AppEvent::Generate)).is_some());
    assert_eq!(other.pace(), Some(Pace::Free), "a new run begins at full pace");
}

#[test]
fn a_held_run_leaves_the_decoder_free_until_it_goes_on() {
    let mut state = ready("");
    state.update(AppEvent::Generate);
    hear(&mut state, FromWorker::Started { run: 1, info: info(4, 1) });
    let message = FromWorker::Frame(preview(0));
    let buffers = vec![vec![0; 64], vec![0; 16], vec![0; 64]];
    state.update(AppEvent::Worker { message, buffers, now_ms: 0.0 });
    assert!(!state.can_decode());
    press(&mut state, Event::ToggleHold);
    hear(&mut state, FromWorker::Paused { run: 1, step: 1 });
    assert!(state.can_decode());
    assert!(matches!(state.update(AppEvent::DecodeStep)[..], [Effect::SendWith(ToWorker::Decode { .. }, _)]));
    assert_eq!(state.status(), Status::DecodingStep);
    state.notices.clear();
    press(&mut state, Event::ToggleHold);
    let failed = FromWorker::DecodeFailed { run: 1, step: 0, picture: 0, message: "the run goes on".into() };
    hear(&mut state, failed);
    assert_eq!((state.decoding, state.notices.len()), (None, 0), "the visitor chose it");
}

#[test]
fn a_loop_begins_again_and_an_own_film_plays_once() {
    let mut state = running();
    hear(&mut state, FromWorker::Cancelled { run: 1 });
    let mut plays = |looping: bool| {
        if state.loops() != looping {
            press(&mut state, Event::ToggleLoop);
        }
        state.update(AppEvent::Seek(0));
        state.update(AppEvent::TogglePlay);
        let seen: Vec<usize> = (0..40)
            .map(|_| {
                state.update(AppEvent::Tick);
                state.view.position
            })
            .collect();
        (seen.windows(2).filter(|pair| pair[1] < pair[0]).count(), state.view.playing)
    };
    assert_eq!(plays(false), (0, false));
    assert_eq!(plays(true), (2, true));
}

#[test]
fn every_speed_takes_its_time() {
    for steps in [1, 30, 250] {
        let time = |speed: Speed| f64::from(speed.tick_ms(steps)) / speed.stride(steps) as f64;
        let whole = time(Speed::Whole);
        for speed in Speed::ALL {
            let off = time(speed) * speed.factor() / whole;
            assert!((0.6..1.6).contains(&off), "{steps} steps at {speed:?}: {off}");
            assert!(speed.tick_ms(steps) >= 50, "no faster than can be drawn");
        }
    }
    let mut state = ready("");
    press(&mut state, Event::Faster(9));
    assert_eq!(state.player.speed, Speed::Fourfold);
    press(&mut state, Event::Faster(-1));
    assert_eq!(state.player.speed, Speed::Double);
    press(&mut state, Event::Speed(Speed::Quarter));
    press(&mut state, Event::Faster(-1));
    assert_eq!(state.player.speed, Speed::Quarter);
}

#[test]
fn a_film_with_gaps_is_walked_over_what_is_kept() {
    let mut state = ready("");
    state.update(AppEvent::Generate);
    hear(&mut state, FromWorker::Started { run: 1, info: info(40, 1) });
    if let Some(film) = &mut state.film {
        film.limit(2000);
    }
    (0..=40).for_each(|step| push(&mut state, step));
    assert_eq!(state.film.as_ref().map(Film::stride), Some(4));
    state.update(AppEvent::Seek(7));
    assert_eq!(state.view.position, 4, "there is no frame 7");
    state.update(AppEvent::Step(1));
    assert_eq!(state.view.position, 8);
    state.update(AppEvent::Step(-2));
    assert_eq!(state.view.position, 0);
    press(&mut state, Event::Speed(Speed::Quarter));
    state.update(AppEvent::TogglePlay);
    for expected in [4, 8, 12] {
        state.update(AppEvent::Tick);
        assert_eq!(state.view.position, expected);
    }
}
