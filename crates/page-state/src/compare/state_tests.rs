//! Comparisons from plan to end, without a browser.

use super::*;
use crate::ModelRef;
use crate::Notice;
use crate::compare;
use crate::compare::comparison::{Made, strip};
use crate::fixtures as films;
use crate::update::tests::{ready, some_config, take_message};
use crate::{Choice, Event as PageEvent};
use crate::{Effect, Page};
use ditscope_protocol::{FrameInfo, FromWorker, Reason, RunInfo, ToWorker};

/// What the worker is asked for: run, steps, sampler, guidance scales.
type Asked = (u32, usize, SamplerKind, Vec<f64>);

fn asked(effects: &[Effect]) -> Option<Asked> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(ToWorker::Generate { run, settings, guidance_scales, .. }) => {
            assert_eq!(settings.num_images, 1);
            Some((*run, settings.num_inference_steps, settings.sampler, guidance_scales.clone()))
        }
        _ => None,
    })
}

fn event(state: &mut Page, event: Event) -> Vec<Effect> {
    state.update(PageEvent::Compare(event))
}

/// In Compare mode, comparing `what`.
fn comparing(what: What) -> Page {
    let mut state = ready("view=compare&steps=4");
    event(&mut state, Event::Set(what));
    state
}

fn start(state: &mut Page, run: u32, steps: usize, scales: &[f64]) {
    let info = RunInfo { guidance_scales: scales.to_vec(), ..films::info(steps, scales.len()) };
    take_message(state, FromWorker::Started { run, info });
}

/// Frames `from` to `to` of a run with `n` pictures, whose pixels are `10 · run + picture`.
fn frames(state: &mut Page, run: u32, range: std::ops::RangeInclusive<usize>, n: usize) {
    for step in range {
        let message = FromWorker::Frame(FrameInfo { run, ..films::frame(step) });
        let pixels = (0..n).flat_map(|i| vec![10 * run as u8 + i as u8; 36]).collect();
        state.update(PageEvent::Worker { message, buffers: vec![vec![0; 64 * n], pixels], now_ms: 0.0 });
    }
}

/// A whole run.
fn run(state: &mut Page, number: u32, steps: usize) -> Vec<Effect> {
    start(state, number, steps, &[4.0]);
    frames(state, number, 0..=steps, 1);
    take_message(state, FromWorker::Done { run: number, total_ms: 100.0 })
}

fn made(state: &Page) -> Vec<Made> {
    (0..state.compare.columns(state)).filter_map(|i| state.compare.column(state, i)).map(|column| column.made).collect()
}

fn steps_of(state: &Page) -> Vec<usize> {
    (0..state.compare.columns(state)).filter_map(|i| state.compare.column(state, i)).map(|column| column.step).collect()
}

#[test]
fn guidance_scales_are_one_run_with_a_picture_for_each() {
    let mut state = comparing(What::Guidance(vec![7.0, 1.0, 3.0]));
    let (number, steps, _, scales) = asked(&state.update(PageEvent::Generate)).expect("a run is asked for");
    assert_eq!((number, steps, scales.as_slice()), (1, 4, &[1.0, 3.0, 7.0][..]));
    assert_eq!((made(&state), state.compare.run(&state)), (vec![Made::Running; 3], None));
    start(&mut state, 1, 4, &scales);
    frames(&mut state, 1, 0..=4, 3);
    let effects = take_message(&mut state, FromWorker::Done { run: 1, total_ms: 900.0 });
    assert_eq!((asked(&effects), &state.run.state), (None, &RunState::Done { total_ms: 900.0 }));
    assert_eq!(state.timeline.selected, 1, "the scale of the settings is 4");
    let columns: Vec<Column> = (0..3).filter_map(|i| state.compare.column(&state, i)).collect();
    assert!(columns.iter().all(|column| (column.made, column.step, column.total_ms) == (Made::Done, 4, None)));
    assert_eq!(columns.iter().map(|column| column.picture).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(columns.iter().map(|column| column.distance).collect::<Vec<_>>(), [Some(0.0), Some(1.0), Some(2.0)]);
    assert_eq!(state.compare.comparison(&state).and_then(Comparison::time), Some((900.0, 40.0)));
    assert_eq!(state.compare.column(&state, 3), None);
}

#[test]
fn samplers_run_one_after_the_other() {
    let mut state = comparing(What::Samplers);
    assert_eq!(asked(&state.update(PageEvent::Generate)), Some((1, 4, SamplerKind::Ddim, vec![])));
    assert_eq!(made(&state), [Made::Running, Made::Waiting, Made::Waiting, Made::Waiting]);
    assert_eq!(state.compare.run(&state), Some((1, 4)));
    // What is set meanwhile is the next comparison's business.
    state.update(PageEvent::Choose(Choice::Steps(9)));
    assert_eq!(asked(&run(&mut state, 1, 4)), Some((2, 4, SamplerKind::Ddpm, vec![])));
    assert_eq!(made(&state), [Made::Done, Made::Running, Made::Waiting, Made::Waiting]);
    assert!((state.compare.share_of_all(&state, 0.5) - 0.375).abs() < 1e-9);
    assert_eq!(asked(&run(&mut state, 2, 4)).map(|asked| asked.2), Some(SamplerKind::DpmSolverPlusPlus));
    assert_eq!(asked(&run(&mut state, 3, 4)).map(|asked| asked.2), Some(SamplerKind::UniPc));
    assert_eq!(asked(&run(&mut state, 4, 4)), None);
    assert_eq!((made(&state), &state.run.state), (vec![Made::Done; 4], &RunState::Done { total_ms: 400.0 }));
    let distances: Vec<_> = (0..4).filter_map(|i| state.compare.column(&state, i)?.distance).collect();
    assert_eq!(distances, [0.0, 10.0, 20.0, 30.0]);
    assert_eq!(
        state.compare.column(&state, 1).map(|column| (column.total_ms, column.ms_per_step)),
        Some((Some(100.0), Some(40.0)))
    );
    // The last film stays for the other modes.
    state.update(PageEvent::Show(Mode::Denoise));
    assert_eq!(state.shown().and_then(|film| film.at(4)).map(|frame| frame.x0[0]), Some(40));
}

#[test]
fn unlike_numbers_of_steps_are_aligned_by_their_share() {
    let mut state = comparing(What::Steps(vec![2, 8, 4]));
    state.update(PageEvent::Generate);
    run(&mut state, 1, 2);
    assert_eq!(state.shown().map(Film::steps), Some(2));
    run(&mut state, 2, 4);
    start(&mut state, 3, 8, &[4.0]);
    frames(&mut state, 3, 0..=3, 1);
    assert_eq!((state.timeline.position, steps_of(&state)), (3, vec![0, 1, 3]), "all go along with the one under way");
    frames(&mut state, 3, 4..=8, 1);
    take_message(&mut state, FromWorker::Done { run: 3, total_ms: 100.0 });
    assert_eq!(steps_of(&state), [2, 4, 8]);
    for (position, steps) in [(0, [0, 0, 0]), (3, [0, 1, 3]), (4, [1, 2, 4]), (7, [1, 3, 7])] {
        state.update(PageEvent::Timeline(crate::timeline::Event::Seek(position)));
        assert_eq!(steps_of(&state), steps);
    }
    event(&mut state, Event::Seek { column: 0, step: 1 });
    assert_eq!((state.timeline.position, steps_of(&state)), (4, vec![1, 2, 4]));
    event(&mut state, Event::Seek { column: 1, step: 3 });
    assert_eq!(steps_of(&state)[1], 3);
    assert_eq!(
        state.compare.column(&state, 2).map(|column| column.distance),
        Some(Some(0.0)),
        "most steps are the reference"
    );
}

#[test]
fn who_looks_at_the_first_runs_is_left_alone() {
    let mut state = comparing(What::Steps(vec![2, 4]));
    state.update(PageEvent::Generate);
    run(&mut state, 1, 2);
    state.update(PageEvent::Timeline(crate::timeline::Event::Seek(1)));
    start(&mut state, 2, 4, &[4.0]);
    frames(&mut state, 2, 0..=1, 1);
    assert_eq!((state.timeline.position, state.shown().map(Film::steps)), (1, Some(2)));
    assert_eq!(steps_of(&state), [1, 1], "the newest frame, where there is no later one");
    state.update(PageEvent::Timeline(crate::timeline::Event::SeekNewest));
    frames(&mut state, 2, 2..=2, 1);
    assert_eq!((state.timeline.position, state.shown().map(Film::steps)), (2, Some(4)));
    state.update(PageEvent::Timeline(crate::timeline::Event::Seek(1)));
    frames(&mut state, 2, 3..=4, 1);
    take_message(&mut state, FromWorker::Done { run: 2, total_ms: 1.0 });
    assert_eq!((state.timeline.position, state.shown().map(Film::steps)), (1, Some(4)));
}

#[test]
fn cancel_ends_the_whole_comparison_and_keeps_what_was_made() {
    let mut state = comparing(What::Steps(vec![2, 4, 8]));
    state.update(PageEvent::Generate);
    run(&mut state, 1, 2);
    start(&mut state, 2, 4, &[4.0]);
    frames(&mut state, 2, 0..=1, 1);
    assert_eq!(state.update(PageEvent::Run(crate::run::Event::Cancel)), [Effect::Send(ToWorker::Cancel)]);
    take_message(&mut state, FromWorker::Cancelled { run: 2 });
    assert_eq!((made(&state), &state.run.state), (vec![Made::Done, Made::Stopped, Made::Not], &RunState::Cancelled));
    assert_eq!(state.shown().map(Film::steps), Some(2), "what is complete can be looked at to its end");
    state.update(PageEvent::Timeline(crate::timeline::Event::Seek(2)));
    assert_eq!(steps_of(&state), [2, 1, 0]);
    assert!(asked(&state.update(PageEvent::Generate)).is_some_and(|asked| asked.0 == 3), "a new comparison begins");
    assert_eq!(made(&state), [Made::Running, Made::Waiting, Made::Waiting]);
}

#[test]
fn a_run_that_ends_while_it_is_cancelled_is_the_last() {
    let mut state = comparing(What::Steps(vec![2, 4]));
    state.update(PageEvent::Generate);
    start(&mut state, 1, 2, &[4.0]);
    state.update(PageEvent::Run(crate::run::Event::Cancel));
    frames(&mut state, 1, 0..=2, 1);
    assert_eq!(asked(&take_message(&mut state, FromWorker::Done { run: 1, total_ms: 1.0 })), None);
    assert_eq!((made(&state), &state.run.state), (vec![Made::Done, Made::Not], &RunState::Cancelled));
}

#[test]
fn a_failure_ends_the_whole_comparison_and_keeps_what_was_made() {
    let failed = |run| FromWorker::Failed { run, why: Reason::Device.found("lost") };
    for end in [Some(failed(Some(2))), Some(failed(None)), None] {
        let mut state = comparing(What::Steps(vec![2, 4, 8]));
        state.update(PageEvent::Generate);
        run(&mut state, 1, 2);
        start(&mut state, 2, 4, &[4.0]);
        frames(&mut state, 2, 0..=1, 1);
        match end {
            Some(message) => drop(take_message(&mut state, message)),
            None => drop(state.update(PageEvent::WorkerLost(Notice::said("gone")))),
        }
        assert!(matches!(state.run.state, RunState::Failed(_)));
        assert_eq!(made(&state), [Made::Done, Made::Stopped, Made::Not]);
        assert_eq!(state.shown().map(Film::steps), Some(2));
    }
}

#[test]
fn another_model_or_run_ends_the_comparison() {
    for replaced in [PageEvent::UseModel(ModelRef::Shipped("other".into())), PageEvent::Generate] {
        let mut state = comparing(What::Samplers);
        state.update(PageEvent::Generate);
        run(&mut state, 1, 4);
        start(&mut state, 2, 4, &[4.0]);
        frames(&mut state, 2, 0..=1, 1);
        state.update(PageEvent::Show(Mode::Denoise));
        state.update(replaced);
        frames(&mut state, 2, 2..=4, 1);
        assert_eq!(asked(&take_message(&mut state, FromWorker::Done { run: 2, total_ms: 1.0 })), None);
        state.update(PageEvent::Show(Mode::Compare));
        assert_eq!(made(&state), [Made::Done, Made::Stopped, Made::Not, Made::Not]);
    }
}

#[test]
fn each_kind_keeps_what_was_made_and_what_was_set() {
    let mut state = comparing(What::Steps(vec![2, 4]));
    state.update(PageEvent::Generate);
    run(&mut state, 1, 2);
    run(&mut state, 2, 4);
    state.update(PageEvent::Timeline(crate::timeline::Event::Seek(2)));
    event(&mut state, Event::Show(Axis::Guidance));
    assert_eq!((state.shown(), state.compare.columns(&state), made(&state)), (None, 5, vec![Made::Not; 5]));
    assert!(!state.query().contains("compare="), "the usual scales are the model's");
    state.update(PageEvent::ConfigFetched(Box::new(some_config(2))));
    assert_eq!(compare::what(&state), What::Guidance(vec![1.0, 2.0, 3.0, 6.5, 10.0]), "its own is 3");
    event(&mut state, Event::Remove(0));
    event(&mut state, Event::Number(1, 1.0));
    event(&mut state, Event::Number(0, 6.5));
    assert_eq!(compare::what(&state), What::Guidance(vec![1.0, 2.0, 6.5, 10.0]));
    event(&mut state, Event::Add);
    assert!(state.query().contains("&compare=guidance:1,2,4.3,6.5,10"), "{}", state.query());
    event(&mut state, Event::Show(Axis::Samplers));
    event(&mut state, Event::Toggle(SamplerKind::Ddpm));
    event(&mut state, Event::Toggle(SamplerKind::UniPc));
    event(&mut state, Event::Toggle(SamplerKind::Ddim));
    assert_eq!(compare::what(&state).samplers(), [SamplerKind::Ddim, SamplerKind::DpmSolverPlusPlus], "two stay");
    event(&mut state, Event::Toggle(SamplerKind::Ddpm));
    event(&mut state, Event::Toggle(SamplerKind::UniPc));
    assert_eq!(compare::what(&state), What::Samplers);
    event(&mut state, Event::Show(Axis::Steps));
    assert_eq!((compare::what(&state), state.timeline.position), (What::Steps(vec![2, 4]), 2));
    assert_eq!((made(&state), state.compare.is_set_otherwise(&state)), (vec![Made::Done; 2], false));
    event(&mut state, Event::Number(0, 3.0));
    assert!(state.compare.is_set_otherwise(&state) && state.compare.columns(&state) == 2);
}

#[test]
fn nothing_that_comes_or_is_pressed_too_early_or_too_late_is_trusted() {
    let mut state = comparing(What::Steps(vec![2, 4]));
    for effects in [
        event(&mut state, Event::Set(What::Steps(vec![9]))),
        event(&mut state, Event::Number(7, f64::NAN)),
        event(&mut state, Event::Remove(9)),
        event(&mut state, Event::Toggle(SamplerKind::Ddim)),
        event(&mut state, Event::Seek { column: 9, step: 3 }),
    ] {
        assert_eq!(effects, []);
    }
    assert_eq!((compare::what(&state), state.compare.largest_difference(&state)), (What::Steps(vec![2, 4]), 0.0));
    state.update(PageEvent::Generate);
    // A run with fewer pictures than there are columns.
    event(&mut state, Event::Show(Axis::Guidance));
    state.update(PageEvent::Generate);
    start(&mut state, 2, 4, &[1.0]);
    frames(&mut state, 2, 0..=4, 1);
    take_message(&mut state, FromWorker::Done { run: 2, total_ms: 1.0 });
    assert_eq!(state.compare.column(&state, 4).and_then(|column| column.distance), None);
}

#[test]
fn strips_have_both_ends() {
    assert_eq!(strip(30, 8), [0, 4, 9, 13, 17, 21, 26, 30]);
    assert_eq!(strip(1, 8), [0, 1]);
    assert_eq!(strip(3, 8), [0, 1, 2, 3]);
}

#[test]
fn a_recorded_comparison_is_shown_until_one_is_made() {
    let wish = Effect::FetchComparison(ModelRef::of_tour());
    let mut state = ready(&format!("model={}", crate::TOUR_MODEL));
    assert!(state.update(PageEvent::Show(Mode::Compare)).contains(&wish));
    let mut film = crate::fixtures::film(2, 2, 3);
    film.info = std::sync::Arc::new(RunInfo { guidance_scales: vec![1.0, 2.0], ..(*film.info).clone() });
    film.recorded = true;
    state.update(PageEvent::ComparisonFetched(Box::new(film.clone())));
    assert_eq!(made(&state), [Made::Done, Made::Done]);
    assert!(state.shown().is_some_and(|film| film.recorded));
    state.update(PageEvent::Show(Mode::Denoise));
    assert!(!state.update(PageEvent::Show(Mode::Compare)).contains(&wish), "it is there");
    state.update(PageEvent::Generate);
    assert!(state.shown().is_none(), "the visitor's own is on its way");
    state.update(PageEvent::ComparisonFetched(Box::new(film)));
    assert!(state.shown().is_none(), "and it is not replaced");
    // There is one of one model alone.
    let effects = ready("").update(PageEvent::Show(Mode::Compare));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::FetchComparison(_))));
    // A link shows nothing else than what it says.
    let mut state = ready(&format!("model={}&compare=guidance:1,3", crate::TOUR_MODEL));
    assert!(!state.update(PageEvent::Show(Mode::Compare)).contains(&wish));
}
