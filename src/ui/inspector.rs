//! More about the picture: the schedule, the latents' sizes, and what the terms mean.

use super::parts::{Part, Parts};
use super::plots::{SchedulePlot, SizePlot};
use super::store::Store;
use ditscope_page_state::film;
use ditscope_page_state::models::non_commercial;
use ditscope_page_state::{Event, PageDepth};
use ditscope_words::text;
use ditscope_words::{hints, say};
use leptos::prelude::*;

#[component]
pub fn Inspector() -> impl IntoView {
    let store = Store::get();
    let shares = store.memo(|state| {
        let film = state.shown().filter(|film| !film.is_empty())?;
        let (_, alpha_bar) = film::place(&film.info, state.timeline.position);
        Some((alpha_bar.sqrt(), (1.0 - alpha_bar).max(0.0).sqrt()))
    });
    let seen = store.memo(|state| (hints::seeing(state), state.depth()));
    let content = move || seeing(store, seen.get());
    let licence = store.memo(|state| text::model_license(state.license()));
    let mark = store.memo(|state| {
        let restricted = non_commercial(state.license());
        if restricted { say("models.non-commercial").into() } else { String::new() }
    });
    view! {
        <aside class="inspector" aria-label=say("plots.inspector")>
            <Parts content=Box::new(content) />
            <details open class="deep">
                <summary>{say("plots.schedule")}</summary>
                <SchedulePlot />
                <p class="formula">
                    {move || match shares.get() {
                        Some((signal, noise)) => format!("xₜ = {signal:.2} · x₀ + {noise:.2} · ε"),
                        None => "xₜ = √ᾱ · x₀ + √(1 − ᾱ) · ε".into(),
                    }}
                </p>
                <p class="dim">{say("plots.about-schedule")}</p>
            </details>
            <details open class="deep">
                <summary>{say("plots.sizes")}</summary>
                <SizePlot />
                <p class="dim">{say("plots.about-sizes")}</p>
            </details>
            <details open>
                <summary>{say("plots.terms")}</summary>
                <dl class="terms">
                    <dt><var>"xₜ"</var>" · "{say("plots.term-x")}</dt>
                    <dd>{say("plots.about-x")}</dd>
                    <dt><var>"x̂₀"</var>" · "{say("plots.term-x0")}</dt>
                    <dd>{say("plots.about-x0")}</dd>
                    <dt>{say("plots.term-guidance")}</dt>
                    <dd>{say("plots.about-guidance")}</dd>
                </dl>
            </details>
            <p class="dim licence">
                {licence}
                <span class="tag warn">{mark}</span>
            </p>
        </aside>
    }
}

/// What is on the stage, for somebody who has never seen it, and the way to more of the page or less.
fn seeing(store: Store, (words, depth): (String, PageDepth)) -> Vec<Part> {
    let more = Part::button("view-chip", say("page.full"), move || store.dispatch(Event::Deepen(depth.other())));
    let is_full = depth == PageDepth::Full;
    let more = more.with("title", say("page.full-hint")).with("aria-pressed", is_full.to_string());
    let heading = Part::new("h2", "").saying(say("plots.seeing").into());
    vec![Part::group("seeing", vec![heading, Part::words("", words), more])]
}
