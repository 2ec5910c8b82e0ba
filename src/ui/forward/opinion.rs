//! Which class the model sees in the picture, as bars that settle while it is asked.

use crate::ui::parts::{Part, Parts};
use crate::ui::store::Store;
use ditscope_page_state::forward::{Event as ForwardEvent, Opinion, Verdict};
use ditscope_page_state::{Event, Page};
use ditscope_plots::geometry::number;
use ditscope_words::text::class_label;
use ditscope_words::{Words, say, say_with};
use leptos::prelude::*;

#[component]
pub fn OpinionOfClass() -> impl IntoView {
    let store = Store::get();
    view! {
        <section class="opinion" aria-label=say("forward.opinion")>
            <h2>{say("forward.opinion")}</h2>
            // Not with the bars, which are made anew with every noise: a press would be lost.
            <Parts content=Box::new(move || store.with(|state| vec![toggle(store, state)])) />
            <Parts content=Box::new(move || store.with(bars)) />
            <p class="hint">{say("forward.about-opinion")}</p>
        </section>
    }
}

fn toggle(store: Store, state: &Page) -> Part {
    let press = move || store.dispatch(Event::Forward(ForwardEvent::ToggleOpinion));
    let button = Part::button("", button(state.forward.opinion.as_ref()), press);
    if state.forward.can_be_asked(state) { button } else { button.with("disabled", "") }
}

/// What is known so far, in words and as bars.
fn bars(state: &Page) -> Vec<Part> {
    let opinion = state.forward.opinion.as_ref();
    let lacks_classes = state.forward.is_encoded() && !state.forward.can_be_asked(state);
    let words = match opinion.and_then(|opinion| Some((opinion, opinion.best()?))) {
        Some((opinion, best)) => so_far(state, opinion, best),
        None if lacks_classes => say("forward.opinion-few").into(),
        None => "\u{a0}".into(),
    };
    let words = Part::words("numbers", words);
    // Read out at the end, not with every noise.
    let is_done = opinion.is_some_and(Opinion::is_done);
    let words = if is_done { words.with("role", "status") } else { words };
    let verdicts = opinion.map(Opinion::verdicts).unwrap_or_default();
    vec![words, Part::new("ul", "class-bars").of(verdicts.into_iter().map(|verdict| bar(state, verdict)).collect())]
}

fn button(opinion: Option<&Opinion>) -> Words {
    match opinion {
        None => say("forward.ask"),
        Some(opinion) if opinion.is_done() => say("forward.ask-again"),
        Some(opinion) if opinion.goes_on => say("forward.ask-stop"),
        Some(_) => say("forward.ask-on"),
    }
}

fn so_far(state: &Page, opinion: &Opinion, best: Verdict) -> String {
    let values: [(&str, &dyn ToString); 3] =
        [("rounds", &opinion.rounds), ("label", &class_label(state, best.class)), ("error", &number(best.error))];
    say_with("forward.opinion-so-far", &values)
}

/// A class, its share as a bar, and both numbers.
fn bar(state: &Page, Verdict { class, error, probability }: Verdict) -> Part {
    let (label, share) = (class_label(state, class), format!("{:.0}", 100.0 * probability));
    let values: [(&str, &dyn ToString); 3] = [("label", &label), ("share", &share), ("error", &number(error))];
    let spoken = say_with("forward.opinion-class", &values);
    let meter = Part::new("meter", "").with("value", format!("{probability:.3}")).with("aria-label", spoken);
    Part::new("li", "").of(vec![
        Part::new("span", "").saying(label),
        meter,
        Part::new("span", "numbers").saying(format!("{share} % · {}", number(error))),
    ])
}
