//! What becomes of the picture: through the autoencoder, under noise, denoised.

use super::questions::Noised;
use super::state::Source;
use super::text;
use crate::ui::film::{self, Pixels};
use crate::ui::stage::PixelCanvas;
use crate::ui::state::{self as app, AppState};
use crate::ui::store::{Moment, Store};
use crate::ui::theme::Theme;
use crate::ui::words::{Words, say, say_with};
use crate::ui::{colour, dom};
use leptos::html::Div;
use leptos::prelude::*;
use std::sync::Arc;

/// More channels could not be told apart.
const MOST_CHANNELS: usize = 8;
const IN_ROW: usize = 4;

type Picture = Option<Arc<Pixels>>;

#[component]
pub fn Pictures() -> impl IntoView {
    let store = Store::get();
    let noised = store.memo(|state| state.forward.noised.clone());
    let result = store.memo(|state| {
        let film = state.forward_result()?;
        let frame = film.at(state.view.position)?.clone();
        Some(Moment { info: film.info.clone(), frame })
    });
    let picture = plain(store.memo(|state| state.forward.picture.clone()));
    let reconstruction = plain(store.memo(|state| match state.forward.source {
        // It is itself what the decoder makes of the latent.
        Some(Source::Generated) => state.forward.picture.clone(),
        _ => state.forward.reconstruction.clone(),
    }));
    let under_noise = Signal::derive(move || noised.with(|noised| noised.as_ref().map(|n| n.picture.clone())));
    let denoised = Signal::derive(move || {
        let selected = store.selected.get();
        result.with(|result| result.as_ref().map(|m| film::picture(&m.info, &m.frame, selected)))
    });
    let across: Signal<usize> = store.memo(|state| state.config.as_ref().map_or(32, |c| c.image_size())).into();
    let t = move || noised.with(|noised| noised.as_ref().map_or(0, |noised| noised.t));
    let preview = move || noised.with(|n| n.as_ref().is_some_and(|n| n.preview)).then(|| say("forward.preview"));
    let no_steps = store.memo(|state| state.forward_beginning().is_none());
    let progress = store.memo(progress);
    let source = store.memo(text::source);
    view! {
        <div class="forward-pictures">
            <Figure
                class="given"
                caption=move || say("forward.picture").into_any()
                label=Signal::derive(move || format!("{}: {}", say("forward.picture"), source.get()))
                pixels=picture
                across
            />
            <Figure
                class="rebuilt"
                caption=move || view! { <span title=say("forward.hint-rebuilt")>{say("forward.rebuilt")}</span> }.into_any()
                label=Signal::derive(|| say("forward.rebuilt").into())
                pixels=reconstruction
                across
            />
            <div class="noised">
                <Figure
                    class=""
                    caption=move || view! {
                        <var>"x" <sub>{t}</sub></var>
                        " "
                        {say("forward.noised")}
                        <span class="tag">{preview}</span>
                    }.into_any()
                    label=Signal::derive(move || say_with("forward.noised-at", &[("t", &t())]))
                    pixels=under_noise
                    across
                />
                <Channels noised />
            </div>
            <div class="denoised">
                <Figure
                    class=""
                    caption=move || say("forward.result").into_any()
                    label=Signal::derive(|| say("forward.result").into())
                    pixels=denoised
                    across
                    empty=say("forward.no-result")
                />
                <button
                    type="button"
                    class="primary"
                    title=say("forward.hint-denoise")
                    disabled=no_steps
                    on:click=move |_| store.dispatch(app::Event::Generate)
                >
                    {say("forward.denoise")}
                </button>
                <p class="hint">{progress}</p>
            </div>
        </div>
    }
}

/// Shared by all that come so: a picture for its canvas.
fn plain(picture: Memo<Picture>) -> Signal<Option<Pixels>> {
    Signal::derive(move || picture.with(|picture| picture.as_deref().cloned()))
}

/// How far the run from here is.
fn progress(state: &AppState) -> String {
    let Some(film) = state.forward_result().filter(|film| !film.is_empty()) else { return "\u{a0}".into() };
    let (left, skipped) = (film.steps(), film.info.steps_skipped);
    let at = state.view.position;
    say_with("forward.progress", &[("step", &at), ("left", &left), ("skipped", &skipped)])
}

#[component]
fn Figure(
    class: &'static str,
    caption: impl Fn() -> AnyView + Send + 'static,
    label: Signal<String>,
    pixels: Signal<Option<Pixels>>,
    across: Signal<usize>,
    /// Said where there is no picture.
    #[prop(optional)]
    empty: Option<Words>,
) -> impl IntoView {
    figure(class, caption(), label, pixels, across, empty.unwrap_or_default())
}

/// Compiled once.
fn figure(
    class: &'static str,
    caption: AnyView,
    label: Signal<String>,
    pixels: Signal<Option<Pixels>>,
    across: Signal<usize>,
    empty: Words,
) -> AnyView {
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let there = Memo::new(move |_| pixels.with(Option::is_some));
    view! {
        <figure class=class>
            <figcaption>{caption}</figcaption>
            <div class="picture-place" node_ref=node>
                <PixelCanvas pixels available=width across label />
                <span class="hint" hidden=there>{empty}</span>
            </div>
        </figure>
    }
    .into_any()
}

/// The channels of x_t.
#[component]
fn Channels(noised: Memo<Option<Arc<Noised>>>) -> impl IntoView {
    let store = Store::get();
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let channels = store.memo(|state| state.config.as_ref().map_or(IN_ROW, |config| config.transformer.in_channels));
    let available = Signal::derive(move || {
        const GAP: f64 = 4.0;
        ((width.get() - (IN_ROW - 1) as f64 * GAP) / IN_ROW as f64).floor()
    });
    let tile = move |channel: usize| {
        let pixels = Signal::derive(move || {
            let dark = store.theme.get() == Theme::Dark;
            noised.with(|noised| noised.as_ref().map(|noised| noised.channel(channel, dark)))
        });
        view! { <PixelCanvas pixels available /> }
    };
    view! {
        <div
            class="noised-channels"
            role="img"
            aria-label=move || say_with("forward.channels", &[("count", &channels.get())])
            node_ref=node
        >
            {move || (0..channels.get().min(MOST_CHANNELS)).map(tile).collect_view()}
        </div>
    }
}

impl Noised {
    /// A channel of x_t as colours.
    fn channel(&self, channel: usize, dark: bool) -> Pixels {
        let [_, height, width] = self.shape;
        let size = height * width;
        let values = self.x_t.get(channel * size..(channel + 1) * size).unwrap_or_default();
        Pixels { width, height, rgba: values.iter().flat_map(|value| colour::diverging(*value, dark)).collect() }
    }
}
