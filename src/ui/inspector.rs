//! More about the picture: the schedule, the latents' sizes, and what the terms mean.

use super::dom;
use super::later::{Later, Make, later, once};
use super::parts::{Part, Parts};
use super::plots::Plots;
use super::store::Store;
use ditscope_page_state::models::non_commercial;
use ditscope_page_state::{Event, PageDepth};
use ditscope_words::text;
use ditscope_words::{Words, hints, say};
use leptos::prelude::*;

later! {
    plots plots: Make = |_| {
        ditscope_words::add(ditscope_words::plots());
        dom::add_style(include_str!("plots/plots.later.css"));
        view! { <Plots /> }.into_any()
    };
    terms terms: Make = |_| {
        ditscope_words::add(ditscope_words::terms());
        view! { <Parts content=Box::new(|| vec![glossary()]) /> }.into_any()
    };
}

#[component]
pub fn Inspector() -> impl IntoView {
    let store = Store::get();
    let seen = store.memo(|state| (hints::seeing(state), state.depth()));
    let deep = once(Signal::derive(move || seen.with(|(_, depth)| *depth == PageDepth::Full)));
    let content = move || seeing(store, seen.get());
    let licence = store.memo(|state| text::model_license(state.license()));
    let mark = store.memo(|state| {
        let restricted = non_commercial(state.license());
        if restricted { say("models.non-commercial").into() } else { String::new() }
    });
    view! {
        <aside class="inspector" aria-label=say("inspector.name")>
            <Parts content=Box::new(content) />
            {move || deep.get().then(|| view! { <Later class="later" part=plots with=RwSignal::new(true) /> })}
            <details open>
                <summary>{say("inspector.terms")}</summary>
                <Later class="later" part=terms with=RwSignal::new(true) />
            </details>
            <p class="dim works-offline">{say("page.works-offline")}</p>
            <p class="dim licence">
                {licence}
                <span class="tag warn">{mark}</span>
            </p>
        </aside>
    }
}

/// What the words on the first screen mean, in the order of the strip.
fn glossary() -> Part {
    let term = |symbol: &str, name: Words, about: Words| {
        let name = Part::new("span", "").saying(if symbol.is_empty() { name.into() } else { format!(" · {name}") });
        let name = match symbol {
            "" => vec![name],
            symbol => vec![Part::new("var", "").saying(symbol.into()), name],
        };
        [Part::new("dt", "").of(name), Part::new("dd", "").saying(about.into())]
    };
    let terms = [
        term("xₜ", say("terms.x"), say("terms.about-x")),
        term("ε̂", say("terms.eps"), say("terms.about-eps")),
        term("x̂₀", say("terms.x0"), say("terms.about-x0")),
        term("", say("terms.decoder"), say("terms.about-decoder")),
        term("", say("terms.guidance"), say("terms.about-guidance")),
        term("", say("terms.sampler"), say("terms.about-sampler")),
        term("", say("terms.seed"), say("terms.about-seed")),
    ];
    Part::new("dl", "terms").of(terms.into_iter().flatten().collect())
}

/// What is on the stage, for somebody who has never seen it, and the way to more of the page or less.
fn seeing(store: Store, (words, depth): (String, PageDepth)) -> Vec<Part> {
    let more = Part::button("view-chip", say("page.full"), move || store.dispatch(Event::Deepen(depth.other())));
    let is_full = depth == PageDepth::Full;
    let more = more.with("title", say("page.full-hint")).with("aria-pressed", is_full.to_string());
    let heading = Part::new("h2", "").saying(say("inspector.seeing").into());
    vec![Part::group("seeing", vec![heading, Part::words("", words), more])]
}
