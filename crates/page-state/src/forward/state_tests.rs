use super::*;
use crate::update::tests::{loaded, ready, some_config, take_message};
use crate::{self as app, Choice, DEFAULT_MODEL, Mode, ModelRef, Page, RunState, Visit};
use ditscope_protocol::{Answer, Ask, FromWorker, Reason, ToWorker};

pub const SIDE: usize = 4;
pub const LATENT: usize = 64;

/// On pixels of 4 × 4, one channel: picture and latent are of one size.
fn config() -> ModelConfig {
    some_config(2)
}

fn sheet() -> Pixels {
    // Two classes of three pictures.
    let rgba = (0..2 * SIDE * 3 * SIDE).flat_map(|i| [i as u8, i as u8, i as u8, 255]).collect();
    Pixels { width: 3 * SIDE, height: 2 * SIDE, rgba }
}

/// With the stage shown, and the question that follows.
pub fn with_pictures(query: &str) -> (Page, Vec<Effect>) {
    let mut state = ready(query);
    state.update(app::Event::ConfigFetched(Box::new(config())));
    let look = send(&mut state, Event::Look);
    assert_eq!(look, [Effect::ReadTraining(format!("http://host/folder/assets/models/{DEFAULT_MODEL}/training.png"))]);
    let effects = send(&mut state, Event::SheetRead(Some(sheet())));
    (state, effects)
}

pub fn send(state: &mut Page, event: Event) -> Vec<Effect> {
    state.update(app::Event::Forward(event))
}

/// The only question.
#[track_caller]
pub fn asked(effects: &[Effect]) -> (u32, Ask, Vec<Vec<u8>>) {
    let asks = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::SendWith(ToWorker::Ask { id, ask }, buffers) => Some((*id, ask.clone(), buffers.clone())),
            _ => None,
        })
        .collect::<Vec<_>>();
    let [ask] = asks.as_slice() else { panic!("not one question: {effects:?}") };
    ask.clone()
}

pub fn answer(state: &mut Page, id: u32, answer: Answer, buffers: Vec<Vec<u8>>) -> Vec<Effect> {
    let message = FromWorker::Answered { id, result: Ok(answer) };
    state.update(app::Event::Worker { message, buffers, now_ms: 0.0 })
}

fn refuse(state: &mut Page, id: u32) -> Vec<Effect> {
    take_message(state, FromWorker::Answered { id, result: Err(Reason::Device.found("lost")) })
}

pub const ENCODED: Answer = Answer::Encoded { latent_shape: [1, SIDE, SIDE] };

pub fn noised(state: &mut Page, id: u32, value: u8) -> Vec<Effect> {
    let qsampled =
        Answer::QSampled { latent_shape: [1, SIDE, SIDE], image_shape: [SIDE, SIDE], preview: false, alpha_bar: 0.5 };
    answer(state, id, qsampled, vec![vec![0; LATENT], vec![value; 4 * SIDE * SIDE]])
}

/// Answers everything that is asked; gives the timesteps that were noised to.
pub fn answer_all(state: &mut Page, mut effects: Vec<Effect>) -> Vec<usize> {
    let mut timesteps = vec![];
    while !effects.is_empty() {
        let (id, ask, _) = asked(&effects);
        timesteps.extend(if let Ask::QSample { t, .. } = ask { Some(t) } else { None });
        effects = answer_one(state, id, &ask);
    }
    timesteps
}

/// What follows from the answer to this question.
pub fn answer_one(state: &mut Page, id: u32, ask: &Ask) -> Vec<Effect> {
    match ask {
        Ask::Encode => answer(state, id, ENCODED, vec![vec![1; LATENT]]),
        Ask::DecodeLatent => {
            let decoded = Answer::LatentDecoded { image_shape: [SIDE, SIDE], preview: false };
            answer(state, id, decoded, vec![vec![5; 4 * SIDE * SIDE]])
        }
        Ask::QSample { .. } => noised(state, id, 9),
        Ask::SeeNoise { .. } => super::super::noise::asking::seen(state, id),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_training_picture_of_the_class_comes_first_and_is_encoded_and_noised() {
    let (mut state, effects) = with_pictures("class=1");
    assert_eq!(state.forward.source, Some(Source::Training(3)));
    let (id, ask, buffers) = asked(&effects);
    assert_eq!((ask, buffers[0].len()), (Ask::Encode, 12 * SIDE * SIDE));
    assert!(state.forward.is_busy());
    let effects = answer(&mut state, id, ENCODED, vec![vec![7; LATENT]]);
    let (_, ask, buffers) = asked(&effects);
    assert_eq!((ask, buffers), (Ask::QSample { t: 400, seed: 5 }, vec![vec![7; LATENT]]));
    // The slider first, then the filmstrip, and nothing is left to ask.
    assert_eq!(answer_all(&mut state, effects), [400, 0, 143, 285, 428, 571, 714, 856, 999]);
    assert!(state.forward.reconstruction.is_some() && state.forward.strip.iter().all(Option::is_some));
    assert_eq!(send(&mut state, Event::Look), []);
}

#[test]
fn one_question_at_a_time_and_the_newest_wish_wins() {
    let (mut state, effects) = with_pictures("");
    answer_all(&mut state, effects);
    let (first, ask, _) = asked(&send(&mut state, Event::SetT(100)));
    assert_eq!(ask, Ask::QSample { t: 100, seed: 5 });
    for t in [200, 300, 301] {
        assert_eq!(send(&mut state, Event::SetT(t)), [], "a question is open");
    }
    let effects = noised(&mut state, first, 1);
    assert_eq!(state.forward.noised.as_ref().map(|n| n.t), Some(100), "what came is shown");
    let (second, ask, _) = asked(&effects);
    assert_eq!(ask, Ask::QSample { t: 301, seed: 5 });
    assert_eq!(noised(&mut state, first, 1), [], "an answer that was heard already");
    let effects = noised(&mut state, second, 1);
    assert_eq!(answer_all(&mut state, effects), [0; 0]);
    // A mark of the filmstrip is known.
    let effects = send(&mut state, Event::SetT(428));
    assert_eq!(answer_all(&mut state, effects), [0; 0]);
    assert_eq!(state.forward.noised.as_ref().map(|n| n.t), Some(428));
    // Another seed makes other noise.
    state.update(app::Event::Choose(Choice::Seed(6)));
    let effects = send(&mut state, Event::Look);
    assert_eq!(answer_all(&mut state, effects).len(), 1 + MARKS);
    send(&mut state, Event::SetT(99_999));
    assert_eq!(state.forward.t(&state), 999);
}

#[test]
fn another_picture_makes_open_answers_stale() {
    let (mut state, effects) = with_pictures("");
    let (id, ..) = asked(&effects);
    assert_eq!(send(&mut state, Event::UseTraining(2)), []);
    let effects = answer(&mut state, id, ENCODED, vec![vec![1; LATENT]]);
    assert_eq!(state.forward.latent, None, "it was of the other picture");
    let (_, ask, buffers) = asked(&effects);
    assert_eq!((ask, &buffers[0][..4]), (Ask::Encode, &(8.0f32 / 127.5 - 1.0).to_le_bytes()[..]));
    answer_all(&mut state, effects);
    send(&mut state, Event::UseTraining(6));
    assert_eq!(state.forward.source, Some(Source::Training(2)), "there are six");
}

#[test]
fn a_picture_wished_for_before_the_sheet_is_there_is_used_when_it_is() {
    let mut state = ready("");
    state.update(app::Event::ConfigFetched(Box::new(config())));
    send(&mut state, Event::Look);
    assert_eq!(send(&mut state, Event::UseTraining(4)), []);
    let (_, ask, _) = asked(&send(&mut state, Event::SheetRead(Some(sheet()))));
    assert_eq!((ask, &state.forward.source), (Ask::Encode, &Some(Source::Training(4))));
}

#[test]
fn a_failed_or_odd_answer_is_told_and_not_asked_again_unbidden() {
    let (mut state, effects) = with_pictures("");
    let (id, ..) = asked(&effects);
    assert_eq!(refuse(&mut state, id), []);
    assert!(matches!(&state.forward.note, Some(Note::Failed(Notice::Refused(why))) if why.reason == Reason::Device));
    assert_eq!(send(&mut state, Event::Tick), []);
    let (id, ..) = asked(&send(&mut state, Event::Look));
    assert_eq!(answer(&mut state, id, ENCODED, vec![vec![1; LATENT - 4]]), [], "too short");
    assert_eq!(state.forward.latent, None);
    let (id, ..) = asked(&send(&mut state, Event::Look));
    let effects = answer(&mut state, id, ENCODED, vec![vec![1; LATENT]]);
    let (id, ..) = asked(&effects);
    let answer = Answer::QSampled {
        latent_shape: [1, SIDE, SIDE],
        image_shape: [usize::MAX, 4],
        preview: false,
        alpha_bar: 0.5,
    };
    assert_eq!(super::tests::answer(&mut state, id, answer, vec![vec![1; LATENT], vec![0; 64]]), []);
    assert!(state.forward.latent.is_some() && state.forward.noised.is_none());
}

fn started(steps: usize) -> FromWorker {
    let info = RunInfo { latent_shape: [1, SIDE, SIDE], ..crate::fixtures::info(steps, 1) };
    FromWorker::Started { run: 1, info }
}

#[test]
fn a_run_begins_at_the_step_nearest_to_t() {
    let (mut state, effects) = with_pictures("view=forward&steps=10");
    answer_all(&mut state, effects);
    send(&mut state, Event::SetT(790));
    let effects = state.update(app::Event::Generate);
    let Some(Effect::SendWith(ToWorker::Generate { run: 1, start, settings, .. }, buffers)) = effects.last() else {
        panic!("no run: {effects:?}")
    };
    // Of 999, 888, 777 …
    assert_eq!((*start, settings.num_inference_steps), (Some(StartFrom { step: 2 }), 10));
    assert_eq!(*buffers, [vec![1; LATENT]]);
    assert_eq!(state.forward.result(&state), None, "not before its first frame");
    take_message(&mut state, started(8));
    assert!(state.forward.result(&state).is_some());
    // The film of another run is not this picture's.
    state.update(app::Event::Show(Mode::Denoise));
    state.update(app::Event::Generate);
    assert_eq!(state.forward.result(&state), None);
}

#[test]
fn too_little_noise_leaves_no_step_and_that_is_said() {
    let (mut state, effects) = with_pictures("view=forward&steps=10&sampler=dpm%2B%2B");
    answer_all(&mut state, effects);
    send(&mut state, Event::SetT(3));
    assert!(state.forward.beginning(&state).is_none());
    let effects = state.update(app::Event::Generate);
    assert!(effects.iter().all(|effect| matches!(effect, Effect::ShowAddress(_))), "{effects:?}");
    assert_eq!((&state.forward.note, &state.run.state), (&Some(Note::NoStepLeft), &RunState::Idle));
    send(&mut state, Event::SetT(500));
    assert_eq!(state.forward.note, None);
}

#[test]
fn generate_waits_for_the_latent() {
    let (mut state, effects) = with_pictures("view=forward");
    let (id, ..) = asked(&effects);
    state.update(app::Event::Generate);
    assert_eq!(state.run.state, RunState::Queued);
    let effects = answer(&mut state, id, ENCODED, vec![vec![1; LATENT]]);
    assert!(effects.iter().any(|e| matches!(e, Effect::SendWith(ToWorker::Generate { start: Some(_), .. }, _))));
    // One that cannot be encoded makes nothing wait.
    let (mut state, effects) = with_pictures("view=forward");
    let (id, ..) = asked(&effects);
    state.update(app::Event::Generate);
    refuse(&mut state, id);
    assert_eq!(state.run.state, RunState::Idle);
}

#[test]
fn generate_before_the_model_is_there_waits_for_model_and_latent() {
    let (mut state, _) = Page::new("view=forward", "http://host/folder/", Visit::default());
    take_message(&mut state, FromWorker::Ready);
    state.update(app::Event::ConfigFetched(Box::new(config())));
    send(&mut state, Event::Look);
    assert_eq!(send(&mut state, Event::SheetRead(Some(sheet()))), [], "no model yet");
    state.update(app::Event::Generate);
    take_message(&mut state, loaded());
    assert_eq!(state.run.state, RunState::Queued);
    let (id, ..) = asked(&send(&mut state, Event::Look));
    let effects = answer(&mut state, id, ENCODED, vec![vec![1; LATENT]]);
    assert!(effects.iter().any(|e| matches!(e, Effect::SendWith(ToWorker::Generate { .. }, _))));
}

#[test]
fn the_run_begins_with_the_latent_that_the_stage_shows() {
    let (mut state, effects) = with_pictures("view=forward&steps=10");
    answer_all(&mut state, effects);
    send(&mut state, Event::SetT(500));
    let beginning = state.forward.beginning(&state).expect("a step is left");
    assert_ne!(beginning.t, 500, "no step of the run");
    state.update(app::Event::Generate);
    assert_eq!(state.forward.t(&state), beginning.t);
    assert_eq!(state.forward.beginning(&state), Some(beginning));
}

fn read(state: &mut Page, result: Result<Pixels, Unreadable>) -> Vec<Effect> {
    send(state, Event::Reading);
    let number = state.forward.reading_number();
    send(state, Event::Read(number, "mine.png".into(), result.map(|pixels| (pixels, false))))
}

#[test]
fn a_bad_file_loses_nothing_and_a_good_one_is_used_and_inverted() {
    let (mut state, effects) = with_pictures("");
    answer_all(&mut state, effects);
    let before = state.forward.clone();
    assert_eq!(read(&mut state, Err(Unreadable::Broken)), []);
    assert_eq!(state.forward.note, Some(Note::NotRead("mine.png".into(), Unreadable::Broken)));
    assert_eq!((&state.forward.latent, &state.forward.source), (&before.latent, &before.source));
    let light = Pixels { width: SIDE, height: SIDE, rgba: vec![255; 4 * SIDE * SIDE] };
    let effects = read(&mut state, Ok(light));
    assert!(matches!(&state.forward.source, Some(Source::Own(own)) if own.light_background && !own.inverted));
    answer_all(&mut state, effects);
    let (_, ask, buffers) = asked(&send(&mut state, Event::Invert(true)));
    assert_eq!((ask, &buffers[0][..4]), (Ask::Encode, &(-1.0f32).to_le_bytes()[..]));
    assert_eq!(send(&mut state, Event::Invert(true)), []);
}

#[test]
fn of_two_files_the_later_one_counts() {
    let (mut state, effects) = with_pictures("");
    answer_all(&mut state, effects);
    let picture = || Ok((Pixels { width: SIDE, height: SIDE, rgba: vec![0; 4 * SIDE * SIDE] }, false));
    send(&mut state, Event::Reading);
    let first = state.forward.reading_number();
    send(&mut state, Event::Reading);
    assert_eq!(send(&mut state, Event::Read(first, "first".into(), picture())), []);
    assert!(state.forward.is_busy());
    let second = state.forward.reading_number();
    asked(&send(&mut state, Event::Read(second, "second".into(), picture())));
    assert!(matches!(&state.forward.source, Some(Source::Own(own)) if own.name == "second"));
}

#[test]
fn the_finished_picture_of_a_film_needs_no_encoder() {
    let (mut state, effects) = with_pictures("");
    answer_all(&mut state, effects);
    send(&mut state, Event::UseGenerated);
    assert_eq!(state.forward.note, Some(Note::NothingGenerated));
    assert_eq!(state.forward.source, Some(Source::Training(3)), "the picture stays");
    state.update(app::Event::Generate);
    take_message(&mut state, started(1));
    for step in 0..2 {
        let frame = ditscope_protocol::FrameInfo { image_shape: [3, 3], ..crate::fixtures::frame(step) };
        let latents = (0..16).flat_map(|i| (step as f32 + i as f32).to_le_bytes()).collect();
        let buffers = vec![latents, vec![3; 36]];
        state.update(app::Event::Worker { message: FromWorker::Frame(frame), buffers, now_ms: 0.0 });
    }
    take_message(&mut state, FromWorker::Done { run: 1, total_ms: 1.0 });
    let (_, ask, buffers) = asked(&send(&mut state, Event::UseGenerated));
    assert_eq!(ask, Ask::QSample { t: 400, seed: 5 });
    assert_eq!(buffers[0][..4], 1.0f32.to_le_bytes(), "the finished latent, of the last frame");
}

#[test]
fn another_model_clears_everything() {
    let (mut state, effects) = with_pictures("");
    answer_all(&mut state, effects);
    send(&mut state, Event::SetT(100));
    send(&mut state, Event::Reading);
    let number = state.forward.reading_number();
    state.update(app::Event::UseModel(ModelRef::Shipped("other".into())));
    let Forward { source: None, latent: None, noised: None, question: None, .. } = &*state.forward else {
        panic!("{:?}", state.forward)
    };
    let picture = Pixels { width: SIDE, height: SIDE, rgba: vec![0; 4 * SIDE * SIDE] };
    assert_eq!(send(&mut state, Event::Read(number, "late".into(), Ok((picture, false)))), []);
    assert_eq!(state.forward.source, None, "it was read for the other model");
}

#[test]
fn a_model_without_encoder_says_so() {
    let mut state = ready("");
    let mut config = config();
    // Four channels that nothing decodes are latents.
    config.transformer.in_channels = 4;
    (config.latents.mean, config.latents.std) = (vec![0.0; 4], vec![1.0; 4]);
    assert!(!can_encode(&config));
    state.update(app::Event::ConfigFetched(Box::new(config)));
    send(&mut state, Event::Look);
    send(&mut state, Event::SheetRead(Some(sheet())));
    assert_eq!((state.forward.training(&state), &state.forward.source, &state.forward.note), ((0, 0), &None, &None));
    let picture = Pixels { width: SIDE, height: SIDE, rgba: vec![0; 4 * SIDE * SIDE] };
    assert_eq!(read(&mut state, Ok(picture)), []);
    assert_eq!(state.forward.note, Some(Note::NoEncoder));
}

#[test]
fn a_picture_dissolves_as_fast_as_the_device_can() {
    let (mut state, effects) = with_pictures("");
    answer_all(&mut state, effects);
    let effects = send(&mut state, Event::SetT(999));
    answer_all(&mut state, effects);
    send(&mut state, Event::TogglePlay);
    assert!(state.forward.beat(&state).is_some());
    assert_eq!(state.forward.t(&state), 0, "from the beginning");
    let (id, ask, _) = asked(&send(&mut state, Event::Tick));
    let Ask::QSample { t, .. } = ask else { panic!("{ask:?}") };
    assert!(t > 0);
    assert_eq!(send(&mut state, Event::Tick), [], "not before the answer");
    assert_eq!(state.forward.t(&state), t);
    noised(&mut state, id, 1);
    for _ in 0..2 * BEATS {
        let effects = send(&mut state, Event::Tick);
        answer_all(&mut state, effects);
    }
    assert_eq!((state.forward.t(&state), state.forward.beat(&state)), (999, None));
}

#[test]
fn without_motion_it_goes_from_mark_to_mark() {
    let (mut state, effects) = with_pictures("");
    answer_all(&mut state, effects);
    state.shared.reduced_motion = true;
    let effects = send(&mut state, Event::SetT(150));
    answer_all(&mut state, effects);
    send(&mut state, Event::TogglePlay);
    assert_eq!(state.forward.noised.as_ref().map(|n| n.t), Some(150));
    send(&mut state, Event::Tick);
    assert_eq!(state.forward.t(&state), 285);
    assert_eq!(state.forward.beat(&state), Some(1000));
}

#[test]
fn a_lost_worker_leaves_no_question_open() {
    let (mut state, effects) = with_pictures("");
    asked(&effects);
    state.update(app::Event::WorkerLost(Notice::said("gone")));
    assert_eq!(state.forward.question, None);
    take_message(&mut state, FromWorker::Ready);
    take_message(&mut state, loaded());
    assert_eq!(asked(&send(&mut state, Event::Look)).1, Ask::Encode);
}
