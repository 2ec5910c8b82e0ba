//! Asking for the sound of a picture, and what comes of it.

use super::*;
use crate::Event;
use crate::fixtures::frame;
use crate::update::tests::{running, some_config, take_message};
use crate::{Effect, Page};
use ditscope_config::AudioConfig;
use ditscope_protocol::{FromWorker, Reason, ToWorker};

/// A finished run of two steps, of a model whose pictures are sounds. Its first two frames have no predicted latent.
fn finished() -> Page {
    let mut state = running();
    let (message, buffers) = (FromWorker::Frame(frame(2)), vec![vec![7; 64], vec![0; 36]]);
    state.update(Event::Worker { message, buffers, now_ms: 0.0 });
    take_message(&mut state, FromWorker::Done { run: 1, total_ms: 1.0 });
    let mut config = some_config(2);
    config.audio = Some(AudioConfig {
        sample_rate: 16_000,
        n_fft: 1024,
        hop_length: 256,
        n_mels: 64,
        f_min: 0.0,
        f_max: 8000.0,
        min_db: -60.0,
        max_db: 0.0,
    });
    state.shared.models.config = Some(config);
    state
}

fn asked(effects: &[Effect]) -> Option<(u32, usize)> {
    effects.iter().find_map(|effect| match effect {
        Effect::SendWith(ToWorker::Ask { id, ask: Ask::Sound }, buffers) => Some((*id, buffers[0].len())),
        _ => None,
    })
}

fn answer(state: &mut Page, id: u32, buffers: Vec<Vec<u8>>) {
    let message = FromWorker::Answered { id, result: Ok(Answer::Sound) };
    state.update(Event::Worker { message, buffers, now_ms: 0.0 });
}

#[test]
fn a_picture_of_a_model_without_sound_cannot_be_heard() {
    let mut state = running();
    assert!(!state.has_sound());
    assert_eq!(asked(&state.update(Event::Listen)), None);
}

#[test]
fn a_step_is_heard_and_can_be_heard_again() {
    let mut state = finished();
    let latent = state.shown().expect("a film").info.latent_shape.iter().product::<usize>() * 4;
    let (id, bytes) = asked(&state.update(Event::Listen)).expect("a question");
    assert_eq!(bytes, latent);
    assert!(state.listening.waits() && !state.listening.can_listen(&state));
    assert_eq!(asked(&state.update(Event::Listen)), None, "one at a time");
    answer(&mut state, id, vec![vec![1, 2, 3]]);
    assert_eq!(state.listening.heard().map(|heard| heard.wav.to_vec()), Some(vec![1, 2, 3]));
    let times = state.listening.times();

    let (id, _) = asked(&state.update(Event::Listen)).expect("again");
    answer(&mut state, id, vec![vec![1, 2, 3]]);
    assert_ne!(state.listening.times(), times, "it is played again");
}

#[test]
fn what_is_heard_keeps_its_name_when_the_stage_goes_on() {
    let mut state = finished();
    let (id, _) = asked(&state.update(Event::Listen)).expect("a question");
    answer(&mut state, id, vec![vec![1]]);
    let before = state.listening.clone();
    assert!(before.heard().is_some_and(|heard| heard.of.place.t.is_none()), "the finished picture");
    state.update(Event::Timeline(crate::timeline::Event::Seek(0)));
    assert_eq!(state.listening, before);
    assert!(!state.listening.can_listen(&state), "this frame has nothing to be heard");
}

#[test]
fn refusals_and_misfits_are_told() {
    let mut state = finished();
    let (id, _) = asked(&state.update(Event::Listen)).expect("a question");
    take_message(&mut state, FromWorker::Answered { id, result: Err(Reason::NoSound.into()) });
    assert_eq!(state.listening.outcome(), Some(&Err(Notice::Refused(Reason::NoSound.into()))));
    for buffers in [vec![], vec![vec![]], vec![vec![1]; 2]] {
        let (id, _) = asked(&state.update(Event::Listen)).expect("tried again");
        answer(&mut state, id, buffers);
        assert_eq!(state.listening.heard(), None);
        assert_eq!(state.listening.outcome(), Some(&Err(Notice::SoundMisfit)));
    }
}

#[test]
fn a_lost_worker_leaves_nothing_waiting() {
    let mut state = finished();
    asked(&state.update(Event::Listen)).expect("a question");
    state.update(Event::WorkerLost(Notice::said("it stopped")));
    assert!(!state.listening.waits() && state.listening.outcome().is_none());
}
