//! When the model is asked which class it sees, and what is made of the answers.

use super::super::state::tests::{LATENT, answer, answer_all, asked, send, with_pictures};
use super::*;
use crate::forward::Event;
use crate::{Effect, Page};
use ditscope_protocol::Answer;

/// Answers for two classes.
fn errors(page: &mut Page, id: u32, values: [f32; 2]) -> Vec<Effect> {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    answer(page, id, Answer::ClassErrors, vec![bytes])
}

/// A page in which all but the class is known.
fn looked_at(query: &str) -> Page {
    let (mut page, effects) = with_pictures(query);
    answer_all(&mut page, effects);
    page
}

#[test]
fn it_is_asked_with_many_noises_and_the_smallest_error_wins() {
    let mut page = looked_at("seed=5");
    let mut effects = send(&mut page, Event::ToggleOpinion);
    assert!(page.address.asks_for_class);
    let (mut times, mut seeds) = (vec![], vec![]);
    while page.forward.opinion.as_ref().is_some_and(|opinion| !opinion.is_done()) {
        let (id, ask, buffers) = asked(&effects);
        let Ask::ClassErrors { t, seed, classes } = ask else { panic!("{ask:?}") };
        assert_eq!((classes, buffers[0].len()), (vec![0, 1], LATENT));
        times.push(t);
        seeds.push(seed);
        effects = errors(&mut page, id, [0.5, 0.4]);
    }
    assert_eq!(effects, [], "no more than that");
    assert_eq!((times.len(), seeds[0], seeds[47]), (48, 5, 52));
    times.sort_unstable();
    assert!(times[0] >= 99 && times[47] <= 900, "{times:?}");
    assert!(times.windows(2).all(|two| two[1] - two[0] < 60), "they fill the way: {times:?}");
    let opinion = page.forward.opinion.as_ref().expect("an opinion");
    let best = opinion.best().expect("a verdict");
    // 16 numbers: exp(−16 · 0.1) is their ratio.
    let share = 1.0 / (1.0 + (-1.6f64).exp());
    assert!((best.class, (best.error - 0.4).abs() < 1e-6, (best.probability - share).abs() < 1e-5) == (1, true, true));
    let (again, ..) = asked(&send(&mut page, Event::ToggleOpinion));
    errors(&mut page, again, [0.1, 0.2]);
    assert_eq!(page.forward.opinion.as_ref().map(|opinion| opinion.rounds), Some(1), "from the beginning");
}

#[test]
fn it_stops_and_goes_on_and_another_picture_begins_anew() {
    let mut page = looked_at("");
    let (id, ..) = asked(&send(&mut page, Event::ToggleOpinion));
    send(&mut page, Event::ToggleOpinion);
    assert_eq!(errors(&mut page, id, [1.0, 2.0]), [], "stopped");
    assert!(!page.address.asks_for_class);
    let (id, ..) = asked(&send(&mut page, Event::ToggleOpinion));
    assert_eq!(page.forward.opinion.as_ref().map(|opinion| opinion.rounds), Some(1));
    let effects = send(&mut page, Event::UseTraining(2));
    assert!(page.forward.opinion.is_none() && effects.is_empty(), "an answer is still to come");
    let effects = errors(&mut page, id, [1.0, 2.0]);
    assert!(matches!(asked(&effects).1, Ask::Encode), "the other picture");
}

#[test]
fn a_link_asks_by_itself() {
    let mut page = looked_at_until_asked("view=ask");
    assert_eq!(page.mode(), crate::Mode::Forward);
    assert!(page.query().contains("view=ask"), "{}", page.query());
    page.update(crate::Event::Show(crate::Mode::Denoise));
    assert!(!page.query().contains("view="), "{}", page.query());
}

/// Answers all until the classes are asked for.
fn looked_at_until_asked(query: &str) -> Page {
    let (mut page, effects) = with_pictures(query);
    let mut left = effects;
    for _ in 0..100 {
        let (id, ask, _) = asked(&left);
        if matches!(ask, Ask::ClassErrors { .. }) {
            return page;
        }
        left = super::super::state::tests::answer_one(&mut page, id, &ask);
    }
    panic!("it is never asked");
}

#[test]
fn odd_answers_are_told_and_many_classes_are_not_all_asked_about() {
    let mut page = looked_at("");
    let (id, ..) = asked(&send(&mut page, Event::ToggleOpinion));
    let odd = answer(&mut page, id, Answer::ClassErrors, vec![vec![0; 12]]);
    assert_eq!((odd, page.forward.note.is_some()), (vec![], true));
    let (mut page, _) = with_pictures("class=700");
    page.update(crate::Event::ConfigFetched(Box::new(crate::update::tests::some_config(1000))));
    page.update(crate::Event::Choose(crate::Choice::Class(700)));
    assert_eq!(classes(&page), [700]);
    page.shared.models.favourites = vec![3, 700, 999, 5000];
    assert_eq!(classes(&page), [3, 700, 999]);
}
