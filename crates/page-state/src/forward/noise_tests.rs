//! When the model is asked what it takes for noise, and what comes of it.

use super::super::state::tests::{ENCODED, LATENT, SIDE, answer, answer_all, asked, noised, send, with_pictures};
use super::{PLACES, Spot};
use crate::forward::Event;
use crate::update::tests::{ready, take_message};
use crate::{self as app, Choice, Effect, Mode, Page, RunState};
use ditscope_protocol::{Answer, Ask, FromWorker, ToWorker};

/// The model says half of what the noise is, and without the class nothing.
pub fn seen(state: &mut Page, id: u32) -> Vec<Effect> {
    let noise = |value: f32| value.to_le_bytes().repeat(LATENT / 4);
    let buffers = vec![noise(1.0), noise(0.5), noise(0.0)];
    answer(state, id, Answer::NoiseSeen { latent_shape: [1, SIDE, SIDE] }, buffers)
}

/// The places that the model was asked about while all is answered, until nothing is left to ask.
fn places(state: &mut Page, mut effects: Vec<Effect>) -> Vec<usize> {
    let mut places = vec![];
    while !effects.is_empty() {
        let (id, ask, _) = asked(&effects);
        let Ask::SeeNoise { t, .. } = ask else { panic!("{ask:?}") };
        places.push(t);
        effects = seen(state, id);
    }
    places
}

#[test]
fn the_model_is_asked_at_the_slider_and_then_over_all_t() {
    let (mut state, effects) = with_pictures("class=1&seed=5");
    answer_all(&mut state, effects);
    assert_eq!(state.forward.seen.as_ref().map(|seen| seen.spot), Some(Spot { t: 400, seed: 5, class: 1 }));
    let errors = state.forward.errors(&state);
    assert_eq!((errors.len(), errors[0], errors[PLACES - 1].0), (PLACES, (0, [0.25, 1.0]), 999));
    // A mark of the filmstrip needs no noising: the model alone is asked.
    let effects = send(&mut state, Event::SetT(571));
    assert_eq!(places(&mut state, effects), [571]);
    // Another class is another prediction, of the same noise.
    state.update(app::Event::Choose(Choice::Class(0)));
    assert!(state.forward.errors(&state).is_empty(), "they were of the other class");
    let effects = send(&mut state, Event::Look);
    assert_eq!(places(&mut state, effects).len(), 1 + PLACES);
    send(&mut state, Event::UseTraining(2));
    assert!(state.forward.seen.is_none() && state.forward.errors(&state).is_empty());
}

#[test]
fn a_run_needs_the_model_more() {
    let (mut state, effects) = with_pictures("view=forward&steps=10");
    answer_all(&mut state, effects);
    let (id, ask, _) = asked(&state.update(app::Event::Generate));
    assert!(matches!(ask, Ask::QSample { t: 444, .. }), "the latent that the run begins with: {ask:?}");
    assert_eq!(noised(&mut state, id, 9), []);
    assert_eq!(send(&mut state, Event::SetT(428)), [], "it is in the filmstrip");
    take_message(&mut state, FromWorker::Cancelled { run: 1 });
    let effects = send(&mut state, Event::Look);
    assert_eq!(places(&mut state, effects), [428]);
}

#[test]
fn an_odd_answer_is_told() {
    let (mut state, effects) = with_pictures("");
    answer_all(&mut state, effects);
    let (id, ask, _) = asked(&send(&mut state, Event::SetT(571)));
    assert!(matches!(ask, Ask::SeeNoise { t: 571, .. }), "{ask:?}");
    let odd = answer(&mut state, id, Answer::NoiseSeen { latent_shape: [9, 9, 9] }, vec![]);
    assert_eq!(odd, []);
    assert!(state.forward.note.is_some());
    assert_eq!(state.forward.seen.as_ref().map(|seen| seen.spot.t), Some(400), "what was known stays");
}

#[test]
fn a_link_brings_its_noise_level_and_gets_the_visitors() {
    let mut state = ready("view=forward&t=250");
    assert_eq!(state.forward.t(&state), 250);
    send(&mut state, Event::SetT(571));
    assert!(state.query().contains("&t=571"), "{}", state.query());
    let shown = send(&mut state, Event::Settled);
    assert!(matches!(&shown[..], [Effect::ShowAddress(query)] if query.contains("&t=571")), "{shown:?}");
    state.update(app::Event::Show(app::Mode::Denoise));
    assert!(!state.query().contains("&t="), "{}", state.query());
}

#[test]
fn what_waits_for_a_latent_in_forward_waits_nowhere_else() {
    let (mut state, effects) = with_pictures("view=forward");
    let (id, ..) = asked(&effects);
    state.update(app::Event::Generate);
    state.update(app::Event::Show(Mode::Denoise));
    assert_eq!(state.run.state, RunState::Idle);
    let effects = answer(&mut state, id, ENCODED, vec![vec![1; LATENT]]);
    assert!(!effects.iter().any(|e| matches!(e, Effect::SendWith(ToWorker::Generate { .. }, _))));
}
