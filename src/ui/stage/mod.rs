//! The stage: a step of the run in several views, with the picture x̂0 that the model sees in it as the large one.

mod canvas;
mod offer;
mod probe;
mod views;

pub use canvas::PixelCanvas;
use ditscope_page_state::stage::{ViewKind, Views};
use offer::Offer;
use probe::Probe;
use views::{Chooser, Flow, StepView};

use super::dom;
use super::later::{Later, Make, later};
use super::sound::Sound;
use super::store::Store;
use super::take::SaveButton;
use super::word::Word;
use ditscope_page_state::film::{self, Moment};
use ditscope_page_state::models::non_commercial;
use ditscope_page_state::run;
use ditscope_page_state::take::{self, Export};
use ditscope_page_state::timeline;
use ditscope_page_state::{self as app, Choice, Page, PageDepth, RunState};
use ditscope_words::stage as words;
use ditscope_words::text;
use ditscope_words::{say, say_with};
use leptos::html::Div;
use leptos::prelude::*;

later! {
    word word: Make = |_| {
        ditscope_words::add(ditscope_words::word());
        dom::add_style(include_str!("../word/word.later.css"));
        view! { <Word /> }.into_any()
    };
}

#[component]
pub fn Stage(models: RwSignal<bool>) -> impl IntoView {
    let store = Store::get();
    let not_recorded = store.memo(|state| state.shown().is_none_or(|film| !film.recorded));
    let caption = store.memo(|state| state.shown().map(text::caption).unwrap_or_default());
    let restricted = store.memo(restricted);
    let changed = store.memo(|state| if state.is_set_otherwise() { say("run.changed") } else { "".into() });
    let (on, spells) = (store.memo(views_on), store.memo(|state| state.has_text()));
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let narrow = Memo::new(move |_| width.get() > 0.0 && dom::prefers("(max-width: 699px)"));
    let small = Memo::new(move |_| on.with(|on| on.iter().filter(|kind| **kind != ViewKind::X0).count()));
    // On a phone one map alone lies in a row above the picture, which then keeps its place on the screen.
    let in_row = Signal::derive(move || narrow.get() && small.get() == 1 && on.with(|on| on.contains(&ViewKind::X0)));
    let probe = Probe::new(store, in_row);
    let large = move || on.with(|on| on.contains(&ViewKind::X0));
    let strip = Memo::new(move |_| on.with(|on| Views::is_strip(on)));
    let views = move || {
        let kinds = on.with(|on| Views::beside(on)).into_iter();
        let flow = |kind| strip.get().then(|| view! { <Flow kind /> });
        kinds.map(|kind| view! { <StepView kind in_row probe /> {flow(kind)} }).collect_view()
    };
    // From a clean latent to the picture it takes no model.
    let decodes = Memo::new(move |_| on.with(|on| on.contains(&ViewKind::X0Latent) && !on.contains(&ViewKind::XT)));
    view! {
        <div class="stage">
            <p class="stage-caption" translate="no">
                <span class="recorded" hidden=not_recorded title=say("stage.recorded-hint")>{say("stage.recorded")}</span>
                <span class="caption">{caption}</span>
                <span class="tag warn" title=say("models.non-commercial")>{restricted}</span>
                <span class="tag warn">{changed}</span>
            </p>
            <Chooser />
            <div
                class="views"
                class:large=large
                class:chain=strip
                class:finished=store.memo(is_finished)
                data-small=move || small.get().to_string()
                node_ref=node
                on:pointermove=move |event| probe.point(&event)
                on:pointerdown=move |event| probe.point(&event)
                on:pointerleave=move |event| probe.leave(&event)
                on:keydown=move |event| probe.key(&event)
                on:mousedown=move |event| probe::leave_focus(&event)
            >
                <div class="step-views" class:in-row=in_row>{views}</div>
                <div class="arrow" aria-hidden="true">
                    <span>{move || if decodes.get() { say("stage.decoder") } else { say("stage.model") }}</span>
                    <svg viewBox="0 0 48 12">
                        <path d="M0 6h44M39 1.5 44.5 6 39 10.5" fill="none" stroke="currentColor" stroke-width="1.5" />
                    </svg>
                </div>
                {move || large().then(|| view! { <Predicted models probe /> })}
            </div>
            <Sound />
            {move || spells.get().then(|| view! { <Later class="word" part=word with=models /> })}
            <Readout probe />
        </div>
    }
}

/// A licence that restricts what may be done with the picture.
fn restricted(state: &Page) -> String {
    let license = state.license();
    if non_commercial(license) { license.to_owned() } else { String::new() }
}

/// The views that are on; without a run there is nothing to see but the offer in the place of the picture.
fn views_on(state: &Page) -> Vec<ViewKind> {
    match state.shown() {
        Some(_) => state.views.on().to_vec(),
        None => Views::default().on().to_vec(),
    }
}

/// Whether the stage is at the end of the run, where there is no noise and no model any more.
fn is_finished(state: &Page) -> bool {
    state.shown().is_some_and(|film| state.timeline.position >= film.steps())
}

/// The large picture x̂0, or all of them, with its name.
#[component]
fn Predicted(models: RwSignal<bool>, probe: Probe) -> impl IntoView {
    let store = Store::get();
    let finished = store.memo(is_finished);
    let preview = Memo::new(move |_| {
        let selected = store.selected.get();
        let is_preview = |moment: &Moment| moment.frame.is_preview(selected);
        store.moment.with(|moment| moment.as_ref().is_some_and(is_preview))
    });
    let name = move || if finished.get() { say("stage.x0-finished") } else { words::name(ViewKind::X0) };
    let preview = move || if preview.get() { say("stage.preview") } else { "".into() };
    view! {
        <figure class="picture-view">
            <figcaption title=words::hint(ViewKind::X0)>
                {move || words::with_symbol(&name()).0.to_owned()}<var>{move || words::with_symbol(&name()).1.to_owned()}</var>
                <span class="tag" title=say("stage.preview-hint")>{preview}</span>
            </figcaption>
            <Pictures models probe />
        </figure>
    }
}

/// All pictures x̂0; with more than one, each is a button that selects it.
#[component]
fn Pictures(models: RwSignal<bool>, probe: Probe) -> impl IntoView {
    let store = Store::get();
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    // A run that begins keeps the elements of the one before: what is made anew leaves a trace in signals that seldom change.
    let count = store.memo(|state| state.shown().map_or(0, |film| film.info.num_images));
    let columns = move || (count.get() as f64).sqrt().ceil().max(1.0);
    // The gap is the style sheet's.
    const GAP: f64 = 2.0;
    let available = Signal::derive(move || ((width.get() - (columns() - 1.0) * GAP) / columns()).floor());
    let pixels = move |i: usize| {
        Signal::derive(move || store.moment.with(|m| m.as_ref().map(|m| film::picture(&m.info, &m.frame, i))))
    };
    // A preview is as large as the picture that it stands for.
    let shape = store.memo(|state| state.shown().map_or([1, 1], |film| film.info.image_shape));
    let across = Signal::derive(move || shape.get()[1]);
    let label = store.memo(|state| {
        let film = state.shown();
        film.map(|film| format!("{}, {}", film.label, text::spoken_position(film, state.timeline.position)))
            .unwrap_or_default()
    });
    let one = move || {
        view! {
            <div class="plate" tabindex="0" role="img" aria-label=label data-view=ViewKind::X0.name()>
                <PixelCanvas pixels=pixels(0) available across />
                <i class="spot" prop:style=move || probe.spot(ViewKind::X0)></i>
            </div>
        }
    };
    let many = move || {
        (0..count.get())
            .map(|i| {
                view! {
                    <button
                        type="button"
                        class="pick"
                        data-view=ViewKind::X0.name()
                        data-picture=i.to_string()
                        aria-label=say_with("stage.picture", &[("number", &(i + 1)), ("count", &count.get())])
                        aria-pressed=move || (store.selected.get() == i).to_string()
                        on:click=move |_| store.dispatch(app::Event::Timeline(timeline::Event::Select(i)))
                    >
                        <PixelCanvas pixels=pixels(i) available across />
                    </button>
                }
            })
            .collect_view()
    };
    view! {
        <div class="frame" node_ref=node prop:style=move || room(columns(), shape.get())>
            {move || match count.get() {
                0 => view! { <Offer models /> }.into_any(),
                1 => one().into_any(),
                _ => view! { <div class="grid" role="group" aria-label=say("stage.pictures")>{many()}</div> }.into_any(),
            }}
        </div>
    }
}

/// The frame of so many columns of pictures: words are wide.
fn room(columns: f64, [height, width]: [usize; 2]) -> String {
    format!("--columns: {columns}; aspect-ratio: {width} / {height}")
}

/// Where the stage is in the run, and what can be done with it.
#[component]
fn Readout(probe: Probe) -> impl IntoView {
    let store = Store::get();
    let readout = store.memo(place);
    let line = NodeRef::<leptos::html::P>::new();
    dom::effect(Box::new(move || {
        let (Some(line), (words, spoken)) = (line.get(), probe.reading()) else { return };
        let _ = line.set_attribute("aria-live", if spoken { "polite" } else { "off" });
        if line.text_content().as_deref() != Some(&words) {
            line.set_text_content(Some(&words));
        }
    }));
    let own = store.memo(|state| state.run.film.as_ref().is_some_and(|film| !film.is_empty()));
    let done = store.memo(|state| matches!(state.run.state, RunState::Done { .. }));
    let no_previews = store.memo(|state| !state.has_previews());
    let cannot_decode = store.memo(|state| !state.can_decode());
    let again = move |_| {
        store.dispatch(app::Event::Choose(Choice::Seed(dom::random_seed())));
        store.dispatch(app::Event::Generate);
    };
    view! {
        <div class="readout">
            <div class="place" translate="no">
                <p>{readout}</p>
                <p class="probed" node_ref=line></p>
            </div>
            <div class="buttons">
                <button
                    type="button"
                    class="decode"
                    hidden=no_previews
                    disabled=cannot_decode
                    title=say("stage.decode-hint")
                    on:click=move |_| store.dispatch(app::Event::Run(run::Event::DecodeStep))
                >
                    {say("stage.decode")}
                </button>
                <button
                    type="button"
                    disabled=move || !own.get()
                    title=say("stage.download-hint")
                    on:click=move |_| store.dispatch(app::Event::Take(take::Event::Make(Export::Png)))
                >
                    {say("stage.download")}
                </button>
                <SaveButton brief=false />
                <button
                    type="button"
                    disabled=move || !done.get()
                    title=say("stage.another-hint")
                    on:click=again
                >
                    {say("stage.another")}
                </button>
            </div>
        </div>
    }
}

/// Where the stage is in the run: of the simple page, only the step.
fn place(state: &Page) -> String {
    let Some(film) = state.shown().filter(|film| !film.is_empty()) else { return "\u{a0}".into() };
    let words = if state.depth() == PageDepth::Full { text::readout } else { text::step_of };
    words(film, state.timeline.position)
}
