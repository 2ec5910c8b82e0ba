//! What we found out with this model: what conditioning does, and what makes pictures cheaper.

mod tables;

use super::fetch::fetch_text;
use super::live::{Live, Mount};
use super::parts::{Part, Parts};
use super::store::Store;
use ditscope_page_state::findings::Findings;
use ditscope_plots::pareto;
use ditscope_words::{Words, say, say_with};
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// The guidance scale that the ways to sample were compared at.
const GUIDANCE: f64 = 2.0;

/// What is there of the findings.
#[derive(Debug, Clone, PartialEq)]
enum Found {
    Coming,
    Here(Box<Findings>),
    /// Why not.
    Missing(String),
}

#[component]
pub fn FindingsStage() -> impl IntoView {
    let found = RwSignal::new(Found::Coming);
    let base = Store::get().peek(|state| state.base.clone());
    fetch(base.clone(), found);
    let ways =
        plot(found, |_| say("findings.plot-name").into_owned(), |all| (tables::ways(all), say("findings.gflops")));
    let flow = |name: fn(&Findings, &str) -> String, lines: fn(&Findings) -> Vec<pareto::Line>| {
        let name = move |all: &Findings| name(all, &say("findings.flow-plot-name"));
        plot(found, name, move |all| (lines(all), say("findings.steps")))
    };
    let of = move |part: fn(&Findings, &str) -> Vec<Part>| -> Box<dyn Fn() -> Vec<Part>> {
        let base = base.clone();
        Box::new(move || found.with(|found| if let Found::Here(all) = found { part(all, &base) } else { vec![] }))
    };
    let again = Store::get().peek(|state| state.base.clone());
    let message = move || match found.get() {
        Found::Here(_) => vec![],
        Found::Coming => vec![Part::words("hint", say("findings.coming"))],
        Found::Missing(why) => {
            let base = again.clone();
            let retry = Part::button("button", say("findings.retry"), move || fetch(base.clone(), found));
            vec![Part::words("hint", why), retry]
        }
    };
    view! {
        <div class="stage findings">
            <Parts content=Box::new(message) />
            <Parts content=of(tables::conditioning) />
            <Parts content=of(tables::training) />
            <Parts content=of(tables::sampling_head) />
            <Mount live=ways />
            <Parts content=of(tables::sampling) />
            <Parts content=of(tables::flow_head) />
            <Parts content=of(tables::flow_data::<0>) />
            <Mount live=flow(tables::name_of_pair::<0>, tables::over_steps::<0>) />
            <Parts content=of(tables::flow::<0>) />
            <Parts content=of(tables::flow_data::<1>) />
            <Mount live=flow(tables::name_of_pair::<1>, tables::over_steps::<1>) />
            <Parts content=of(tables::flow::<1>) />
            <Parts content=of(tables::smaller) />
        </div>
    }
}

fn fetch(base: String, found: RwSignal<Found>) {
    found.set(Found::Coming);
    spawn_local(async move {
        let address = format!("{base}assets/findings/findings.json");
        let text = fetch_text(&address).await;
        let read = text.and_then(|text| Findings::read(&text)).map(Box::new);
        let missing = || Found::Missing(say_with("findings.missing", &[("address", &address)]));
        // The visitor may have left the page's part meanwhile.
        let _ = found.try_set(read.map_or_else(missing, Found::Here));
    });
}

/// Lines of Fréchet distances over what is named, hidden as long as there are none.
fn plot(
    found: RwSignal<Found>,
    name: impl Fn(&Findings) -> String + 'static,
    lines: impl Fn(&Findings) -> (Vec<pareto::Line>, Words) + Copy + 'static,
) -> Live {
    let lines = move || found.with(|found| if let Found::Here(all) = found { Some(lines(all)) } else { None });
    let draw = move || lines().map(|(lines, across)| pareto::pareto(&lines, (&across, &say("findings.distance"))));
    let plot = Live::svg("plot pareto", pareto::SIZE).live("html", Box::new(move || draw().unwrap_or_default()));
    let plot = Live::new("div", "").with("role", "img").of(vec![plot]);
    let name = move || found.with(|found| if let Found::Here(all) = found { name(all) } else { String::new() });
    let plot = plot.live("aria-label", Box::new(name));
    plot.live("hidden", Box::new(move || lines().is_none_or(|(lines, _)| lines.is_empty()).to_string()))
}
