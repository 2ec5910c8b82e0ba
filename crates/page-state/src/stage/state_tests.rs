//! Choosing views, and noisy latents that are decoded on demand.

use super::*;
use crate::Event as AppEvent;
use crate::fixtures::{frame, info};
use crate::update::tests::{ready, running, take_message};
use crate::{Effect, Page};
use ditscope_protocol::{FrameInfo, FromWorker, Reason, ToWorker};

fn views(state: &mut Page, event: Event) -> Vec<Effect> {
    state.update(AppEvent::Views(event))
}

/// Number and latent of the question among the effects.
fn asked(effects: &[Effect]) -> Option<(u32, Vec<u8>)> {
    effects.iter().find_map(|effect| match effect {
        Effect::SendWith(ToWorker::Ask { id, ask: Ask::DecodeLatent }, buffers) => Some((*id, buffers[0].clone())),
        _ => None,
    })
}

fn answer(state: &mut Page, id: u32, gray: u8) -> Vec<Effect> {
    let result = Ok(Answer::LatentDecoded { image_shape: [3, 3], preview: false });
    let (message, buffers) = (FromWorker::Answered { id, result }, vec![vec![gray; 36]]);
    state.update(AppEvent::Worker { message, buffers, now_ms: 0.0 })
}

/// The gray of the decoded latent in view, and whether it is of this very step.
fn seen(state: &Page) -> Option<(u8, bool)> {
    match state.views.scene(state)?.sight {
        Sight::There(decoded) => Some((decoded.pixels.rgba[0], true)),
        Sight::Awaited(decoded) => Some((decoded?.pixels.rgba[0], false)),
        Sight::Absent(_) => None,
    }
}

/// A cancelled run of two steps with two frames; the second is in view.
fn stopped() -> Page {
    let mut state = running();
    take_message(&mut state, FromWorker::Cancelled { run: 1 });
    state
}

#[test]
fn one_view_always_stays() {
    let mut state = ready("");
    views(&mut state, Event::Set(vec![ViewKind::XT, ViewKind::X0]));
    assert_eq!(state.views.on(), [ViewKind::X0, ViewKind::XT]);
    views(&mut state, Event::Toggle(ViewKind::X0));
    views(&mut state, Event::Toggle(ViewKind::XT));
    assert_eq!(state.views.on(), [ViewKind::XT]);
    views(&mut state, Event::Toggle(ViewKind::EpsDiff));
    views(&mut state, Event::Toggle(ViewKind::X0));
    assert_eq!(state.views.on(), [ViewKind::X0, ViewKind::XT, ViewKind::EpsDiff], "in their order");
    views(&mut state, Event::Set(vec![ViewKind::Change, ViewKind::EpsCond, ViewKind::Change]));
    assert_eq!(state.views.on(), [ViewKind::EpsCond, ViewKind::Change]);
    views(&mut state, Event::Set(vec![]));
    assert_eq!(state.views.on().len(), 2);
}

#[test]
fn the_strip_comes_first_and_is_opened_part_by_part() {
    let mut state = ready("");
    let beside = |state: &Page| Views::beside(state.views.on());
    let strip = [ViewKind::XT, ViewKind::EpsGuided, ViewKind::X0Latent];
    assert_eq!(beside(&state), strip);
    views(&mut state, Event::Open(ViewKind::XT));
    let model = [ViewKind::EpsCond, ViewKind::EpsUncond, ViewKind::EpsDiff];
    assert_eq!(beside(&state), [strip, model].concat());
    views(&mut state, Event::Toggle(ViewKind::EpsUncond));
    views(&mut state, Event::Open(ViewKind::XT));
    assert_eq!(beside(&state), [strip, model].concat(), "what was missing comes, too");
    views(&mut state, Event::Open(ViewKind::XT));
    views(&mut state, Event::Open(ViewKind::X0Latent));
    assert_eq!(beside(&state)[3..], [ViewKind::XTDecoded]);
    views(&mut state, Event::Open(ViewKind::EpsGuided));
    views(&mut state, Event::Toggle(ViewKind::X0Latent));
    assert!(!Views::is_strip(state.views.on()));
    assert_eq!(beside(&state), [ViewKind::XT, ViewKind::XTDecoded, ViewKind::EpsGuided]);
}

#[test]
fn names_are_stable_and_unique() {
    let names = ViewKind::ALL.map(ViewKind::name);
    let expected =
        ["x0", "x_t", "x_t-decoded", "x0-latent", "eps-cond", "eps-uncond", "eps-diff", "eps-guided", "change"];
    assert_eq!(names, expected);
    assert_eq!(names.map(ViewKind::parse), ViewKind::ALL.map(Some));
    assert_eq!(ViewKind::parse("x1"), None);
}

#[test]
fn a_noisy_latent_is_decoded_when_its_view_is_on_and_only_once() {
    let mut state = stopped();
    assert_eq!(
        asked(&state.update(AppEvent::Timeline(crate::timeline::Event::Seek(0)))),
        None,
        "nobody wants to see it"
    );
    let (id, latent) = asked(&views(&mut state, Event::Toggle(ViewKind::XTDecoded))).expect("a question");
    assert_eq!(latent, vec![0; 64]);
    assert_eq!(seen(&state), None);
    assert_eq!(asked(&state.update(AppEvent::Timeline(crate::timeline::Event::Select(0)))), None, "it is asked for");
    answer(&mut state, id, 7);
    assert_eq!(seen(&state), Some((7, true)));

    let (id, _) = asked(&state.update(AppEvent::Timeline(crate::timeline::Event::Seek(1)))).expect("another step");
    assert_eq!(seen(&state), Some((7, false)), "the last one stays until the answer comes");
    answer(&mut state, id, 8);
    assert_eq!(seen(&state), Some((8, true)));
    assert_eq!(asked(&state.update(AppEvent::Timeline(crate::timeline::Event::Seek(0)))), None, "it is kept");
    assert_eq!(seen(&state), Some((7, true)));
}

#[test]
fn of_many_steps_that_went_by_the_newest_is_asked_for() {
    let mut state = ready("");
    views(&mut state, Event::Set(vec![ViewKind::XTDecoded]));
    state.update(AppEvent::Generate);
    take_message(&mut state, FromWorker::Started { run: 1, info: info(4, 1) });
    let mut ids = vec![];
    for step in 0..=4 {
        let message = FromWorker::Frame(FrameInfo { run: 1, ..frame(step) });
        let buffers = vec![vec![step as u8; 64], vec![0; 36]];
        ids.extend(asked(&state.update(AppEvent::Worker { message, buffers, now_ms: 0.0 })));
    }
    assert_eq!(ids.len(), 1, "one at a time");
    state.update(AppEvent::Timeline(crate::timeline::Event::Seek(3)));
    let (id, latent) = asked(&answer(&mut state, ids[0].0, 1)).expect("the step in view");
    assert_eq!(latent[0], 3);
    answer(&mut state, id, 9);
    assert_eq!(seen(&state), Some((9, true)));
    assert_eq!(
        asked(&state.update(AppEvent::Timeline(crate::timeline::Event::Seek(4)))),
        None,
        "the last frame is decoded as it is"
    );
}

#[test]
fn a_refusal_is_told_and_not_tried_again_in_a_loop() {
    let mut state = stopped();
    let (id, _) = asked(&views(&mut state, Event::Toggle(ViewKind::XTDecoded))).expect("a question");
    let no_memory = Reason::Device.found("no memory");
    let effects = take_message(&mut state, FromWorker::Answered { id, result: Err(no_memory.clone()) });
    assert_eq!(asked(&effects), None);
    assert_eq!(state.views.scene(&state).map(|scene| scene.sight), Some(Sight::Absent(no_memory.into())));
    let (id, _) =
        asked(&state.update(AppEvent::Timeline(crate::timeline::Event::Seek(0)))).expect("another step is tried");
    for buffers in [vec![], vec![vec![0; 35]], vec![vec![0; 36]; 2]] {
        let mut state = state.clone();
        let result = Ok(Answer::LatentDecoded { image_shape: [3, 3], preview: false });
        state.update(AppEvent::Worker { message: FromWorker::Answered { id, result }, buffers, now_ms: 0.0 });
        assert!(matches!(state.views.scene(&state).map(|scene| scene.sight), Some(Sight::Absent(_))));
    }
}

#[test]
fn a_lost_worker_leaves_no_question_open() {
    let mut state = stopped();
    asked(&views(&mut state, Event::Toggle(ViewKind::XTDecoded))).expect("a question");
    state.update(AppEvent::WorkerLost(Notice::said("it stopped")));
    assert!(
        matches!(state.views.scene(&state).map(|scene| scene.sight), Some(Sight::Absent(_))),
        "there is no decoder"
    );
    state.update(AppEvent::Retry);
    take_message(&mut state, FromWorker::Ready);
    let loaded = crate::update::tests::loaded();
    assert!(asked(&take_message(&mut state, loaded)).is_some(), "asked again as soon as the model is there");
}
