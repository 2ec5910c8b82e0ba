//! The tour's panel: beside the stage, on a small screen at the lower edge. Never over the stage, and not modal.

use super::pictures;
use crate::ui::dom;
use crate::ui::parts::{Part, Parts};
use crate::ui::plots::SchedulePlot;
use crate::ui::store::Store;
use ditscope_page_state::models;
use ditscope_page_state::tour::{self, Chapter, Look};
use ditscope_page_state::tour::{Depth, Drive, Event, Obstacle, Progress};
use ditscope_page_state::{Event as PageEvent, Page};
use ditscope_words::notices::notice;
use ditscope_words::{Words, say, say_with};
use leptos::html::{Aside, Div};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement, KeyboardEvent};

/// The panel, its heading, and the button in the page's header that opens it.
pub const PANEL: &str = "tour";
const TITLE: &str = "tour-title";
pub const OPENER: &str = "tour-button";

/// Smaller than that no formula can be read.
const LEAST_FIT: f64 = 0.55;
/// Beside a formula; the style sheet's.
const PADDING: i32 = 12;

/// `opened_before`: the page began with it, so the focus is not its.
#[component]
pub fn TourPanel(opened_before: RwSignal<bool>) -> impl IntoView {
    // Long: one piece of markup and the effects that keep its scroll and focus.
    let store = Store::get();
    let panel = NodeRef::<Aside>::new();
    let body = NodeRef::<Div>::new();
    let open = store.memo(|state| state.tour_is_open());
    let folded = RwSignal::new(false);
    let place = store.memo(place);
    move_focus(open, opened_before, panel);
    // The texts are read by code of this part: when that did not come, they did not either.
    if store.peek(|state| state.tour.failed.is_some()) {
        spawn_local(async move { store.dispatch(PageEvent::Tour(Event::Retry)) });
    }
    // A new text is shown from its beginning, and what it explains is scrolled into sight.
    let text = Memo::new(move |_| place.with(|place| (place.chapter, place.depth)));
    dom::effect(Box::new(move || {
        text.track();
        if let Some(body) = body.get() {
            body.set_scroll_top(0);
        }
    }));
    let shown = Memo::new(move |_| place.with(|place| (place.chapter, place.step)));
    dom::effect(Box::new(move || {
        if let ((Some(_), _), Some(panel)) = (shown.get(), panel.get()) {
            // When the layout has made room for the panel.
            request_animation_frame(move || show_stage(&panel));
        }
    }));
    make_formulas_fit(body, place);
    let no_plot = store.memo(|state| state.tour.wish(state).is_none_or(|wish| wish.look != Look::Schedule));
    let on_key = move |event: KeyboardEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let is = |class: &str| target.as_ref().is_some_and(|target| target.class_list().contains(class));
        match event.key().as_str() {
            "Escape" => {
                event.prevent_default();
                store.dispatch(PageEvent::Tour(Event::Toggle));
            }
            // What scrolls the text does not move the timeline.
            " " | "Home" | "End" if is("tour-body") || is("tour-formula") => event.stop_propagation(),
            "ArrowLeft" | "ArrowRight" if is("tour-formula") => event.stop_propagation(),
            _ => {}
        }
    };
    view! {
        <aside
            class="tour"
            class:folded=folded
            id=PANEL
            aria-label=say("tour.name")
            hidden=move || !open.get()
            node_ref=panel
            on:keydown=on_key
        >
            <h2 id=TITLE tabindex="-1" aria-live="polite" translate="no">{move || place.get().title}</h2>
            <div class="tour-head">
                <button
                    type="button"
                    class="quiet icon tour-fold"
                    aria-label=say("tour.fold")
                    title=say("tour.fold")
                    aria-expanded=move || (!folded.get()).to_string()
                    on:click=move |_| folded.update(|folded| *folded = !*folded)
                >
                    <svg viewBox="0 0 12 12" width="14" height="14" aria-hidden="true">
                        <path d="m2 4 4 4 4-4" fill="none" stroke="currentColor" stroke-width="1.5" />
                    </svg>
                </button>
                <button
                    type="button"
                    class="quiet icon"
                    aria-label=say("tour.close")
                    title=say("tour.close-hint")
                    on:click=move |_| store.dispatch(PageEvent::Tour(Event::Toggle))
                >
                    "✕"
                </button>
            </div>
            <Chapters place />
            <Depths />
            <div class="tour-body" tabindex="0" role="region" aria-labelledby=TITLE node_ref=body>
                <Parts
                    content=Box::new(move || place.with(|_| store.peek(|state| content(store, state))))
                    update=Box::new(move |place| pictures::draw(store, place))
                />
                <div hidden=no_plot>
                    <SchedulePlot in_tour=true />
                </div>
            </div>
            <Parts content=Box::new(move || store.with(|state| foot(store, state))) />
        </aside>
    }
}

/// Where in the tour the visitor is: what the text depends on.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    language: Option<&'static str>,
    chapter: Option<usize>,
    count: usize,
    title: String,
    step: Option<usize>,
    depth: Depth,
    failed: bool,
}

fn place(state: &Page) -> Place {
    let tour = &state.tour;
    let chapter = state.tour.chapter(state);
    Place {
        language: tour.book.as_ref().map(|book| book.language.code()),
        chapter: chapter.map(|(at, _)| at),
        count: tour.book.as_ref().map_or(0, |book| book.chapters.len()),
        title: chapter.map_or_else(|| say("tour.name").into_owned(), |(_, chapter)| chapter.title.clone()),
        step: tour.step,
        depth: tour.depth,
        failed: tour.failed.is_some(),
    }
}

/// Previous, the list of chapters, next.
#[component]
fn Chapters(place: Memo<Place>) -> impl IntoView {
    let store = Store::get();
    let at = Memo::new(move |_| place.with(|place| place.chapter.unwrap_or(0)));
    let first = Memo::new(move |_| at.get() == 0);
    let last = Memo::new(move |_| place.with(|place| at.get() + 1 >= place.count));
    let titles = store.memo(|state| {
        let chapters = state.tour.book.as_ref().map(|book| &book.chapters);
        chapters.into_iter().flatten().map(|chapter| chapter.title.clone()).collect::<Vec<_>>()
    });
    let options = move || {
        let option = |(i, title): (usize, String)| {
            view! {
                <option value=i.to_string() selected=move || at.get() == i>
                    {format!("{}. {title}", i + 1)}
                </option>
            }
        };
        titles.get().into_iter().enumerate().map(option).collect_view()
    };
    let progress = move || {
        let count = place.with(|place| place.count);
        say_with("tour.progress", &[("at", &(at.get() + 1).min(count)), ("of", &count)])
    };
    // At the end the tour is over; that the button stays keeps the focus on it.
    let next = move |_| {
        let event = if last.get_untracked() { Event::Toggle } else { Event::Turn(1) };
        store.dispatch(PageEvent::Tour(event));
    };
    view! {
        <div class="tour-nav">
            <button
                type="button"
                aria-label=say("tour.previous")
                title=say("tour.previous-hint")
                aria-disabled=move || first.get().to_string()
                on:click=move |_| store.dispatch(PageEvent::Tour(Event::Turn(-1)))
            >
                "‹"
            </button>
            <select
                aria-label=say("tour.chapter")
                prop:value=move || at.get().to_string()
                on:change=move |event| {
                    if let Ok(chapter) = event_target_value(&event).parse() {
                        store.dispatch(PageEvent::Tour(Event::Chapter(chapter)));
                    }
                }
            >
                {options}
            </select>
            <span class="tour-progress" translate="no">{progress}</span>
            <button type="button" class="primary" title=say("tour.next-hint") on:click=next>
                {move || if last.get() { say("tour.finish") } else { say("tour.next") }}
            </button>
        </div>
    }
}

/// How a chapter is told, as radio buttons.
#[component]
fn Depths() -> impl IntoView {
    let store = Store::get();
    let chosen = store.memo(|state| state.tour.depth);
    let depth = |depth: Depth| {
        view! {
            <label class="tour-depth">
                <input
                    type="radio"
                    name="tour-depth"
                    prop:checked=move || chosen.get() == depth
                    on:change=move |_| store.dispatch(PageEvent::Tour(Event::Deepen(depth)))
                />
                <span>{label(depth)}</span>
            </label>
        }
    };
    view! {
        <div class="tour-depths" role="radiogroup" aria-label=say("tour.depth")>
            {Depth::ALL.map(depth).collect_view()}
        </div>
    }
}

fn label(depth: Depth) -> Words {
    match depth {
        Depth::Words => say("tour.words"),
        Depth::Pictures => say("tour.pictures"),
        Depth::Maths => say("tour.maths"),
    }
}

/// The chapter's text, or why there is none.
fn content(store: Store, state: &Page) -> Vec<Part> {
    let mut parts = vec![];
    if let Some(message) = &state.tour.failed {
        let retry = Part::button("primary", say("tour.retry"), move || {
            store.dispatch(PageEvent::Tour(Event::Retry));
        });
        let words = Part::words("", notice(message));
        parts.push(Part::group("failure", vec![words, Part::group("buttons", vec![retry])]).with("role", "alert"));
    }
    match state.tour.chapter(state) {
        Some((_, chapter)) => parts.extend(match state.tour.depth {
            Depth::Words => chapter.words.iter().map(|words| Part::words("", words)).collect(),
            Depth::Pictures => vec![pictures::steps(store, chapter, state.tour.step)],
            Depth::Maths => maths(chapter),
        }),
        None if parts.is_empty() => parts.push(Part::words("dim", say("tour.fetching"))),
        None => {}
    }
    parts
}

fn maths(chapter: &Chapter) -> Vec<Part> {
    let mut parts = vec![];
    for formula in &chapter.maths {
        // What it says is its name, where it can be scrolled to.
        let shown = Part::group("tour-formula", vec![]).showing(formula.mathml.clone());
        let source = say_with("tour.source", &[("source", &formula.source)]);
        parts.extend([shown, Part::words("", &formula.says), Part::words("dim", source)]);
    }
    parts.push(Part::new("h3", "").saying(say("tour.references").into_owned()));
    let links = chapter.references.iter().map(|(text, url)| {
        let link = Part::new("a", "").with("href", url).with("target", "_blank").with("rel", "noopener noreferrer");
        Part::new("li", "").of(vec![link.saying(text.clone())])
    });
    parts.push(Part::new("ul", "tour-references").of(links.collect()));
    parts
}

/// What the panel says about the page, and the share of the run that is done while there is one.
fn progress(state: &Page) -> (String, Option<f64>) {
    let words = match state.tour.progress(state) {
        Progress::OtherModel => say("tour.other-model"),
        Progress::NotLoaded => say("tour.not-loaded"),
        Progress::Waiting => say("tour.waiting"),
        Progress::Shown => say("tour.shown"),
        Progress::Free => say("tour.free"),
        Progress::Starting => return (say("tour.starting").into(), Some(0.0)),
        Progress::Running { received, steps } => {
            let words = say_with("tour.running", &[("step", &received.min(steps)), ("of", &steps)]);
            return (words, Some(received as f64 / (steps + 1) as f64));
        }
    };
    (words.into(), None)
}

/// How far the page is in showing what the chapter explains. The height of this line does not change.
fn foot(store: Store, state: &Page) -> Vec<Part> {
    if state.tour.chapter(state).is_none() {
        return vec![];
    }
    let (words, share) = progress(state);
    let bar = Part::new("progress", if share.is_some() { "progress" } else { "progress idle" });
    let bar = bar.with("max", "1").with("value", share.unwrap_or_default().to_string()).with("aria-hidden", "true");
    let event = |event: fn() -> PageEvent| move || store.dispatch(event());
    let button = match tour::obstacle(state) {
        Some(Obstacle::OtherModel) => Part::button(
            "",
            say("tour.use-shipped"),
            event(|| PageEvent::UseModel(ditscope_page_state::ModelRef::of_tour())),
        ),
        Some(Obstacle::NotLoaded) => {
            Part::button("", say("tour.load"), event(|| PageEvent::Models(models::Event::Load)))
        }
        _ => {
            let again = Part::button("", say("tour.again"), event(|| PageEvent::Tour(Event::Again)));
            let busy = matches!(state.tour.drive, Drive::Waiting | Drive::Running { .. });
            again.with("aria-disabled", busy.to_string())
        }
    };
    vec![Part::group("tour-foot", vec![bar, Part::words("dim", words), button])]
}

/// The focus goes to the panel when the visitor opens it and, if it is in there, back to where it was in the end.
fn move_focus(open: Memo<bool>, opened_before: RwSignal<bool>, panel: NodeRef<Aside>) {
    let before = StoredValue::new_local(None::<HtmlElement>);
    let was_open = StoredValue::new(opened_before.get_untracked());
    dom::effect(Box::new(move || {
        let (now, was) = (open.get(), was_open.get_value());
        was_open.set_value(now);
        let active = document().active_element();
        match (was, now) {
            (false, true) => {
                before.set_value(active.and_then(|active| active.dyn_into().ok()));
                dom::focus_soon(TITLE);
            }
            (true, false) => {
                let inside = panel.get_untracked().is_some_and(|panel| panel.contains(active.as_deref()));
                let back = before.try_update_value(Option::take).flatten();
                let back = back.filter(|back| back.is_connected() && back.tag_name() != "BODY");
                match back.filter(|_| inside) {
                    Some(back) => drop(back.focus()),
                    None if inside => dom::focus_soon(OPENER),
                    None => {}
                }
            }
            _ => {}
        }
    }));
}

/// Formulas that are wider than the panel become smaller. One that could not be read so can be scrolled with the keyboard;
/// others are no stop for it.
fn make_formulas_fit(body: NodeRef<Div>, place: Memo<Place>) {
    let width = dom::width_of(body);
    dom::effect(Box::new(move || {
        place.track();
        width.track();
        let Some(body) = body.get() else { return };
        request_animation_frame(move || {
            let Ok(boxes) = body.query_selector_all(".tour-formula") else { return };
            for formula in (0..boxes.length()).filter_map(|i| boxes.get(i)?.dyn_into::<Element>().ok()) {
                let wide = || formula.scroll_width() > formula.client_width();
                let _ = formula.remove_attribute("style");
                if wide() {
                    let without_padding = |width: i32| f64::from(width - 2 * PADDING).max(1.0);
                    let fit = without_padding(formula.client_width()) / without_padding(formula.scroll_width());
                    dom::set_attribute(&formula, "style", &format!("--fit: {:.3}", (fit * 0.98).max(LEAST_FIT)));
                }
                let _ = match wide() {
                    true => formula.set_attribute("tabindex", "0"),
                    false => formula.remove_attribute("tabindex"),
                };
            }
        });
    }));
}

/// Brings the stage into sight: above a panel at the lower edge as far up as it goes, else only if it is not.
fn show_stage(panel: &Element) {
    let Ok(Some(stage)) = document().query_selector(".tabs") else { return };
    let top = stage.get_bounding_client_rect().top();
    let sheet = panel.get_bounding_client_rect().top() > top + 100.0;
    if sheet || top < 0.0 {
        stage.scroll_into_view();
    }
}
