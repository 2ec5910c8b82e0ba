//! Every step of the run: a slider over thumbnails of x̂0, with a player.

mod hold;

use ditscope_page_state::timeline::{Event, Pacing, Speed};
pub use hold::HoldButtons;

use super::controls::fill;
use super::dom;
use super::parts::{Part, Parts};
use super::stage::PixelCanvas;
use super::store::Store;
use ditscope_page_state::film::{self, Film};
use ditscope_page_state::{self as app, Page};
use ditscope_words::text;
use ditscope_words::{Words, say, say_with};
use gloo::timers::callback::Interval;
use leptos::html::Div;
use leptos::prelude::*;

#[component]
pub fn Timeline() -> impl IntoView {
    // Long: one slider with all its keys and buttons, in one piece of markup.
    let store = Store::get();
    run_player(store);
    let steps = store.memo(|state| state.shown().map_or(0, Film::steps));
    let last = store.memo(|state| state.shown().map_or(0, Film::last));
    let position = store.memo(|state| state.timeline.position);
    let empty = store.memo(|state| state.shown().is_none_or(|film| film.is_empty()));
    let playing = store.memo(|state| state.timeline.playing);
    let not_live = store.memo(|state| !state.is_running() || state.run.film.is_none() || state.timeline.follow);
    let spoken = store
        .memo(|state| state.shown().map(|f| text::spoken_position(f, state.timeline.position)).unwrap_or_default());
    let memory = store.memo(memory);
    let loops = store.memo(|state| state.loops());
    let play_icon = Signal::derive(move || if playing.get() { "M8 5v14M16 5v14" } else { "M8 5l11 7-11 7z" });
    let style = move || {
        let there = fill(last.get() as f64, 0.0, steps.get() as f64).replace("--fill", "--there");
        format!("{}; {there}", fill(position.get() as f64, 0.0, steps.get() as f64))
    };
    view! {
        <section class="timeline" aria-label=say("timeline.name")>
            <Thumbnails />
            <input
                type="range"
                class="scrubber"
                aria-label=say("timeline.slider")
                aria-valuetext=move || spoken.get()
                min="0"
                max=move || steps.get().max(1).to_string()
                step="1"
                disabled=move || empty.get()
                prop:style=style
                prop:value=move || {
                    // A slider keeps within its maximum, so it is told again when that changes.
                    steps.track();
                    position.get().to_string()
                }
                on:input=move |event| {
                    if let Ok(position) = event_target_value(&event).parse() {
                        store.dispatch(app::Event::Timeline(Event::Seek(position)));
                        // The slider may have gone beyond the newest frame, or to one that is not kept.
                        let kept = store.peek(|state| state.timeline.position).to_string();
                        event_target::<web_sys::HtmlInputElement>(&event).set_value(&kept);
                    }
                }
            />
            <div class="playback">
                <p class="memory" translate="no" title=say("timeline.hint-memory")>{memory}</p>
                <div class="player" role="group" aria-label=say("timeline.playback")>
                    <PlayerButton
                        name=say("timeline.first")
                        title=say("timeline.hint-first")
                        path="M6 5v14M18 5 9 12l9 7z"
                        empty
                        event=app::Event::Timeline(Event::Seek(0))
                    />
                    <PlayerButton
                        name=say("timeline.previous")
                        title=say("timeline.hint-previous")
                        path="M16 5 7 12l9 7z"
                        empty
                        event=app::Event::Timeline(Event::Step(-1))
                    />
                    <button
                        type="button"
                        class="icon play"
                        disabled=move || empty.get()
                        aria-label=move || if playing.get() { say("timeline.pause") } else { say("timeline.play") }
                        title=say("timeline.hint-play")
                        on:click=move |_| store.dispatch(app::Event::Timeline(Event::TogglePlay))
                    >
                        <Icon path=play_icon />
                    </button>
                    <PlayerButton
                        name=say("timeline.next")
                        title=say("timeline.hint-next")
                        path="M8 5l9 7-9 7z"
                        empty
                        event=app::Event::Timeline(Event::Step(1))
                    />
                    <PlayerButton
                        name=say("timeline.last")
                        title=say("timeline.hint-last")
                        path="M18 5v14M6 5l9 7-9 7z"
                        empty
                        event=app::Event::Timeline(Event::Seek(usize::MAX))
                    />
                </div>
                <div class="pace">
                    <button
                        type="button"
                        class="live"
                        hidden=not_live
                        title=say("timeline.hint-live")
                        on:click=move |_| store.dispatch(app::Event::Timeline(Event::SeekNewest))
                    >
                        {say("timeline.live")}
                    </button>
                    <button
                        type="button"
                        class="icon loop"
                        aria-label=say("timeline.loop")
                        aria-pressed=move || loops.get().to_string()
                        title=say("timeline.hint-loop")
                        on:click=move |_| store.dispatch(app::Event::Timeline(Event::ToggleLoop))
                    >
                        <Outline path="M17 3l3.5 3.5L17 10M20 6.5H8a4.5 4.5 0 0 0-4.5 4.5M7 21l-3.5-3.5L7 14M4 17.5h12a4.5 4.5 0 0 0 4.5-4.5" />
                    </button>
                    <Parts content=Box::new(move || pace(store)) />
                    <Speeds />
                </div>
            </div>
        </section>
    }
}

/// How the time of the film is given to its steps.
fn pace(store: Store) -> Vec<Part> {
    let by_change = store.with(|state| state.kept.pacing) == Pacing::ByChange;
    let other = if by_change { Pacing::Even } else { Pacing::ByChange };
    let change = move || store.dispatch(app::Event::Pace(other));
    let button = Part::button("view-chip", say("timeline.by-change"), change);
    vec![button.with("title", say("timeline.hint-pacing")).with("aria-pressed", by_change.to_string())]
}

/// How fast the player goes.
#[component]
fn Speeds() -> impl IntoView {
    let store = Store::get();
    let speed = store.memo(|state| state.timeline.speed);
    let list = move || {
        let words = |choice: Speed| format!("{}×", choice.factor());
        let of = |choice: Speed| (words(choice), words(choice), choice == speed.get());
        dom::options(Speed::ALL.map(of).into())
    };
    let choose = move |event: web_sys::Event| {
        let at = event_target::<web_sys::HtmlSelectElement>(&event).selected_index();
        if let Some(speed) = usize::try_from(at).ok().and_then(|at| Speed::ALL.get(at)) {
            store.dispatch(app::Event::Timeline(Event::Speed(*speed)));
        }
    };
    view! {
        <select
            class="speed"
            aria-label=say("timeline.speed")
            title=say("timeline.hint-speed")
            prop:innerHTML=list
            on:change=choose
        ></select>
    }
}

/// `12 MB · every frame`
fn memory(state: &Page) -> String {
    let Some(film) = state.shown().filter(|film| !film.is_empty()) else { return String::new() };
    let bytes = text::bytes(film.bytes() as u64);
    match film.stride() {
        1 => say_with("timeline.memory-all", &[("bytes", &bytes)]),
        stride => say_with("timeline.memory-some", &[("bytes", &bytes), ("stride", &stride)]),
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
    let position = store.memo(|state| state.timeline.position);
    let thumb = move |at: usize| {
        // One thumbnail redraws when its frame comes or changes, not with every event.
        let frame = store.memo(move |state| {
            let film = state.shown()?;
            let frame = film.at(at)?.clone();
            Some(film::Moment { info: film.info.clone(), frame })
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
            <div class="slot" class:here=nearest on:click=move |_| store.dispatch(app::Event::Timeline(Event::Seek(at)))>
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
fn PlayerButton(name: Words, title: Words, path: &'static str, empty: Memo<bool>, event: app::Event) -> impl IntoView {
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

#[component]
fn Outline(path: &'static str) -> impl IntoView {
    view! {
        <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
            <path d=path fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round" />
        </svg>
    }
}

/// Ticks while a film plays.
fn run_player(store: Store) {
    let beat = store.memo(|state| {
        let film = state.shown().filter(|_| state.timeline.playing)?;
        Some(state.timeline.beat(film, state.kept.pacing))
    });
    let clock = StoredValue::new_local(None::<Interval>);
    dom::effect(Box::new(move || {
        clock.set_value(
            beat.get().map(|ms| Interval::new(ms, move || store.dispatch(app::Event::Timeline(Event::Tick)))),
        );
    }));
}
