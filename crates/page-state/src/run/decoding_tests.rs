//! Previews and their decoding, without a browser.

use crate::ModelRef;
use crate::Notice;
use crate::Status;
use crate::fixtures::{frame, info, preview};
use crate::update::tests::{generate_of, ready, take_message};
use crate::{Effect, Event, Page};
use ditscope_protocol::{Answer, Ask, FrameInfo, FromWorker, Reason, Refusal, ToWorker};

fn send(state: &mut Page, message: FromWorker, buffers: Vec<Vec<u8>>) -> Vec<Effect> {
    state.update(Event::Worker { message, buffers, now_ms: 0.0 })
}

fn send_frame(state: &mut Page, frame: FrameInfo, buffers: [Vec<u8>; 3]) {
    let count = if frame.preview { 3 } else { 2 };
    send(state, FromWorker::Frame(frame), buffers.into_iter().take(count).collect());
}

/// A run of two steps and two pictures with its previews, the decoder under way.
fn previews() -> Page {
    let mut state = ready("n=2");
    state.update(Event::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: info(2, 2) });
    for step in 0..2 {
        send_frame(&mut state, preview(step), [vec![0; 128], vec![0; 32], (0..128).collect()]);
    }
    state
}

/// The same run at its end, the second picture of the first step in view.
fn finished() -> Page {
    let mut state = previews();
    send_frame(&mut state, frame(2), [vec![0; 128], vec![0; 72], vec![]]);
    take_message(&mut state, FromWorker::Done { run: 1, total_ms: 1.0 });
    state.update(Event::Timeline(crate::timeline::Event::Seek(0)));
    state.update(Event::Timeline(crate::timeline::Event::Select(1)));
    state
}

/// Asks for the picture in view; the number of the question.
fn ask(state: &mut Page) -> u32 {
    let effects = state.update(Event::Run(crate::run::Event::DecodeStep));
    let [Effect::SendWith(ToWorker::Ask { id, ask: Ask::DecodePicture { run: 1 } }, buffers)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(*buffers, [(64..128).collect::<Vec<u8>>()]);
    *id
}

fn decoded(id: u32) -> FromWorker {
    FromWorker::Answered { id, result: Ok(Answer::PictureDecoded) }
}

#[test]
fn the_last_frames_decoding_is_told() {
    let mut state = previews();
    assert!(state.has_previews() && !state.can_decode(), "the decoder is busy");
    take_message(&mut state, FromWorker::DecodeProgress { run: 1, done: 3, total: 20 });
    assert_eq!(state.run.decoded, Some((3, 20)));
    take_message(&mut state, FromWorker::DecodeProgress { run: 0, done: 9, total: 20 });
    assert_eq!(state.run.decoded, Some((3, 20)));
    take_message(&mut state, FromWorker::Done { run: 1, total_ms: 1.0 });
    assert_eq!(state.run.decoded, None);
}

#[test]
fn a_step_is_decoded_on_demand_and_stays_so() {
    let mut state = finished();
    let id = ask(&mut state);
    assert_eq!(state.update(Event::Run(crate::run::Event::DecodeStep)), [], "one at a time");
    assert_eq!(state.status(), Status::DecodingStep);
    take_message(&mut state, FromWorker::DecodeProgress { run: 1, done: 1, total: 2 });
    send(&mut state, decoded(id), vec![vec![5; 36]]);
    assert_eq!((state.run.decoding, state.run.decoded), (None, None));
    let film = state.run.film.as_ref().expect("a film");
    assert!(!film.frames()[0].is_preview(1) && film.frames()[0].is_preview(0));
    assert!(!state.can_decode());
    state.update(Event::Timeline(crate::timeline::Event::Select(0)));
    assert!(state.can_decode());
    state.update(Event::Timeline(crate::timeline::Event::Seek(2)));
    assert!(!state.can_decode(), "the last frame is decoded");
}

#[test]
fn what_does_not_fit_or_was_not_asked_for_is_not_shown() {
    let mut state = finished();
    send(&mut state, decoded(1), vec![vec![5; 36]]);
    assert!(state.run.film.as_ref().is_some_and(|film| film.frames()[0].is_preview(1)));
    let id = ask(&mut state);
    let message = FromWorker::Answered { id, result: Ok(Answer::Sound) };
    send(&mut state, message, vec![vec![5; 36]]);
    assert!(state.can_decode(), "an answer to another question");
    for buffers in [vec![], vec![vec![5; 35]], vec![vec![5; 36]; 2]] {
        state.shared.notices.clear();
        let id = ask(&mut state);
        send(&mut state, decoded(id), buffers);
        assert_eq!((state.notices.len(), state.run.decoding), (1, None));
    }
}

#[test]
fn a_failed_decoding_is_told_and_a_cancelled_one_is_not() {
    let no_memory = Reason::Device.found("no memory");
    let failed = |id, why: Refusal| FromWorker::Answered { id, result: Err(why) };
    let mut state = finished();
    state.shared.notices.clear();
    let id = ask(&mut state);
    take_message(&mut state, failed(id, no_memory.clone()));
    let told = Notice::NotDecoded { step: 0, why: std::sync::Arc::new(no_memory.into()) };
    assert!(*state.notices == [told] && state.can_decode());
    state.shared.notices.clear();
    let id = ask(&mut state);
    assert_eq!(state.update(Event::Run(crate::run::Event::Cancel)), [Effect::Send(ToWorker::Cancel)]);
    assert_eq!(state.update(Event::Run(crate::run::Event::Cancel)), [], "once is enough");
    take_message(&mut state, failed(id, Reason::Stopped.into()));
    assert!(state.notices.is_empty() && state.can_decode());
}

#[test]
fn a_new_run_or_model_takes_the_decoder() {
    let mut state = finished();
    let id = ask(&mut state);
    assert!(generate_of(&state.update(Event::Generate)).is_some());
    assert_eq!(state.run.decoding, None);
    send(&mut state, decoded(id), vec![vec![5; 36]]);
    assert!(state.run.film.as_ref().is_some_and(|film| film.frames()[0].is_preview(1)));

    let mut state = finished();
    state.update(Event::UseModel(ModelRef::Url("http://a.b/m".into())));
    assert!(!state.can_decode(), "its decoder is another one");
}
