//! A worker that is lost in a run, seen from the whole page.

use crate::fixtures::{frame, info};
use crate::run::Event as RunEvent;
use crate::update::tests::{BASE, loaded, ready, sends_load, take_message};
use crate::{Effect, Event, ModelRef, Notice, Page, RunState, Status};
use ditscope_config::{RunSettings, Savings};
use ditscope_protocol::{FrameInfo, FramePart, FromWorker, Reason, RunInfo, ToWorker};

/// The state that comes beside the frame of a step.
fn state_after(step: usize) -> Vec<u8> {
    vec![step as u8 + 1; 64]
}

fn give_frame(page: &mut Page, step: usize) {
    let FrameInfo { mut parts, .. } = frame(step);
    let mut buffers = vec![vec![0; 64], vec![0; 36]];
    if step < 4 {
        parts.push(FramePart::State);
        buffers.push(state_after(step));
    }
    let message = FromWorker::Frame(FrameInfo { parts, ..frame(step) });
    page.update(Event::Worker { message, buffers, now_ms: 0.0 });
}

fn start(page: &mut Page, savings: Savings) {
    let settings = RunSettings { savings, ..info(4, 1).settings };
    take_message(page, FromWorker::Started { run: 1, info: RunInfo { settings, ..info(4, 1) } });
}

/// A run of four steps with its first two frames.
fn running() -> Page {
    let mut page = ready("");
    page.update(Event::Generate);
    start(&mut page, Savings::default());
    give_frame(&mut page, 0);
    give_frame(&mut page, 1);
    page
}

fn crashed() -> Notice {
    Reason::Crashed.found("unreachable").into()
}

/// All ways in which a page hears of it.
fn losses() -> [Event; 3] {
    let message = |run, why| FromWorker::Failed { run, why };
    let heard = |message| Event::Worker { message, buffers: vec![], now_ms: 0.0 };
    [
        Event::WorkerLost(crashed()),
        heard(message(None, Reason::Crashed.found("unreachable"))),
        heard(message(Some(1), Reason::Device.found("it was lost"))),
    ]
}

/// With what the new worker is asked to go on: the next frame, the buffers, and what comes after it.
fn goes_on(page: &mut Page) -> (Option<usize>, Vec<Vec<u8>>, Vec<Effect>) {
    assert!(sends_load(&take_message(page, FromWorker::Ready)));
    let mut effects = take_message(page, loaded());
    let begins = |effect: &Effect| {
        matches!(effect, Effect::Send(ToWorker::Generate { .. }) | Effect::SendWith(ToWorker::Generate { .. }, _))
    };
    let at = effects.iter().position(begins).expect("a run is asked for");
    let after = effects.split_off(at + 1);
    match effects.pop() {
        Some(Effect::SendWith(ToWorker::Generate { run: 1, resume, .. }, buffers)) => (resume, buffers, after),
        Some(Effect::Send(ToWorker::Generate { run: 1, resume, .. })) => (resume, vec![], after),
        other => panic!("{other:?}"),
    }
}

fn received(page: &Page) -> Option<usize> {
    page.run.film.as_ref().map(|film| film.received())
}

#[test]
fn a_new_worker_goes_on_with_the_next_frame_and_the_second_loss_is_the_end() {
    for (first, second) in losses().into_iter().zip(losses().into_iter().rev()) {
        let mut page = running();
        // What is set now is for the next run.
        page.update(Event::Choose(crate::Choice::Seed(99)));
        assert_eq!(page.update(first), [Effect::StartWorker]);
        assert_eq!((page.status(), received(&page)), (Status::Mending, Some(2)));
        assert!(page.failure().is_none());
        assert!(matches!(page.notices.last(), Some(Notice::GoesOn { step: 2, is_whole: false, .. })));
        assert_eq!(goes_on(&mut page), (Some(2), vec![state_after(1)], vec![]));
        start(&mut page, Savings::default());
        give_frame(&mut page, 2);
        assert_eq!((page.status(), received(&page)), (Status::Generating, Some(3)));

        assert!(!page.update(second).contains(&Effect::StartWorker));
        assert!(page.failure().is_some_and(|failure| failure.message != Notice::Stopped), "it says why");
        assert!(matches!(page.run.state, RunState::Failed(_)));
        assert_eq!(received(&page), Some(3), "what was made stays");
    }
}

#[test]
fn a_run_that_went_on_comes_to_its_end_and_the_next_one_may_lose_a_worker_again() {
    let mut page = running();
    page.update(Event::WorkerLost(crashed()));
    goes_on(&mut page);
    start(&mut page, Savings::default());
    (2..=4).for_each(|step| give_frame(&mut page, step));
    take_message(&mut page, FromWorker::Done { run: 1, total_ms: 5.0 });
    assert_eq!((page.status(), received(&page)), (Status::Done { total_ms: 5.0 }, Some(5)));
    page.update(Event::Generate);
    assert_eq!(page.update(Event::WorkerLost(crashed())), [Effect::StartWorker]);
}

#[test]
fn without_a_frame_the_run_begins_again() {
    for has_begun in [false, true] {
        let mut page = ready("");
        page.update(Event::Generate);
        if has_begun {
            start(&mut page, Savings::default());
        }
        page.update(Event::WorkerLost(crashed()));
        assert_eq!(goes_on(&mut page), (None, vec![], vec![]));
        start(&mut page, Savings::default());
        give_frame(&mut page, 0);
        assert_eq!(received(&page), Some(1));
    }
}

#[test]
fn a_run_that_was_held_is_held_again() {
    let mut page = running();
    page.update(Event::Run(RunEvent::ToggleHold));
    take_message(&mut page, FromWorker::Paused { run: 1, step: 2 });
    page.update(Event::WorkerLost(crashed()));
    assert_eq!(goes_on(&mut page).2, [Effect::Send(ToWorker::Pause)]);
    start(&mut page, Savings::default());
    take_message(&mut page, FromWorker::Paused { run: 1, step: 2 });
    assert_eq!(page.status(), Status::Held(2));
}

#[test]
fn with_reuse_of_blocks_the_visitor_is_told_what_is_computed_whole() {
    let mut page = ready("");
    page.update(Event::Generate);
    start(&mut page, Savings { cache_interval: 2, ..Savings::default() });
    give_frame(&mut page, 0);
    page.update(Event::WorkerLost(crashed()));
    assert!(matches!(page.notices.last(), Some(Notice::GoesOn { step: 1, is_whole: true, .. })));
}

/// The film's frames may be thinned, the newest state is always there, and the last frame needs none.
#[test]
fn the_newest_state_is_kept_and_no_other() {
    let mut page = running();
    let kept = |page: &Page| page.run.film.as_ref().map(|film| film.state.to_vec());
    assert_eq!(kept(&page), Some(vec![state_after(1)]));
    (2..=4).for_each(|step| give_frame(&mut page, step));
    assert_eq!(kept(&page), Some(vec![]));
}

#[test]
fn a_model_that_does_not_come_again_is_a_failure_of_the_run() {
    for end in [
        Event::WorkerLost(Notice::WorkerScript),
        Event::Worker {
            message: FromWorker::Failed { run: None, why: Reason::NotRead.of("a file", "no network", "") },
            buffers: vec![],
            now_ms: 0.0,
        },
    ] {
        let mut page = running();
        page.update(Event::WorkerLost(crashed()));
        take_message(&mut page, FromWorker::Ready);
        page.update(end);
        assert!(matches!(page.run.state, RunState::Failed(_)));
        assert_eq!((page.status(), received(&page)), (Status::ModelFailed, Some(2)));
        let again = page.update(Event::Retry);
        assert!(again == [Effect::StartWorker] || sends_load(&again), "{again:?}");
        assert_eq!(page.status(), Status::Queued, "the run begins anew");
    }
}

#[test]
fn what_the_visitor_does_meanwhile_counts() {
    // A new run is begun in place of the old one.
    let mut page = running();
    page.update(Event::WorkerLost(crashed()));
    page.update(Event::Generate);
    assert_eq!(page.status(), Status::Queued);
    take_message(&mut page, FromWorker::Ready);
    let begun = take_message(&mut page, loaded());
    assert!(begun.iter().any(|e| matches!(e, Effect::Send(ToWorker::Generate { run: 2, resume: None, .. }))));

    // It is cancelled, or another model is chosen: nothing goes on.
    for meanwhile in [Event::Run(RunEvent::Cancel), Event::UseModel(ModelRef::Shipped("other".into()))] {
        let mut page = running();
        page.update(Event::WorkerLost(crashed()));
        page.update(meanwhile);
        take_message(&mut page, FromWorker::Ready);
        let effects = take_message(&mut page, loaded());
        let begins = |effect: &Effect| format!("{effect:?}").contains("Generate");
        assert!(!effects.iter().any(begins), "{effects:?}");
        assert_eq!(received(&page), Some(2));
    }
}

#[test]
fn a_worker_that_is_lost_beside_a_run_or_while_it_is_cancelled_is_a_failure_as_ever() {
    let mut page = ready("");
    page.update(Event::WorkerLost(crashed()));
    assert_eq!(page.status(), Status::ModelFailed);
    let mut page = running();
    page.update(Event::Run(RunEvent::Cancel));
    assert_eq!(page.update(Event::WorkerLost(crashed())), []);
    assert_eq!(page.status(), Status::ModelFailed);
    let (page, _) = Page::new("", BASE, crate::Visit::default());
    assert_eq!(page.status(), Status::Loading);
}
