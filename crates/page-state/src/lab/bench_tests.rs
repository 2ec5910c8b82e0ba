//! What the experiments take, ask and prepare.

use super::*;
use crate::film::Pixels;
use crate::fixtures::{film, frame, info};
use crate::lab::one_step::errors;
use crate::update::tests::{loaded, running, some_config, take_message};
use crate::{Effect, Mode, ModelRef};
use ditscope_config::{ModelConfig, Part};
use ditscope_protocol::{Answer, FrameInfo, FromWorker, Reason, Refusal, ToWorker};

/// Latents are those of the films in tests.
fn config() -> ModelConfig {
    let mut config = some_config(10);
    let dit = &mut config.transformer;
    (dit.in_channels, dit.sample_size, dit.depth, dit.num_heads) = (4, 2.into(), 3, 2);
    config.latents.mean = vec![0.0; 4];
    config.latents.std = vec![1.0; 4];
    config
}

/// The stage shows an experiment, and a run of two steps is done.
fn in_the_lab(kind: Kind) -> (Page, Bench) {
    let mut page = running();
    page.shared.models.config = Some(config());
    let message = FromWorker::Frame(FrameInfo { run: 1, ..frame(2) });
    page.update(Event::Worker { message, buffers: vec![vec![0; 64], vec![0; 36]], now_ms: 0.0 });
    take_message(&mut page, FromWorker::Done { run: 1, total_ms: 9.0 });
    page.update(Event::Show(Mode::Lab(kind)));
    let mut bench = Bench::default();
    let events = bench.look(&page, kind);
    events.into_iter().for_each(|event| drop(page.update(event)));
    (page, bench)
}

/// What Generate sends: the experiment, and how many buffers come with it.
fn generated(page: &mut Page) -> (Option<Experiment>, usize) {
    let sent = page.update(Event::Generate).into_iter().find_map(|effect| match effect {
        Effect::Send(ToWorker::Generate { experiment, .. }) => Some((experiment, 0)),
        Effect::SendWith(ToWorker::Generate { experiment, .. }, buffers) => Some((experiment, buffers.len())),
        _ => None,
    });
    let (experiment, buffers) = sent.expect("a run begins");
    (experiment.map(|text| serde_json::from_str(&text).expect("an experiment")), buffers)
}

/// Puts a question, and gives the answer.
fn answered(page: &mut Page, question: Event, result: Result<Answer, Refusal>, buffers: Vec<Vec<u8>>) -> Measurement {
    let effects = page.update(question);
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::SendWith(ToWorker::Ask { id, ask: Ask::Measure { what } }, _) => Some((*id, what.clone())),
        _ => None,
    });
    let (id, what) = asked.expect("a question");
    page.update(Event::Worker { message: FromWorker::Answered { id, result }, buffers, now_ms: 0.0 });
    serde_json::from_str(&what).expect("a measurement")
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn the_finished_picture_is_what_experiments_are_about() {
    let (page, bench) = in_the_lab(Kind::Paint);
    let base = bench.base.expect("the run's picture");
    let film = page.run.film.as_ref().expect("the run");
    assert_eq!((base.cells(), base.latent.len(), base.class), ([2, 2], 16, film.info.settings.class));
    assert_eq!(bench.paint.cells.shape(), [2, 2]);
}

#[test]
fn without_marks_a_plain_run_begins_and_with_them_a_painting() {
    let (mut page, mut bench) = in_the_lab(Kind::Paint);
    assert_eq!(generated(&mut page), (None, 0));
    bench.paint.cells.toggle(1);
    let told = bench.tell(&page, Kind::Paint).expect("something to tell");
    page.update(told);
    let (experiment, buffers) = generated(&mut page);
    let paint = experiment.and_then(|it| it.paint).expect("a painting");
    assert_eq!((paint.mask.iter().filter(|marked| **marked).count(), buffers), (1, 1));
    assert!(bench.tell(&page, Kind::Paint).is_none(), "it is told once");
    // Another part of the page knows nothing of it.
    page.update(Event::Show(Mode::Denoise));
    assert_eq!(generated(&mut page), (None, 0));
}

/// What was painted is not painted on, before somebody says so.
#[test]
fn a_second_painting_begins_with_the_same_picture() {
    let (mut page, mut bench) = in_the_lab(Kind::Paint);
    let before = bench.base.clone();
    bench.paint.cells.toggle(1);
    page.update(bench.tell(&page, Kind::Paint).expect("something to tell"));
    generated(&mut page);
    take_message(&mut page, FromWorker::Started { run: 2, info: info(2, 1) });
    for step in 0..3 {
        let message = FromWorker::Frame(FrameInfo { run: 2, ..frame(step) });
        page.update(Event::Worker { message, buffers: vec![vec![1; 64], vec![0; 36]], now_ms: 0.0 });
    }
    take_message(&mut page, FromWorker::Done { run: 2, total_ms: 9.0 });
    bench.look(&page, Kind::Paint);
    assert!(bench.base == before && newest(&page) != before);
    // The third run is asked for and has not begun: the film is still the second's.
    generated(&mut page);
    bench.look(&page, Kind::Paint);
    assert!(bench.base == before);
}

#[test]
fn parts_that_are_off_make_two_pictures() {
    let (mut page, mut bench) = in_the_lab(Kind::Break);
    bench.without.toggle(Part::Block(1));
    bench.without.at = [0.5, 1.0];
    page.update(bench.tell(&page, Kind::Break).expect("something to tell"));
    let experiment = generated(&mut page).0.expect("an experiment");
    assert_eq!(experiment.pictures.len(), 2);
    assert!(experiment.pictures[0].without.is_empty());
    assert_eq!(experiment.pictures[1].without, [Part::Block(1)]);
    assert_eq!(experiment.missing_at, Some([0.5, 1.0]));
    bench.without.toggle(Part::Block(1));
    assert!(bench.without.off.is_empty());
}

#[test]
fn a_ranking_asks_until_it_knows_enough_and_puts_least_first() {
    let (mut page, mut bench) = in_the_lab(Kind::Break);
    let base = bench.base.clone();
    bench.without.toggle_ranking(&page, base.as_ref());
    let parts = bench.without.ranking.as_ref().expect("a ranking").parts.clone();
    assert_eq!(parts.len(), 1 + 3 + 6 + 6, "the class, blocks, their halves, heads");
    for round in 0..super::super::without::ROUNDS {
        let question = bench.look(&page, Kind::Break).pop().expect("a question");
        let errors: Vec<f32> = (0..=parts.len()).map(|i| if i == 0 { 1.0 } else { 1.0 + i as f32 }).collect();
        let asked = answered(&mut page, question, Ok(Answer::Measured), vec![floats(&errors)]);
        assert!(
            matches!(asked, Measurement::Without { sets, seed, .. } if sets.len() == parts.len() && seed == round as u64)
        );
    }
    assert!(bench.look(&page, Kind::Break).is_empty(), "it is done");
    let order = bench.without.ranking.expect("a ranking").order();
    assert_eq!(order[0], (parts[0], 1.0));
    assert!(order.is_sorted_by(|a, b| a.1 <= b.1));
}

#[test]
fn an_answer_that_does_not_fit_ends_the_ranking_and_not_the_page() {
    let (mut page, mut bench) = in_the_lab(Kind::Break);
    let base = bench.base.clone();
    bench.without.toggle_ranking(&page, base.as_ref());
    let question = bench.look(&page, Kind::Break).pop().expect("a question");
    answered(&mut page, question, Ok(Answer::Measured), vec![floats(&[1.0])]);
    assert!(bench.look(&page, Kind::Break).is_empty());
    assert!(!bench.without.ranking.expect("a ranking").goes_on);
}

#[test]
fn a_picture_whose_noise_is_found_is_denoised_as_something_else() {
    let (mut page, mut bench) = in_the_lab(Kind::Edit);
    let question = bench.invert(&page).expect("a picture");
    assert!(bench.is_inverting());
    answered(&mut page, question, Ok(Answer::Measured), vec![floats(&[0.5; 16])]);
    let events = bench.look(&page, Kind::Edit);
    assert!(
        matches!(events[..], [Event::Lab(lab::Event::Prepare(Some(_))), Event::Lab(lab::Event::Run)]),
        "{events:?}"
    );
    events.into_iter().take(1).for_each(|event| drop(page.update(event)));
    let (experiment, buffers) = generated(&mut page);
    let experiment = experiment.expect("an experiment");
    assert!(experiment.given_noise && buffers == 1);
    let own = bench.base.as_ref().expect("a picture").class;
    let classes: Vec<_> = experiment.pictures.iter().map(|picture| picture.class).collect();
    assert_eq!(classes, [Some(own), Some(bench.edit.class(&page)), Some(bench.edit.class(&page))]);
    assert_eq!(way_of(&experiment), Way::Invert);
}

#[test]
fn what_was_prepared_of_a_model_goes_with_it() {
    let (mut page, mut bench) = in_the_lab(Kind::Break);
    assert!(generated(&mut page).0.is_some(), "something is prepared");
    page.update(Event::UseModel(ModelRef::Url("http://a.b/other".into())));
    let events = bench.look(&page, Kind::OneStep);
    assert!(matches!(events[..], [Event::Lab(lab::Event::Prepare(None))]), "{events:?}");
}

#[test]
fn rows_go_all_the_way() {
    let (mut page, mut bench) = in_the_lab(Kind::Edit);
    for way in [Way::Seeds, Way::Classes] {
        bench.edit.way = way;
        page.update(bench.tell(&page, Kind::Edit).expect("something to tell"));
        let experiment = generated(&mut page).0.expect("an experiment");
        assert_eq!(way_of(&experiment), way);
        let shares: Vec<f64> = experiment
            .pictures
            .iter()
            .filter_map(|it| it.towards_seed.map(|to| to.1).or(it.towards_class.map(|to| to.1)))
            .collect();
        assert_eq!((shares.len(), shares[0], shares[shares.len() - 1]), (7, 0.0, 1.0));
    }
}

#[test]
fn guesses_are_pictures_and_their_mean() {
    let (mut page, mut bench) = in_the_lab(Kind::OneStep);
    let side = page.models.config.as_ref().expect("a model").image_size();
    let question = bench.guess(&page);
    // Two latents, three pictures.
    let latents: Vec<f32> = (0..32).map(|i| if i < 16 { 1.0 } else { 3.0 }).collect();
    let buffers = vec![floats(&latents), vec![7; 3 * 4 * side * side]];
    let asked = answered(&mut page, question, Ok(Answer::Measured), buffers);
    assert!(matches!(asked, Measurement::OneStep { t: 999, ref seeds, .. } if seeds.len() == 8));
    bench.look(&page, Kind::OneStep);
    let guesses = bench.one_step.guesses.clone().expect("an answer").expect("a good one");
    assert_eq!((guesses.pictures.len(), guesses.spread), (2, 1.0));
    assert_eq!(guesses.mean, Pixels { width: side, height: side, rgba: vec![7; 4 * side * side] });
    // What is refused is said.
    let question = bench.guess(&page);
    answered(&mut page, question, Err(Reason::Newer.into()), vec![]);
    bench.look(&page, Kind::OneStep);
    assert!(matches!(bench.one_step.guesses, Some(Err(_))));
}

#[test]
fn a_worker_that_is_gone_is_not_waited_for() {
    let (mut page, mut bench) = in_the_lab(Kind::OneStep);
    let question = bench.guess(&page);
    page.update(question);
    assert!(bench.waits());
    page.update(Event::WorkerLost(crate::Notice::said("gone")));
    bench.look(&page, Kind::OneStep);
    assert!(!bench.waits());
    take_message(&mut page, loaded());
}

#[test]
fn another_models_pictures_are_forgotten() {
    let (mut page, mut bench) = in_the_lab(Kind::Paint);
    if let Some(config) = &mut page.shared.models.config {
        config.transformer.sample_size = 4.into();
    }
    bench.look(&page, Kind::Paint);
    assert!(bench.base.is_none());
}

#[test]
fn errors_are_measured_against_the_end_of_the_run() {
    let film = film(2, 1, 3);
    // x̂0 of step s has the numbers 100,000 + 1000·s + i, the end 2000 + i.
    let expected: Vec<(usize, f64)> = vec![(10, 98_000.0), (0, 99_000.0)];
    assert_eq!(errors(&film, 0), expected);
    assert!(errors(&crate::fixtures::film(2, 1, 2), 0).is_empty(), "the run is not done");
}

/// The page with what an address sets, looked at until nothing more follows.
fn settled(kind: Kind, lab: &str) -> (Page, Bench, Vec<Event>) {
    let (mut page, _) = in_the_lab(kind);
    page.update(Event::Lab(lab::Event::Set(Some(lab.into()))));
    let (mut bench, mut all) = (Bench::default(), vec![]);
    for _ in 0..5 {
        let events = bench.look(&page, kind);
        all.extend(events.clone());
        events.into_iter().for_each(|event| drop(page.update(event)));
    }
    (page, bench, all)
}

#[test]
fn an_address_sets_an_experiment_and_has_it_done() {
    let (page, bench, events) = settled(Kind::Break, "off:b1.b9,at:50-100");
    // A part that the model does not have: all that stands with it is left out, with a word.
    assert_eq!((bench.without.off.len(), bench.without.at), (0, [0.5, 1.0]));
    assert_eq!(page.address.lab.as_deref(), Some("at:50-100"));
    let is_told = |notice: &crate::Notice| matches!(notice, crate::Notice::Ignored { key, .. } if key == "lab");
    assert_eq!(page.notices.iter().filter(|notice| is_told(notice)).count(), 1);
    let runs = |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Lab(lab::Event::Run))).count();
    assert_eq!(runs(&events), 1);

    // The tour may want the same again.
    let ((mut page, _), mut bench) = (in_the_lab(Kind::Edit), Bench::default());
    for _ in 0..2 {
        page.update(Event::Lab(lab::Event::Wish(Some("way:seeds,to:4".into()))));
        assert_eq!(runs(&bench.look(&page, Kind::Edit)), 1);
        assert_eq!(runs(&bench.look(&page, Kind::Edit)), 0);
    }

    let (page, bench, events) = settled(Kind::Paint, "cells:2.a,strength:50");
    assert_eq!((bench.paint.cells.count(), page.address.lab.as_deref()), (2, Some("cells:2.a,strength:50")));
    assert_eq!(runs(&events), 1);

    let asks = |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Lab(lab::Event::Ask(..)))).count();
    let (_, bench, events) = settled(Kind::OneStep, "t:7");
    assert_eq!((bench.one_step.t, asks(&events), runs(&events)), (Some(7), 1, 0));
    let (_, bench, events) = settled(Kind::Edit, "to:3");
    assert!(bench.is_inverting());
    assert_eq!((asks(&events), runs(&events)), (1, 0));
}

/// Where the first run of a visit is an experiment's already.
#[test]
fn the_whole_model_s_picture_is_taken_where_parts_are_off() {
    let (mut page, bench) = in_the_lab(Kind::Break);
    generated(&mut page);
    take_message(&mut page, FromWorker::Started { run: 2, info: info(2, 2) });
    for step in 0..3 {
        let message = FromWorker::Frame(FrameInfo { run: 2, ..frame(step) });
        page.update(Event::Worker { message, buffers: vec![vec![1; 128], vec![0; 72]], now_ms: 0.0 });
    }
    take_message(&mut page, FromWorker::Done { run: 2, total_ms: 9.0 });
    let mut fresh = Bench::default();
    fresh.look(&page, Kind::Break);
    let base = fresh.base.expect("the whole model's picture");
    assert!(base.latent.len() == 16 && Some(base) != bench.base);
}

#[test]
fn the_address_says_what_is_set() {
    let (mut page, mut bench) = in_the_lab(Kind::Break);
    assert_eq!(page.address.lab, None);
    bench.without.toggle(Part::Mlp(2));
    page.update(bench.tell_address(&page, Kind::Break).expect("something to tell"));
    assert_eq!(page.address.lab.as_deref(), Some("off:m2"));
    assert!(bench.tell_address(&page, Kind::Break).is_none(), "it is told once");
    assert!(page.shared.query().contains("view=break&lab=off:m2"), "{}", page.shared.query());
    // Another experiment has settings of its own.
    page.update(Event::Show(Mode::Lab(Kind::Edit)));
    let events = bench.look(&page, Kind::Edit);
    events.into_iter().for_each(|event| drop(page.update(event)));
    assert_eq!((page.address.lab.clone(), bench.edit.chosen_class()), (None, None));
}
