//! What becomes of the picture: through the autoencoder, under noise, denoised.

use super::{Picture, text};
use crate::ui::dom;
use crate::ui::parts::{Part, Parts};
use crate::ui::stage::PixelCanvas;
use crate::ui::store::Store;
use crate::ui::theme::Theme;
use ditscope_page_state::colour;
use ditscope_page_state::film::{self, Pixels};
use ditscope_page_state::forward::{MARKS, Source};
use ditscope_page_state::{Event, Page};
use ditscope_words::{Words, say, say_with};
use leptos::html::Div;
use leptos::prelude::*;

/// More channels could not be told apart.
const MOST_CHANNELS: usize = 8;
const IN_ROW: usize = 4;

#[component]
pub fn Pictures() -> impl IntoView {
    let store = Store::get();
    let words = |words: fn(&Page) -> String| store.memo(words);
    let given = figure(
        "given",
        "".into(),
        words(|_| say("forward.picture").into()),
        words(|state| format!("{}: {}", say("forward.picture"), text::source(state))),
        store.memo(|state| state.forward.picture.as_deref().cloned()),
    );
    let rebuilt_words = words(|_| say("forward.rebuilt").into());
    let rebuilt = figure("rebuilt", say("forward.hint-rebuilt"), rebuilt_words, rebuilt_words, store.memo(rebuilt));
    let noised = figure(
        "",
        "".into(),
        words(text::noised),
        words(|state| {
            let t = state.forward.noised.as_ref().map_or(0, |noised| noised.t);
            say_with("forward.noised-at", &[("t", &t)])
        }),
        store.memo(|state| state.forward.noised.as_ref().map(|noised| noised.picture.clone())),
    );
    let result_words = words(|_| say("forward.result").into());
    let denoised = figure("", "".into(), result_words, result_words, store.memo(denoised));
    view! {
        <div class="forward-pictures">
            {given}
            {rebuilt}
            <div class="noised">{noised} <Channels /></div>
            <div class="denoised">
                {denoised}
                <Parts content=Box::new(move || store.with(|state| denoise(store, state))) />
            </div>
        </div>
    }
}

/// A generated picture is itself what the decoder makes of its latent.
fn rebuilt(state: &Page) -> Option<Pixels> {
    let is_generated = matches!(state.forward.source, Some(Source::Generated));
    let picture = if is_generated { &state.forward.picture } else { &state.forward.reconstruction };
    picture.as_deref().cloned()
}

/// The film that began here, where the timeline stands.
fn denoised(state: &Page) -> Option<Pixels> {
    let film = state.forward.result(state)?;
    Some(film::picture(&film.info, film.at(state.timeline.position)?, state.timeline.selected))
}

/// The button, and how far the run is.
fn denoise(store: Store, state: &Page) -> Vec<Part> {
    let words = match state.forward.result(state).filter(|film| !film.is_empty()) {
        None => say("forward.no-result").into(),
        Some(film) => {
            let values: [(&str, &dyn ToString); 3] =
                [("step", &state.timeline.position), ("left", &film.steps()), ("skipped", &film.info.steps_skipped)];
            say_with("forward.progress", &values)
        }
    };
    let button = Part::button("primary", say("forward.denoise"), move || store.dispatch(Event::Generate))
        .with("title", say("forward.hint-denoise"));
    vec![button, Part::words("hint", words)]
}

fn figure(class: &'static str, title: Words, caption: Memo<String>, label: Memo<String>, pixels: Picture) -> AnyView {
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    view! {
        <figure class=class title=title>
            <figcaption translate="no">{caption}</figcaption>
            <div class="picture-place" node_ref=node>
                <PixelCanvas pixels available=width across=across() label />
            </div>
        </figure>
    }
    .into_any()
}

/// A preview is as large as the picture that it stands for.
pub fn across() -> Signal<usize> {
    Store::get().memo(|state| state.models.config.as_ref().map_or(32, |config| config.image_size())).into()
}

/// The channels of x_t.
#[component]
fn Channels() -> impl IntoView {
    let store = Store::get();
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let channels =
        store.memo(|state| state.models.config.as_ref().map_or(IN_ROW, |config| config.transformer.in_channels));
    let available = Signal::derive(move || {
        const GAP: f64 = 4.0;
        ((width.get() - (IN_ROW - 1) as f64 * GAP) / IN_ROW as f64).floor()
    });
    let tile = move |channel: usize| {
        let pixels: Picture = store.memo(move |state| {
            let dark = store.theme.get() == Theme::Dark;
            let noised = state.forward.noised.as_ref()?;
            let [_, height, width] = noised.shape;
            let values = noised.x_t.chunks_exact(height * width).nth(channel)?;
            let rgba = values.iter().flat_map(|value| colour::diverging(*value, dark)).collect();
            Some(Pixels { width, height, rgba })
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

/// The pictures of the filmstrip.
pub fn strip(store: Store) -> [Picture; MARKS] {
    std::array::from_fn(|i| store.memo(move |state| state.forward.strip[i].as_ref().map(|n| n.picture.clone())))
}
