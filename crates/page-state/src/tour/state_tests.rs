//! The tour brings the page where a chapter wants it, and only then.

use super::super::Progress;
use super::super::book::tests::{book, files};
use super::super::drive;
use super::*;
use crate::Mode;
use crate::ModelRef;
use crate::stage::Content;
use crate::update::tests::{BASE, generate_of, loaded, ready, take_message};
use crate::{Choice, Event as PageEvent, Pace, Page, RunState, Visit};
use ditscope_protocol::{FrameInfo, FramePart, FromWorker, RunInfo, ToWorker};

fn tell(state: &mut Page, event: Event) -> Vec<Effect> {
    state.update(PageEvent::Tour(event))
}

/// The tour's files arrive.
fn fetched(state: &mut Page) -> Vec<Effect> {
    tell(state, Event::Fetched(Language::English, Ok(Arc::new(book(Language::English)))))
}

fn started(state: &mut Page) -> Vec<Effect> {
    tell(state, Event::Started { language: Language::English, depth: None })
}

/// The page with a model and with the tour open at a chapter; the effects are those of the chapter.
fn at_chapter(id: &str) -> (Page, Vec<Effect>) {
    let mut state = ready(&format!("tour={id}"));
    assert_eq!(started(&mut state), [Effect::FetchTour(Language::English)]);
    let effects = fetched(&mut state);
    (state, effects)
}

/// The description of the run that was asked for last.
fn info(effects: &[Effect]) -> (u32, RunInfo) {
    let (run, settings) = generate_of(effects).expect("a run is asked for");
    let steps = settings.num_inference_steps;
    let info = RunInfo {
        num_images: settings.num_images,
        latent_shape: [1, 4, 4],
        image_shape: [3, 3],
        timesteps: (0..steps).rev().collect(),
        alpha_bar: vec![0.5; steps],
        steps_skipped: 0,
        guidance_scales: vec![settings.guidance_scale; settings.num_images],
        guidance_channels: 1,
        settings,
    };
    (run, info)
}

fn frames(state: &mut Page, run: u32, steps: std::ops::RangeInclusive<usize>) {
    let pictures = state.run.film.as_ref().map_or(1, |film| film.info.num_images);
    for step in steps {
        let parts = vec![FramePart::XT, FramePart::Pictures];
        let frame = FrameInfo { run, step, ms: 1.0, image_shape: [3, 3], preview: false, parts };
        let buffers = vec![vec![0; 64 * pictures], vec![0; 36 * pictures]];
        state.update(PageEvent::Worker { message: FromWorker::Frame(frame), buffers, now_ms: 0.0 });
    }
}

/// The whole run that was asked for.
/// A run, and the others of its comparison.
fn run_to_its_end(state: &mut Page, effects: &[Effect]) {
    let (run, info) = info(effects);
    let steps = info.settings.num_inference_steps;
    take_message(state, FromWorker::Started { run, info });
    frames(state, run, 0..=steps);
    let effects = take_message(state, FromWorker::Done { run, total_ms: 1.0 });
    if generate_of(&effects).is_some() {
        run_to_its_end(state, &effects);
    }
}

#[test]
fn a_chapter_sets_the_page_runs_and_goes_to_its_place() {
    let (mut state, effects) = at_chapter("guidance");
    let wish = state.tour.wish(&state).expect("a chapter wishes something").clone();
    assert_eq!(state.settings(), wish.settings);
    assert_eq!(state.tour.drive, Drive::Running { there: false });
    let shown = effects.iter().filter(|effect| matches!(effect, Effect::ShowAddress(_))).count();
    assert_eq!(shown, 2, "the chapter, then what it sets");

    let (run, info) = info(&effects);
    assert_eq!(info.settings, wish.settings);
    take_message(&mut state, FromWorker::Started { run, info });
    frames(&mut state, run, 0..=2);
    assert_eq!((state.timeline.position, state.tour.drive), (2, Drive::Running { there: false }));
    frames(&mut state, run, 3..=9);
    assert_eq!(
        (state.timeline.position, state.tour.drive),
        (3, Drive::Running { there: true }),
        "it stays at its place"
    );
    assert!(
        matches!(state.tour.progress(&state), Progress::Running { received: 10, steps: 30 }),
        "{:?}",
        state.tour.progress(&state)
    );
    frames(&mut state, run, 10..=30);
    take_message(&mut state, FromWorker::Done { run, total_ms: 1.0 });
    assert_eq!((state.timeline.position, state.tour.drive), (3, Drive::Shown));
}

#[test]
fn a_step_of_the_same_run_needs_no_new_one() {
    let (mut state, effects) = at_chapter("guidance");
    run_to_its_end(&mut state, &effects);
    let effects = tell(&mut state, Event::Step(1));
    assert_eq!(generate_of(&effects), None);
    assert_eq!((state.timeline.position, state.tour.drive), (27, Drive::Shown));
    // Nor does another chapter with the same settings, even if the visitor has turned something meanwhile.
    state.update(PageEvent::Choose(Choice::Seed(1)));
    assert_eq!(generate_of(&tell(&mut state, Event::Chapter(4))), None);
    assert_eq!((state.settings().seed, state.mode()), (9, Mode::Inside));
    // Others do.
    let effects = tell(&mut state, Event::Chapter(3));
    assert_eq!(generate_of(&effects).map(|(_, settings)| settings), Some(state.settings()));
    assert_eq!(state.mode(), Mode::Denoise);
}

#[test]
fn a_run_under_way_that_fits_is_not_begun_again() {
    let (mut state, effects) = at_chapter("guidance");
    let (run, info) = info(&effects);
    take_message(&mut state, FromWorker::Started { run, info });
    frames(&mut state, run, 0..=9);
    assert_eq!(generate_of(&tell(&mut state, Event::Step(1))), None);
    assert_eq!(state.tour.drive, Drive::Running { there: false });
    frames(&mut state, run, 10..=28);
    assert_eq!((state.timeline.position, state.tour.drive), (27, Drive::Running { there: true }));
    // One that the visitor has begun and that is not yet there may be any.
    state.update(PageEvent::Generate);
    assert!(generate_of(&tell(&mut state, Event::Again)).is_some());
}

#[test]
fn the_old_film_is_not_taken_for_the_new_run() {
    let (mut state, effects) = at_chapter("reverse");
    run_to_its_end(&mut state, &effects);
    let effects = tell(&mut state, Event::Chapter(7));
    assert_eq!(state.tour.drive, Drive::Running { there: false }, "the film of the chapter before has 31 frames, too");
    run_to_its_end(&mut state, &effects);
    assert_eq!((state.timeline.position, state.tour.drive), (30, Drive::Shown));
}

#[test]
fn a_chapter_waits_for_the_model() {
    let (mut state, _) = Page::new("tour=reverse&steps=7", BASE, Visit::default());
    started(&mut state);
    fetched(&mut state);
    assert_eq!((state.tour.drive, state.settings().num_inference_steps), (Drive::Waiting, 7), "nothing is touched yet");
    assert_eq!(obstacle(&state), Some(Obstacle::Loading));
    // A look at the recorded run is no reason to give up.
    state.update(PageEvent::Timeline(crate::timeline::Event::Seek(0)));
    take_message(&mut state, FromWorker::Ready);
    let (_, settings) = generate_of(&take_message(&mut state, loaded())).expect("it starts by itself");
    assert_eq!(
        (settings.num_inference_steps, state.run.state.clone()),
        (30, RunState::Running { cancelling: false, pace: Pace::Free })
    );
}

#[test]
fn who_acts_is_not_fought() {
    for event in [PageEvent::Choose(Choice::Seed(1)), PageEvent::Show(Mode::Compare), PageEvent::Generate] {
        let (mut state, _) = Page::new("tour=reverse", BASE, Visit::default());
        started(&mut state);
        fetched(&mut state);
        state.update(event);
        take_message(&mut state, FromWorker::Ready);
        let seed = state.settings().seed;
        take_message(&mut state, loaded());
        assert_eq!((state.tour.drive, state.settings().seed), (Drive::Free, seed));
    }
    let (mut state, effects) = at_chapter("guidance");
    let (run, info) = info(&effects);
    take_message(&mut state, FromWorker::Started { run, info });
    state.update(PageEvent::Timeline(crate::timeline::Event::Seek(0)));
    frames(&mut state, run, 0..=30);
    take_message(&mut state, FromWorker::Done { run, total_ms: 1.0 });
    assert_eq!((state.timeline.position, state.tour.drive), (0, Drive::Free), "the visitor's place is kept");
    tell(&mut state, Event::Again);
    assert_eq!((state.timeline.position, state.tour.drive), (3, Drive::Shown));
}

#[test]
fn a_cancelled_or_failed_run_ends_the_wish() {
    let (mut state, effects) = at_chapter("guidance");
    let (run, info) = info(&effects);
    take_message(&mut state, FromWorker::Started { run, info });
    frames(&mut state, run, 0..=1);
    state.update(PageEvent::Run(crate::run::Event::Cancel));
    take_message(&mut state, FromWorker::Cancelled { run });
    assert_eq!(state.tour.drive, Drive::Free);
    let (run, _) = self::info(&tell(&mut state, Event::Again));
    take_message(&mut state, FromWorker::Failed { run: Some(run), why: ditscope_protocol::Reason::NoModel.into() });
    assert_eq!(state.tour.drive, Drive::Free);
}

#[test]
fn another_model_is_not_driven_until_it_is_the_tours() {
    let mut state = ready("model=other&tour=reverse");
    started(&mut state);
    assert_eq!(generate_of(&fetched(&mut state)), None);
    assert_eq!((obstacle(&state), state.tour.drive), (Some(Obstacle::OtherModel), Drive::Waiting));
    state.update(PageEvent::UseModel(ModelRef::of_tour()));
    assert_eq!((&state.address.model, obstacle(&state)), (&ModelRef::of_tour(), Some(Obstacle::Loading)));
    assert!(generate_of(&take_message(&mut state, loaded())).is_some());
}

#[test]
fn the_model_that_the_page_opens_with_makes_way_for_the_tours_and_comes_back() {
    let with_tour = |query: &str| {
        let mut state = ready(query);
        started(&mut state);
        state
    };
    let fetches = |effects: &[Effect], model: ModelRef| effects.contains(&Effect::FetchModel(model));
    let mut state = with_tour("");
    take_message(&mut state, loaded());
    state.update(PageEvent::Choose(Choice::Seed(5)));
    let effects = tell(&mut state, Event::Toggle);
    assert!(state.address.model.is_of_tour() && fetches(&effects, ModelRef::of_tour()));
    assert_eq!(obstacle(&state), Some(Obstacle::Loading));
    fetched(&mut state);
    let effects = take_message(&mut state, loaded());
    run_to_its_end(&mut state, &effects);
    assert!(state.shown().is_some());
    let effects = tell(&mut state, Event::Toggle);
    assert!(fetches(&effects, ModelRef::default()) && state.shown().is_none(), "nor does its picture stay");
    assert_eq!((state.address.model.is_default(), state.settings().seed, state.tour_is_open()), (true, 5, false));

    // One that was chosen stays, and any where data are dear; the tour says so.
    let mut chosen = with_tour("model=other");
    take_message(&mut chosen, loaded());
    let mut frugal = with_tour("embed=1");
    take_message(&mut frugal, loaded());
    for mut state in [chosen, frugal] {
        let before = state.address.model.clone();
        let effects = tell(&mut state, Event::Toggle);
        assert_eq!((&state.address.model, obstacle(&state)), (&before, Some(Obstacle::OtherModel)));
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::FetchModel(_))));
        tell(&mut state, Event::Toggle);
        assert_eq!(state.address.model, before);
    }
}

#[test]
fn an_unknown_chapter_is_said_and_the_first_one_opened() {
    let (state, _) = at_chapter("knitting");
    let unknown = |notice: &Notice| matches!(notice, Notice::UnknownChapter { id, known } if id == "knitting" && known.iter().any(|id| id == "adaln"));
    assert!(state.notices.iter().any(unknown));
    assert_eq!(state.address.tour.as_deref(), Some("noise"));
    let (state, _) = at_chapter("");
    assert_eq!((state.address.tour.as_deref(), state.notices.len()), (Some("noise"), 1), "the one of the device");
    assert!(state.query().ends_with("&tour=noise"));
}

#[test]
fn the_tour_is_closed_and_found_where_it_was() {
    let mut state = ready("model=fashion");
    assert_eq!(started(&mut state), [], "nothing is fetched for a tour that is not open");
    assert!(tell(&mut state, Event::Toggle).contains(&Effect::FetchTour(Language::English)));
    fetched(&mut state);
    tell(&mut state, Event::Turn(1));
    tell(&mut state, Event::Turn(1));
    assert_eq!(state.address.tour.as_deref(), Some("training"));
    let effects = tell(&mut state, Event::Toggle);
    assert_eq!((state.tour_is_open(), state.tour.drive), (false, Drive::Free));
    assert!(matches!(&effects[..], [Effect::ShowAddress(query)] if !query.contains("tour")));
    assert_eq!(tell(&mut state, Event::Turn(1)), [], "there is nothing to turn");
    tell(&mut state, Event::Toggle);
    assert_eq!(state.address.tour.as_deref(), Some("training"));
    tell(&mut state, Event::Turn(-9));
    assert_eq!(state.address.tour.as_deref(), Some("noise"), "the first one is the first");
    tell(&mut state, Event::Chapter(13));
    assert_eq!(state.address.tour.as_deref(), Some("noise"), "there is no fourteenth");
}

#[test]
fn what_was_set_before_the_tour_comes_back_after_it() {
    let mut state = ready("model=fashion&class=7&steps=12&sampler=ddpm&view=forward");
    let before = (state.settings(), state.mode(), state.views.on().to_vec());
    started(&mut state);
    tell(&mut state, Event::Toggle);
    fetched(&mut state);
    let guidance = state.tour.book.as_ref().and_then(|book| book.find("guidance")).expect("a chapter on guidance");
    tell(&mut state, Event::Chapter(guidance));
    assert_ne!((state.settings(), state.mode(), state.views.on().to_vec()), before);
    let effects = tell(&mut state, Event::Toggle);
    assert_eq!((state.settings(), state.mode(), state.views.on().to_vec()), before);
    assert!(
        matches!(&effects[..], [Effect::ShowAddress(query)] if query.contains("class=7") && query.contains("ddpm"))
    );

    // An address that opens the tour has set nothing before it.
    let (mut state, _) = at_chapter("guidance");
    let shown = (state.settings(), state.mode());
    tell(&mut state, Event::Toggle);
    assert_eq!((state.settings(), state.mode()), shown);
}

#[test]
fn a_comparison_that_was_made_is_not_made_again() {
    let (mut state, effects) = at_chapter("samplers");
    assert_eq!(state.mode(), Mode::Compare);
    run_to_its_end(&mut state, &effects);
    assert_eq!(state.tour.drive, Drive::Shown);
    let effects = tell(&mut state, Event::Turn(-1));
    run_to_its_end(&mut state, &effects);
    assert_eq!(generate_of(&tell(&mut state, Event::Turn(1))), None);
    assert_eq!((state.tour.drive, state.mode()), (Drive::Shown, Mode::Compare));
    let wish = state.tour.wish(&state).expect("a wish").clone();
    assert_eq!(state.timeline.position, wish.frame(wish.settings.num_inference_steps));
    // With other settings it is another one.
    state.update(PageEvent::Choose(Choice::Seed(1)));
    assert!(generate_of(&state.update(PageEvent::Generate)).is_some());
    assert!(generate_of(&tell(&mut state, Event::Again)).is_some());
}

#[test]
fn missing_files_are_said_and_asked_for_again() {
    let mut state = ready("tour");
    started(&mut state);
    assert_eq!(started(&mut state), [], "they are on their way");
    assert_eq!(tell(&mut state, Event::Fetched(Language::English, Err(Notice::said("gone")))), []);
    assert_eq!(state.tour.failed, Some(Notice::said("gone")));
    assert_eq!(tell(&mut state, Event::Retry), [Effect::FetchTour(Language::English)]);
    assert_eq!(state.tour.failed, None);
    assert!(generate_of(&fetched(&mut state)).is_some());
}

#[test]
fn another_language_changes_the_words_alone() {
    let (mut state, effects) = at_chapter("guidance");
    run_to_its_end(&mut state, &effects);
    state.update(PageEvent::Choose(Choice::Seed(1)));
    let german = Event::Started { language: Language::German, depth: Some(Depth::Maths) };
    assert_eq!(tell(&mut state, german), [Effect::FetchTour(Language::German)]);
    // A late answer in the other language is not heard.
    fetched(&mut state);
    let (tour, words) = files(Language::German);
    let book = Book::read(Language::German, &tour, &words).map(Arc::new).ok_or(Notice::NoCode);
    assert_eq!(tell(&mut state, Event::Fetched(Language::German, book)), []);
    assert_eq!(state.tour.chapter(&state).map(|(at, chapter)| (at, chapter.id.as_str())), Some((6, "guidance")));
    assert_eq!((state.tour.depth, state.settings().seed, state.tour.drive), (Depth::Maths, 1, Drive::Free));
}

#[test]
fn every_wish_can_be_asked_for_and_its_run_is_recognised() {
    let (mut state, effects) = at_chapter("noise");
    run_to_its_end(&mut state, &effects);
    for at in 0..9 {
        let steps = state.tour.book.as_ref().map_or(0, |book| book.chapters[at].pictures.len());
        let events =
            [Event::Chapter(at)].into_iter().chain((0..steps).map(Event::Step)).flat_map(|e| [e, Event::Again]);
        for event in events {
            let effects = tell(&mut state, event);
            let wish = state.tour.wish(&state).expect("a wish").clone();
            assert_eq!((state.settings(), state.mode()), (wish.settings.clone(), drive::mode(wish.look)));
            if effects.iter().any(|effect| matches!(effect, Effect::Send(ToWorker::Generate { .. }))) {
                run_to_its_end(&mut state, &effects);
            }
            assert_eq!(state.tour.drive, Drive::Shown);
            assert_eq!(state.timeline.position, wish.frame(wish.settings.num_inference_steps));
        }
    }
}

#[test]
fn a_step_has_a_picture_where_there_is_a_run_that_fits() {
    let (mut state, effects) = at_chapter("forward");
    let (_, chapter) = state.tour.chapter(&state).expect("a chapter");
    let wishes: Vec<_> = chapter.pictures.iter().map(|(_, wish)| wish.clone()).collect();
    assert!(wishes.iter().all(|wish| drive::previews(&state, wish).is_none()));
    run_to_its_end(&mut state, &effects);
    let shown: Vec<_> = wishes.iter().map(|wish| drive::previews(&state, wish)).collect();
    assert!(matches!(shown[0].as_deref(), Some([Content::Picture { .. }])), "without noise: {:?}", shown[0]);
    assert!(shown[1..4].iter().all(|shown| matches!(shown.as_deref(), Some([Content::Map(_)]))), "{shown:?}");
    assert_eq!(shown[4], None, "of the schedule there is a plot");
}
