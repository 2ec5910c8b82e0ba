//! One column: what one setting makes of the seed.

use super::comparison::{self, Made, strip};
use super::{Event, What, maps, sampler, seconds};
use crate::ui::dom;
use crate::ui::film::{self, Pixels};
use crate::ui::stage::PixelCanvas;
use crate::ui::state::{AppState, Event as Page};
use crate::ui::store::{Moment, Store};
use crate::ui::text;
use crate::ui::theme::Theme;
use crate::ui::words::{say, say_with};
use leptos::html::Div;
use leptos::prelude::*;

/// The scale of x_t's map: standardised latents hardly leave it.
const NOISY: f32 = 3.0;

/// Small pictures of a run, and how many are in a row.
const STRIP: usize = 8;
const IN_ROW: f64 = 4.0;

type Shown = Memo<Option<comparison::Column>>;

/// `largest` is the scale of the differences.
#[component]
pub fn Column(i: usize, largest: Memo<f32>) -> impl IntoView {
    let store = Store::get();
    let column = store.memo(move |state| state.column(i));
    let title = store.memo(move |state| title(state, i));
    let rows = store.memo(|state| state.compare.rows);
    let node = NodeRef::<Div>::new();
    let available: Signal<f64> = dom::width_of(node).into();
    let pixels = move |make: fn(&Moment, usize, f32, bool) -> Option<Pixels>| {
        Signal::derive(move || {
            let dark = store.theme.get() == Theme::Dark;
            let shown = column.get()?;
            make(&shown.moment?, shown.picture, largest.get(), dark)
        })
    };
    let picture = pixels(|moment, i, _, _| Some(film::picture(&moment.info, &moment.frame, i)));
    let noisy = pixels(|moment, i, _, dark| Some(maps::noisy(&moment.info, &moment.frame, i)?.pixels(NOISY, dark)));
    let push =
        pixels(|moment, i, most, dark| Some(maps::difference(&moment.info, &moment.frame, i)?.pixels(most, dark)));
    let across = Signal::derive(move || {
        column.with(|column| column.as_ref().and_then(|c| c.moment.as_ref()).map_or(1, |m| m.info.image_shape[1]))
    });
    let spoken = move |what: &'static str| {
        Signal::derive(move || column.with(|column| spoken(&title.get(), what, column.as_ref())))
    };
    let no_preview = move || {
        let is_preview =
            |shown: &comparison::Column| shown.moment.as_ref().is_some_and(|m| m.frame.is_preview(shown.picture));
        column.with(|column| !column.as_ref().is_some_and(is_preview))
    };
    let map = move |name: Signal<String>, map: Signal<Option<Pixels>>, label| {
        view! {
            <p class="hint two-lines">{name}</p>
            <div class="column-picture"><PixelCanvas pixels=map available label /></div>
        }
    };
    let push_name = Signal::derive(move || column.with(|column| push_name(column.as_ref())));
    let noisy_name = Signal::derive(|| say("compare.noisy-name").into_owned());
    view! {
        <section class="column" role="group" aria-label=title>
            <h3 class="column-title">{title}</h3>
            <p class="hint column-state">{move || column.with(|column| progress(column.as_ref()))}</p>
            <div class="column-picture" node_ref=node>
                <PixelCanvas pixels=picture available across label=spoken("") />
                <span class="tag" hidden=no_preview title=say("stage.preview-hint")>{say("stage.preview")}</span>
            </div>
            <p class="column-step two-lines">{move || column.with(|column| place(column.as_ref()))}</p>
            {move || rows.get().noisy.then(|| map(noisy_name, noisy, spoken("xₜ")))}
            {move || rows.get().difference.then(|| map(push_name, push, spoken("cond − uncond")))}
            <Strip i column title available />
            <p class="hint column-state">{move || column.with(|column| distance(column.as_ref()))}</p>
        </section>
    }
}

/// The run at a glance: small x̂0 at even distances, each a way to its step.
#[component]
fn Strip(i: usize, column: Shown, title: Memo<String>, available: Signal<f64>) -> impl IntoView {
    let store = Store::get();
    let steps = Memo::new(move |_| column.with(|column| column.as_ref().map_or(1, |column| column.steps)));
    let places = Memo::new(move |_| strip(steps.get(), STRIP));
    // The gap is the style sheet's.
    let side = Signal::derive(move || ((available.get() - (IN_ROW - 1.0) * 2.0) / IN_ROW).floor());
    let nearest = Memo::new(move |_| {
        let here = column.with(|column| column.as_ref().map_or(0, |column| column.step));
        places.with(|places| places.iter().min_by_key(|place| place.abs_diff(here)).copied())
    });
    let small = move |step: usize| {
        let frame = store.memo(move |state| state.column_frame(i, step));
        let pixels = Signal::derive(move || {
            frame.with(|frame| frame.as_ref().map(|(moment, i)| film::picture(&moment.info, &moment.frame, *i)))
        });
        let name = move || say_with("compare.to-step", &[("column", &title.get()), ("step", &step)]);
        view! {
            <button
                type="button"
                class="strip-step"
                aria-label=name
                aria-current=move || (nearest.get() == Some(step)).then_some("step")
                disabled=move || frame.with(Option::is_none)
                on:click=move |_| store.dispatch(Page::Compare(Event::Seek { column: i, step }))
            >
                <PixelCanvas pixels available=side across=side_of(side) />
            </button>
        }
    };
    view! { <div class="strip">{move || places.get().into_iter().map(small).collect_view()}</div> }
}

/// A small picture fills its place, whatever its own size.
fn side_of(side: Signal<f64>) -> Signal<usize> {
    Signal::derive(move || side.get().max(1.0) as usize)
}

fn title(state: &AppState, i: usize) -> String {
    let what = state.comparison().map_or_else(|| state.compared(), |made| made.what.clone());
    let named = |key, number: &dyn ToString| say_with(key, &[("number", number)]);
    match &what {
        What::Guidance(scales) => scales.get(i).map(|scale| named("compare.column-guidance", scale)),
        What::Steps(steps) => steps.get(i).map(|steps| match steps {
            1 => say("compare.column-step").into_owned(),
            _ => named("compare.column-steps", steps),
        }),
        What::Samplers | What::SomeSamplers(_) => what.samplers().get(i).map(|kind| sampler(*kind).into()),
    }
    .unwrap_or_default()
}

/// Waiting, under way, or how long it took.
fn progress(column: Option<&comparison::Column>) -> String {
    let Some(column) = column else { return String::new() };
    match (column.made, column.total_ms) {
        (Made::Waiting, _) => say("compare.waiting").into_owned(),
        (Made::Running, _) => say("compare.running").into_owned(),
        (Made::Stopped, _) => say("compare.stopped").into_owned(),
        (Made::Not, _) => say("compare.not-made").into_owned(),
        (Made::Done, None) => say("compare.done").into_owned(),
        (Made::Done, Some(total_ms)) => {
            let step = column.ms_per_step.map(text::ms_per_step).unwrap_or_default();
            say_with("compare.time", &[("seconds", &seconds(total_ms)), ("step", &step)])
        }
    }
}

/// Its own step and t, in two lines.
fn place(column: Option<&comparison::Column>) -> String {
    let moment = column.and_then(|column| Some((column, column.moment.as_ref()?)));
    let Some((column, moment)) = moment else { return String::new() };
    let t = film::place(&moment.info, column.step).0;
    say_with("compare.place", &[("step", &column.step), ("steps", &column.steps), ("t", &t)])
}

fn distance(column: Option<&comparison::Column>) -> String {
    let Some(column) = column else { return String::new() };
    match column.distance {
        None => String::new(),
        Some(_) if column.is_reference => say("compare.reference").into_owned(),
        Some(rms) => say_with("compare.distance", &[("rms", &format!("{rms:.1}"))]),
    }
}

/// The difference map's name with its size as a number, or why there is none.
fn push_name(column: Option<&comparison::Column>) -> String {
    let shown = column.and_then(|column| Some((column, column.moment.as_ref()?)));
    let map = shown.and_then(|(column, moment)| maps::difference(&moment.info, &moment.frame, column.picture));
    match (map, shown) {
        (Some(map), _) => say_with("compare.difference-rms", &[("rms", &format!("{:.3}", map.rms()))]),
        (None, Some((column, _))) if column.step == column.steps => say("compare.no-difference-end").into_owned(),
        (None, Some(_)) => say("compare.no-difference").into_owned(),
        (None, None) => say("compare.difference-name").into_owned(),
    }
}

/// A picture in words: of which column, what, and where it stands.
fn spoken(title: &str, what: &str, column: Option<&comparison::Column>) -> String {
    let Some(column) = column else { return title.into() };
    let column_name = if what.is_empty() { title.to_owned() } else { format!("{title}, {what}") };
    let values: [(&str, &dyn ToString); 3] =
        [("column", &column_name), ("step", &column.step), ("steps", &column.steps)];
    say_with("compare.spoken", &values)
}
