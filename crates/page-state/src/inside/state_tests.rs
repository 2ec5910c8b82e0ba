//! What is asked when, and what the answers lead to.

use super::*;
use crate::fixtures::{frame, info};
use crate::floats::bytes;
use crate::inside::trace::tests::traced;
use crate::update::tests::{loaded, ready, running, some_config, take_message};
use crate::{Effect, Page};
use crate::{Event as PageEvent, RunState};
use ditscope_config::ModelConfig;
use ditscope_protocol::{Answer, FromWorker, Reason, Refusal, ToWorker};

/// A model with three blocks whose latents are those of the films in tests.
fn config() -> ModelConfig {
    let mut config = some_config(10);
    let dit = &mut config.transformer;
    (dit.in_channels, dit.sample_size, dit.depth) = (4, 2.into(), 3);
    config.latents.mean = vec![0.0; 4];
    config.latents.std = vec![1.0; 4];
    config
}

/// A run of two steps that is done, and the stage shows the inside of its first step.
fn looking() -> (Page, Vec<Effect>) {
    let mut state = running();
    state.shared.models.config = Some(config());
    let message = FromWorker::Frame(ditscope_protocol::FrameInfo { run: 1, ..frame(2) });
    state.update(PageEvent::Worker { message, buffers: vec![vec![0; 64], vec![0; 36]], now_ms: 0.0 });
    take_message(&mut state, FromWorker::Done { run: 1, total_ms: 9.0 });
    assert!(matches!(state.run.state, RunState::Done { .. }));
    state.update(PageEvent::Timeline(crate::timeline::Event::Seek(0)));
    let effects = state.update(PageEvent::Show(Mode::Inside));
    (state, effects)
}

fn asked(effects: &[Effect]) -> Vec<(u32, Ask)> {
    let ask = |effect: &Effect| match effect {
        Effect::SendWith(ToWorker::Ask { id, ask }, _) => Some((*id, ask.clone())),
        _ => None,
    };
    effects.iter().filter_map(ask).collect()
}

fn answer(state: &mut Page, id: u32, result: Result<Answer, Refusal>, buffers: Vec<Vec<u8>>) -> Vec<Effect> {
    state.update(PageEvent::Worker { message: FromWorker::Answered { id, result }, buffers, now_ms: 0.0 })
}

fn inside(event: Event) -> PageEvent {
    PageEvent::Inside(event)
}

#[test]
fn nothing_is_asked_while_the_stage_shows_something_else() {
    let mut state = running();
    state.shared.models.config = Some(config());
    for event in [
        PageEvent::Timeline(crate::timeline::Event::Seek(0)),
        inside(Event::Block(2)),
        inside(Event::Panel(Panel::Modulation)),
    ] {
        assert_eq!(asked(&state.update(event)), []);
    }
}

#[test]
fn the_step_on_the_timeline_is_asked_for() {
    let (_, effects) = looking();
    let [(_, ask)] = &asked(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(*ask, Ask::Trace { t: 10, class: Some(info(2, 1).settings.class), block: 1 });
    let sent = effects.iter().find_map(|effect| match effect {
        Effect::SendWith(_, buffers) => Some(buffers[0].len()),
        _ => None,
    });
    assert_eq!(sent, Some(64), "x_t of one picture");
}

#[test]
fn of_many_places_only_the_newest_is_asked_for() {
    let (mut state, effects) = looking();
    let (first, _) = asked(&effects)[0];
    assert_eq!(
        asked(&state.update(PageEvent::Timeline(crate::timeline::Event::Seek(1)))),
        [],
        "one question at a time"
    );
    assert_eq!(asked(&state.update(inside(Event::Block(0)))), []);
    assert_eq!(asked(&state.update(inside(Event::WithoutClass(true)))), []);
    let (traced, buffers) = traced();
    let next = asked(&answer(&mut state, first, Ok(traced.clone()), buffers.clone()));
    assert!(matches!(state.inside.trace(&state), Some(Ok(_))), "what came is shown until the next");
    assert_eq!(next.iter().map(|(_, ask)| ask).collect::<Vec<_>>(), [&Ask::Trace { t: 0, class: None, block: 0 }]);
    assert_eq!(asked(&answer(&mut state, next[0].0, Ok(traced), buffers)), [], "all is known");
    assert_eq!(asked(&state.update(PageEvent::Timeline(crate::timeline::Event::Tick))), []);
    let again = asked(&state.update(PageEvent::Timeline(crate::timeline::Event::Seek(2))));
    assert_eq!(again, [], "after the last step the model looks no more: what is shown is step 1 still");
}

#[test]
fn a_failure_is_said_and_not_asked_again_by_itself() {
    let (mut state, effects) = looking();
    let (id, _) = asked(&effects)[0];
    assert_eq!(asked(&answer(&mut state, id, Err(Reason::NoAdaLn.into()), vec![])), []);
    assert_eq!(state.inside.trace(&state), Some(Err(Notice::Refused(Reason::NoAdaLn.into()))));
    let again = asked(&state.update(inside(Event::Again)));
    assert_eq!(again.len(), 1);
    let (traced, mut buffers) = traced();
    buffers[0].truncate(8);
    answer(&mut state, again[0].0, Ok(traced), buffers);
    assert!(matches!(state.inside.trace(&state), Some(Err(_))), "a damaged answer is said, too");
}

#[test]
fn rows_that_do_not_sum_to_one_are_said() {
    let (mut state, effects) = looking();
    let (traced, mut buffers) = traced();
    buffers[0] = bytes(&[0.5; 8].map(|share: f32| share * 1.1));
    answer(&mut state, asked(&effects)[0].0, Ok(traced), buffers);
    assert!(matches!(state.inside.trace(&state), Some(Err(Notice::TraceRows { sum, .. })) if (sum - 1.1).abs() < 0.01));
}

#[test]
fn the_condition_is_asked_for_once_a_run() {
    let (mut state, effects) = looking();
    let (trace, _) = asked(&effects)[0];
    let asks = asked(&state.update(inside(Event::Panel(Panel::Modulation))));
    let class = Some(info(2, 1).settings.class);
    assert_eq!(asks.len(), 1, "beside the other kind");
    assert_eq!(asks[0].1, Ask::Modulation { class, timesteps: vec![10, 0] });
    let modulated = Answer::Modulated { timesteps: 2, depth: 3 };
    assert_eq!(asked(&answer(&mut state, asks[0].0, Ok(modulated), vec![bytes(&[0.5; 36])])), []);
    assert!(matches!(state.inside.modulation(&state), Some(Ok(_))));
    assert_eq!(
        asked(&state.update(PageEvent::Timeline(crate::timeline::Event::Seek(1)))),
        [],
        "it is that of all steps"
    );
    let (traced, buffers) = traced();
    answer(&mut state, trace, Ok(traced), buffers);
    assert!(matches!(state.inside.trace(&state), Some(Ok(_))), "the other answer finds its way");
    let without = asked(&state.update(inside(Event::WithoutClass(true))));
    assert_eq!(without[0].1, Ask::Modulation { class: None, timesteps: vec![10, 0] });
}

#[test]
fn leaving_forgets() {
    let (mut state, effects) = looking();
    let (traced, buffers) = traced();
    answer(&mut state, asked(&effects)[0].0, Ok(traced.clone()), buffers.clone());
    state.update(PageEvent::Show(Mode::Denoise));
    assert_eq!(state.inside.trace(&state), None);
    let (late, _) = asked(&state.update(PageEvent::Show(Mode::Inside)))[0];
    state.update(PageEvent::Show(Mode::Denoise));
    answer(&mut state, late, Ok(traced), buffers);
    assert_eq!(state.inside.trace(&state), None, "a late answer is dropped");
}

#[test]
fn a_lost_worker_is_no_question_under_way() {
    let (mut state, _) = looking();
    state.update(PageEvent::WorkerLost(Notice::said("Gone.")));
    assert!(state.inside.obstacle(&state).is_some());
    state.update(PageEvent::Retry);
    take_message(&mut state, FromWorker::Ready);
    assert_eq!(asked(&take_message(&mut state, loaded())).len(), 1, "the new one is asked");
}

#[test]
fn there_are_words_for_what_cannot_be_looked_into() {
    let mut state = ready("view=inside");
    let no_film = state.inside.obstacle(&state);
    state.update(PageEvent::Generate);
    let first_step = state.inside.obstacle(&state);
    assert!(no_film.is_some() && first_step.is_some() && no_film != first_step);
    let (mut state, _) = looking();
    assert_eq!(state.inside.obstacle(&state), None);
    state.shared.models.config.as_mut().expect("a config").transformer.sample_size = 8.into();
    assert!(state.inside.obstacle(&state).is_some(), "a run of another shape");
    let (mut state, _) = looking();
    state.shared.run.film_model = Some(crate::model_ref::ModelRef::Folder("other".into()));
    assert!(state.inside.obstacle(&state).is_some(), "a run of another model");
}

#[test]
fn blocks_are_counted_within_the_model() {
    let (mut state, _) = looking();
    assert_eq!(state.inside.block(&state), 1, "the middle one");
    state.update(inside(Event::Block(99)));
    assert_eq!(state.inside.block(&state), 2);
}
