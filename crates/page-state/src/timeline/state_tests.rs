//! The player, without a browser.

use super::*;
use crate::Event as AppEvent;
use crate::fixtures::{film, frame, info};
use crate::update::tests::{ready, running, take_message};
use crate::{Effect, Page};
use ditscope_protocol::{FrameInfo, FromWorker};

fn press(state: &mut Page, event: Event) -> Vec<Effect> {
    state.update(AppEvent::Timeline(event))
}

fn push(state: &mut Page, step: usize) {
    let message = FromWorker::Frame(FrameInfo { run: 1, ..frame(step) });
    state.update(AppEvent::Worker { message, buffers: vec![vec![0; 64], vec![0; 36]], now_ms: 0.0 });
}

#[test]
fn who_asks_for_the_beginning_stays_there() {
    let mut state = ready("");
    state.update(AppEvent::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: info(4, 1) });
    push(&mut state, 0);
    state.update(AppEvent::Timeline(Event::Seek(0)));
    push(&mut state, 1);
    assert_eq!((state.timeline.position, state.timeline.follow), (0, false));
    state.update(AppEvent::Timeline(Event::Step(1)));
    push(&mut state, 2);
    assert_eq!((state.timeline.position, state.timeline.follow), (2, true), "the newest frame was reached");
}

#[test]
fn a_loop_begins_again_and_an_own_film_plays_once() {
    let mut state = running();
    take_message(&mut state, FromWorker::Cancelled { run: 1 });
    let mut plays = |looping: bool| {
        if state.loops() != looping {
            press(&mut state, Event::ToggleLoop);
        }
        state.update(AppEvent::Timeline(Event::Seek(0)));
        state.update(AppEvent::Timeline(Event::TogglePlay));
        let seen: Vec<usize> = (0..40)
            .map(|_| {
                state.update(AppEvent::Timeline(Event::Tick));
                state.timeline.position
            })
            .collect();
        (seen.windows(2).filter(|pair| pair[1] < pair[0]).count(), state.timeline.playing)
    };
    assert_eq!(plays(false), (0, false));
    assert_eq!(plays(true), (2, true));
}

#[test]
fn every_speed_takes_its_time() {
    for (steps, seconds) in [(1, 0.4), (30, 3.87), (250, 3.98)] {
        let film = film(steps, 1, steps + 1);
        for (speed, pacing) in Speed::ALL.into_iter().flat_map(|speed| Pacing::ALL.map(|pacing| (speed, pacing))) {
            let (mut timeline, mut time) = (Timeline { playing: true, speed, ..Timeline::default() }, 0.0);
            while timeline.position < steps {
                let ms = timeline.beat(&film, pacing);
                assert!(ms >= 50, "no faster than can be drawn");
                time += f64::from(ms) * speed.factor() / 1000.0;
                let around = Around { film: Some(&film), is_growing: false, is_running: false, pacing };
                timeline.update(around, Event::Tick);
            }
            assert!((0.95..1.1).contains(&(time / seconds)), "{steps} steps at {speed:?}, {pacing:?}: {time} s");
        }
    }
    let mut state = ready("");
    press(&mut state, Event::Faster(9));
    assert_eq!(state.timeline.speed, Speed::Fourfold);
    press(&mut state, Event::Faster(-1));
    assert_eq!(state.timeline.speed, Speed::Double);
    press(&mut state, Event::Speed(Speed::Quarter));
    press(&mut state, Event::Faster(-1));
    assert_eq!(state.timeline.speed, Speed::Quarter);
}

#[test]
fn a_film_with_gaps_is_walked_over_what_is_kept() {
    let mut state = ready("");
    state.update(AppEvent::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: info(40, 1) });
    if let Some(film) = &mut state.shared.run.film {
        film.limit(2000);
    }
    (0..=40).for_each(|step| push(&mut state, step));
    assert_eq!(state.run.film.as_ref().map(Film::stride), Some(4));
    state.update(AppEvent::Timeline(Event::Seek(7)));
    assert_eq!(state.timeline.position, 4, "there is no frame 7");
    state.update(AppEvent::Timeline(Event::Step(1)));
    assert_eq!(state.timeline.position, 8);
    state.update(AppEvent::Timeline(Event::Step(-2)));
    assert_eq!(state.timeline.position, 0);
    press(&mut state, Event::Speed(Speed::Quarter));
    state.update(AppEvent::Timeline(Event::TogglePlay));
    for expected in [4, 8, 12] {
        state.update(AppEvent::Timeline(Event::Tick));
        assert_eq!(state.timeline.position, expected);
    }
}
