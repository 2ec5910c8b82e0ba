//! Experiments on the model. Their state is [`ditscope_page_state::lab`].
//!
//! | file | what it holds |
//! |---|---|
//! | `hand` | the experiments' state as something that views follow |
//! | `figures` | labelled pictures, buttons, sliders and choices that follow it |
//! | `one_step`, `paint`, `edit`, `without`, `ideal` | the experiments |

mod edit;
mod figures;
mod hand;
mod ideal;
mod one_step;
mod paint;
mod without;

use super::live::{Live, Mount, segments};
use super::store::Store;
use ditscope_page_state::lab::Kind;
use ditscope_page_state::{Event, Mode};
use ditscope_words::{Words, say};
use hand::Hand;
use leptos::prelude::*;
use std::rc::Rc;

#[component]
pub fn LabStage() -> impl IntoView {
    let store = Store::get();
    let mode = store.memo(|state| state.mode());
    let names: Vec<Words> = Mode::LAB.map(name).into();
    let at = move || Mode::LAB.iter().position(|other| *other == mode.get()).unwrap_or_default();
    let choose = move |i: usize| store.dispatch(Event::Show(Mode::LAB[i]));
    let kinds = segments(&say("lab.kinds"), "lab-kind", &names, Rc::new(at), Rc::new(choose));
    // Not with the experiment, which is made anew: the choice would lose the focus.
    view! {
        <div class="stage lab">
            <Mount live=kinds />
            {move || match mode.get() {
                Mode::Lab(kind) => view! { <Mount live=experiment(Hand::new(store, kind), kind) /> }.into_any(),
                _ => ().into_any(),
            }}
        </div>
    }
}

fn experiment(hand: Hand, kind: Kind) -> Live {
    let (about, body) = match kind {
        Kind::OneStep => (say("lab.about-onestep"), one_step::view(hand)),
        Kind::Paint => (say("lab.about-paint"), paint::view(hand)),
        Kind::Edit => (say("lab.about-edit"), edit::view(hand)),
        Kind::Break => (say("lab.about-break"), without::view(hand)),
        Kind::Ideal => (say("lab.about-ideal"), ideal::view(hand)),
    };
    Live::new("div", "lab-experiment").of(vec![Live::new("p", "lab-about").saying(&about), body])
}

fn name(mode: Mode) -> Words {
    match mode {
        Mode::Lab(Kind::Paint) => say("lab.paint"),
        Mode::Lab(Kind::Edit) => say("lab.edit"),
        Mode::Lab(Kind::Break) => say("lab.break"),
        Mode::Lab(Kind::Ideal) => say("lab.ideal"),
        _ => say("lab.onestep"),
    }
}
