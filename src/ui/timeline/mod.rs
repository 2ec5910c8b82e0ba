//! Every step of the run: a slider over thumbnails of x̂0, with a player.

use super::controls::fill;
use super::dom;
use super::film::{self, Film};
use super::stage::PixelCanvas;
use super::state::Event;
use super::store::Store;
use super::text;
use super::update::tick_ms;
use gloo::timers::callback::Interval;
use leptos::html::Div;
use leptos::prelude::*;

#[component]
pub fn Timeline() -> impl IntoView {
    let store = Store::get();
    run_player(store);
    let steps = store.memo(|state| state.shown().map_or(0, Film::steps));
    let last = store.memo(|state| state.shown().map_or(0, Film::last));
    let position = store.memo(|state| state.view.position);
    let empty = store.memo(|state| state.shown().is_none_or(|film| film.is_empty()));
    let playing = store.memo(|state| state.view.playing);
    let not_live = store.memo(|state| !state.is_running() || state.film.is_none() || state.view.follow);
    let spoken =
        store.memo(|state| state.shown().map(|f| text::spoken_position(f, state.view.position)).unwrap_or_default());
    let play_icon = Signal::derive(move || if playing.get() { "M8 5v14M16 5v14" } else { "M8 5l11 7-11 7z" });
    let style = move || {
        let there = fill(last.get() as f64, 0.0, steps.get() as f64).replace("--fill", "--there");
        format!("{}; {there}", fill(position.get() as f64, 0.0, steps.get() as f64))
    };
    view! {
        <section class="timeline" aria-label="Timeline of the run">
            <Thumbnails />
            <input
                type="range"
                class="scrubber"
                aria-label="Timeline"
                aria-valuetext=move || spoken.get()
                min="0"
                max=move || steps.get().max(1).to_string()
                step="1"
                disabled=move || empty.get()
                style=style
                prop:value=move || position.get().to_string()
                on:input=move |event| {
                    if let Ok(position) = event_target_value(&event).parse() {
                        store.dispatch(Event::Seek(position));
                        // The slider may have gone beyond the newest frame.
                        let kept = store.peek(|state| state.view.position).to_string();
                        event_target::<web_sys::HtmlInputElement>(&event).set_value(&kept);
                    }
                }
            />
            <div class="player">
                <PlayerButton
                    name="First step"
                    title="To pure noise (Home)"
                    path="M6 5v14M18 5 9 12l9 7z"
                    empty
                    event=Event::Seek(0)
                />
                <PlayerButton
                    name="Previous step"
                    title="One step back (←)"
                    path="M16 5 7 12l9 7z"
                    empty
                    event=Event::Step(-1)
                />
                <button
                    type="button"
                    class="icon play"
                    disabled=move || empty.get()
                    aria-label=move || if playing.get() { "Pause" } else { "Play" }
                    title="Play or pause (Space)"
                    on:click=move |_| store.dispatch(Event::TogglePlay)
                >
                    <Icon path=play_icon />
                </button>
                <PlayerButton
                    name="Next step"
                    title="One step on (→)"
                    path="M8 5l9 7-9 7z"
                    empty
                    event=Event::Step(1)
                />
                <PlayerButton
                    name="Last step"
                    title="To the picture (End)"
                    path="M18 5v14M6 5l9 7-9 7z"
                    empty
                    event=Event::Seek(usize::MAX)
                />
                <button
                    type="button"
                    class="live"
                    hidden=not_live
                    title="Go along with the newest step"
                    on:click=move |_| store.dispatch(Event::Live)
                >
                    "Live"
                </button>
            </div>
        </section>
    }
}

/// Small x̂0 of the selected picture at even distances along the track.
#[component]
fn Thumbnails() -> impl IntoView {
    const SIDE: f64 = 36.0;
    let store = Store::get();
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let steps = store.memo(|state| state.shown().map_or(0, Film::steps));
    let places = Memo::new(move |_| {
        let room = ((width.get() + 4.0) / (SIDE + 4.0)).floor().max(2.0) as usize;
        let count = room.min(steps.get() + 1).min(16);
        (0..count).map(|i| (i * steps.get() + (count - 1) / 2) / (count - 1).max(1)).collect::<Vec<_>>()
    });
    let position = store.memo(|state| state.view.position);
    let thumb = move |at: usize| {
        // One thumbnail redraws when its frame comes or changes, not with every event.
        let frame = store.memo(move |state| {
            let film = state.shown()?;
            let frame = film.at(at)?.clone();
            Some(super::store::Moment { info: film.info.clone(), frame })
        });
        let pixels = Signal::derive(move || {
            let picture = store.selected.get();
            frame.with(|m| m.as_ref().map(|m| film::picture(&m.info, &m.frame, picture)))
        });
        let nearest = move || {
            let distance = |place: &usize| place.abs_diff(position.get());
            places.with(|places| places.iter().min_by_key(|place| distance(place)).copied()) == Some(at)
        };
        view! {
            <div class="slot" class:here=nearest on:click=move |_| store.dispatch(Event::Seek(at))>
                <PixelCanvas pixels available=Signal::derive(|| SIDE) />
            </div>
        }
    };
    view! {
        <div class="thumbnails" aria-hidden="true" node_ref=node>
            {move || places.get().into_iter().map(thumb).collect_view()}
        </div>
    }
}

#[component]
fn PlayerButton(
    name: &'static str,
    title: &'static str,
    path: &'static str,
    empty: Memo<bool>,
    event: Event,
) -> impl IntoView {
    let store = Store::get();
    view! {
        <button
            type="button"
            class="icon"
            aria-label=name
            title=title
            disabled=move || empty.get()
            on:click=move |_| store.dispatch(event.clone())
        >
            <Icon path=Signal::derive(move || path) />
        </button>
    }
}

#[component]
fn Icon(path: Signal<&'static str>) -> impl IntoView {
    view! {
        <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
            <path
                d=move || path.get()
                fill="currentColor"
                stroke="currentColor"
                stroke-width="2"
                stroke-linejoin="round"
                stroke-linecap="round"
            />
        </svg>
    }
}

/// Beats while a film plays.
fn run_player(store: Store) {
    let beat = store.memo(|state| {
        let film = state.shown().filter(|_| state.view.playing)?;
        Some(tick_ms(film.steps()))
    });
    let clock = StoredValue::new_local(None::<Interval>);
    dom::effect(Box::new(move || {
        clock.set_value(beat.get().map(|ms| Interval::new(ms, move || store.dispatch(Event::Tick))));
    }));
}
