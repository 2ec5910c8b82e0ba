//! The stage: the noisy latent x_t, and the picture x̂0 that the model sees in it.

mod canvas;
mod offer;
mod state;

pub use canvas::PixelCanvas;
use offer::Offer;
pub use state::{Event, Views};

use super::film::{self, Pixels};
use super::models::non_commercial;
use super::state::{self as app, Choice, RunState, View};
use super::store::{Moment, Store};
use super::take::SaveButton;
use super::theme::Theme;
use super::{colour, dom, text};
use leptos::html::Div;
use leptos::prelude::*;

#[component]
pub fn Stage(models: RwSignal<bool>) -> impl IntoView {
    let store = Store::get();
    let not_recorded = store.memo(|state| state.shown().is_none_or(|film| !film.recorded));
    let caption = store.memo(|state| state.shown().map(text::caption).unwrap_or_default());
    let finished = store.memo(|state| state.shown().is_some_and(|film| state.view.position >= film.steps()));
    let restricted = store.memo(|state| {
        let license = state.license();
        if non_commercial(license) { license.to_owned() } else { String::new() }
    });
    let preview = Memo::new(move |_| {
        let selected = store.selected.get();
        let is_preview = |moment: &Moment| moment.frame.is_preview(selected);
        let preview = store.moment.with(|moment| moment.as_ref().is_some_and(is_preview));
        if preview { text::PREVIEW.to_string() } else { String::new() }
    });
    view! {
        <div class="stage">
            <p class="stage-caption">
                <span class="recorded" hidden=not_recorded>{text::RECORDED}</span>
                <span class="caption">{caption}</span>
                <span class="tag warn" title=text::NON_COMMERCIAL>{restricted}</span>
            </p>
            <div class="views">
                <figure class="latent-view">
                    <figcaption title=text::HINT_X_T><var>"xₜ"</var>" noisy latent"</figcaption>
                    <Latent />
                    <Legend />
                </figure>
                <div class="arrow" aria-hidden="true">
                    <span>"model"</span>
                    <svg viewBox="0 0 48 12">
                        <path d="M0 6h44M39 1.5 44.5 6 39 10.5" fill="none" stroke="currentColor" stroke-width="1.5" />
                    </svg>
                </div>
                <figure class="picture-view">
                    <figcaption title=text::HINT_X0>
                        <var>{move || if finished.get() { "x₀" } else { "x̂₀" }}</var>
                        {move || if finished.get() { " the picture" } else { " predicted picture" }}
                        <span class="tag" title=text::HINT_PREVIEW>{preview}</span>
                    </figcaption>
                    <Pictures models />
                </figure>
            </div>
            <Readout />
        </div>
    }
}

/// The channels of x_t of the selected picture, tiled in a square.
#[component]
fn Latent() -> impl IntoView {
    let store = Store::get();
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let channels = Memo::new(move |_| store.moment.with(|m| m.as_ref().map_or(4, |m| m.info.latent_shape[0])));
    // Hundreds of channels could not be told apart; the first sixteen can.
    let shown = move || channels.get().min(16);
    let columns = move || (shown() as f64).sqrt().ceil().max(1.0) as usize;
    let tile = move |channel: usize| {
        let pixels = Signal::derive(move || {
            let dark = store.theme.get() == Theme::Dark;
            let picture = store.selected.get();
            store.moment.with(|m| m.as_ref().map(|m| film::latent(&m.info, &m.frame, picture, channel, dark)))
        });
        let available = Signal::derive(move || tile_width(node, width.get(), shown(), columns()));
        view! { <div class="tile" title=format!("latent channel {channel}")><PixelCanvas pixels available /></div> }
    };
    let label = move || format!("Noisy latent, {} channels", channels.get());
    view! {
        <div
            class="tiles"
            role="img"
            aria-label=label
            node_ref=node
            style=move || format!("--columns: {}; --tiles: {}", columns(), shown())
        >
            {move || (0..shown()).map(tile).collect_view()}
        </div>
    }
}

/// Room for a tile. On a phone the style sheet puts all of them in one row.
fn tile_width(node: NodeRef<Div>, width: f64, tiles: usize, columns: usize) -> f64 {
    const GAP: f64 = 4.0;
    let in_row = node.get_untracked().is_some_and(|_| dom::prefers("(max-width: 699px)")) && tiles <= 4;
    let columns = if in_row { tiles } else { columns } as f64;
    ((width - (columns - 1.0) * GAP) / columns).floor()
}

/// All pictures x̂0; with more than one, each is a button that selects it.
#[component]
fn Pictures(models: RwSignal<bool>) -> impl IntoView {
    let store = Store::get();
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let count = Memo::new(move |_| store.moment.with(|m| m.as_ref().map_or(0, |m| m.info.num_images)));
    let columns = move || (count.get() as f64).sqrt().ceil().max(1.0);
    // The gap is the style sheet's.
    const GAP: f64 = 2.0;
    let available = Signal::derive(move || ((width.get() - (columns() - 1.0) * GAP) / columns()).floor());
    let pixels = move |i: usize| {
        Signal::derive(move || store.moment.with(|m| m.as_ref().map(|m| film::picture(&m.info, &m.frame, i))))
    };
    // A preview is as large as the picture that it stands for.
    let across = Signal::derive(move || store.moment.with(|m| m.as_ref().map_or(1, |m| m.info.image_shape[1])));
    let label = store.memo(|state| {
        let film = state.shown();
        film.map(|film| format!("{}, {}", film.label, text::spoken_position(film, state.view.position)))
            .unwrap_or_default()
    });
    let one = move || {
        let label: Signal<String> = label.into();
        view! { <PixelCanvas pixels=pixels(0) available across label /> }
    };
    let many = move || {
        (0..count.get())
            .map(|i| {
                view! {
                    <button
                        type="button"
                        class="pick"
                        aria-label=format!("Picture {} of {}", i + 1, count.get())
                        aria-pressed=move || (store.selected.get() == i).to_string()
                        on:click=move |_| store.dispatch(app::Event::Select(i))
                    >
                        <PixelCanvas pixels=pixels(i) available across />
                    </button>
                }
            })
            .collect_view()
    };
    view! {
        <div class="frame" node_ref=node style=move || format!("--columns: {}", columns())>
            {move || match count.get() {
                0 => view! { <Offer models /> }.into_any(),
                1 => one().into_any(),
                _ => view! { <div class="grid" role="group" aria-label="Pictures made">{many()}</div> }.into_any(),
            }}
        </div>
    }
}

/// What the colours of the latent mean.
#[component]
fn Legend() -> impl IntoView {
    let store = Store::get();
    let pixels = Signal::derive(move || {
        let rgba = colour::legend(65, store.theme.get() == Theme::Dark);
        Some(Pixels { width: 65, height: 1, rgba })
    });
    view! {
        <div class="legend" aria-label="Colours from −3 (blue) over 0 (gray) to +3 (red)" role="img">
            <span aria-hidden="true">"−3"</span>
            <PixelCanvas pixels available=Signal::derive(|| 65.0) />
            <span aria-hidden="true">"+3"</span>
        </div>
    }
}

/// Where the stage is in the run, and what can be done with it.
#[component]
fn Readout() -> impl IntoView {
    let store = Store::get();
    let readout = store.memo(|state| {
        let film = state.shown().filter(|film| !film.is_empty());
        film.map_or_else(|| "\u{a0}".into(), |film| text::readout(film, state.view.position))
    });
    let own = store.memo(|state| state.film.as_ref().is_some_and(|film| !film.is_empty()));
    let done = store.memo(|state| matches!(state.run, RunState::Done { .. }));
    let no_previews = store.memo(|state| !state.has_previews());
    let cannot_decode = store.memo(|state| !state.can_decode());
    let again = move |_| {
        store.dispatch(app::Event::Choose(Choice::Seed(dom::random_seed())));
        store.dispatch(app::Event::Generate);
    };
    view! {
        <div class="readout">
            <p class="numbers">{readout}</p>
            <div class="buttons">
                <button
                    type="button"
                    class="decode"
                    hidden=no_previews
                    disabled=cannot_decode
                    title=text::HINT_DECODE
                    on:click=move |_| store.dispatch(app::Event::DecodeStep)
                >
                    "Decode this step"
                </button>
                <button
                    type="button"
                    disabled=move || !own.get()
                    title="Save the selected picture"
                    on:click=move |_| download(store)
                >
                    "Download PNG"
                </button>
                <SaveButton brief=false />
                <button
                    type="button"
                    disabled=move || !done.get()
                    title="Same settings, another first noise"
                    on:click=again
                >
                    "Another seed"
                </button>
            </div>
        </div>
    }
}

/// Small pictures are saved enlarged, so that they are of use in a document.
fn download(store: Store) {
    const TIMES: u32 = 8;
    let found = store.peek(|state| {
        let film = state.film.as_ref()?;
        let View { position, selected, .. } = state.view;
        let frame = film.at(position)?;
        Some((film::picture(&film.info, frame, selected), text::file_name(film, selected, position)))
    });
    if let Some((pixels, name)) = found {
        dom::download_png(&pixels, TIMES, name);
    }
}
