//! The chooser of views, and the views beside the large picture.

use super::PixelCanvas;
use super::content::{Content, content, limit};
use super::kind::Kind;
use super::probe::Probe;
use super::state::Event;
use crate::ui::colour::Scheme;
use crate::ui::dom;
use crate::ui::state as app;
use crate::ui::store::Store;
use crate::ui::theme::Theme;
use crate::ui::words::{Words, say, say_with};
use leptos::html::Div;
use leptos::prelude::*;

/// Which views are on, and how maps are coloured.
#[component]
pub fn Chooser() -> impl IntoView {
    let store = Store::get();
    let on = store.memo(|state| state.views.on().to_vec());
    let colours = store.memo(|state| (state.views.gray, state.views.fitted));
    let views = Kind::ALL.map(|kind| {
        let pressed = Signal::derive(move || on.with(|on| on.contains(&kind)));
        let name = format!("{}: {}", kind.label(), kind.title());
        toggle(store, kind.label(), name.into(), kind.hint(), pressed, Event::Toggle(kind))
    });
    let gray = Signal::derive(move || colours.get().0);
    let fitted = Signal::derive(move || colours.get().1);
    view! {
        <div class="chooser">
            <div class="chips" role="group" aria-label=say("stage.views")>
                {views.into_iter().collect_view()}
            </div>
            <div class="chips" role="group" aria-label=say("stage.colours")>
                {toggle(store, say("stage.gray"), say("stage.gray"), say("stage.gray-hint"), gray, Event::ToggleGray)}
                {toggle(store, say("stage.fit"), say("stage.fit"), say("stage.fit-hint"), fitted, Event::ToggleFitted)}
            </div>
        </div>
    }
}

fn toggle(store: Store, words: Words, name: Words, hint: Words, pressed: Signal<bool>, event: Event) -> AnyView {
    view! {
        <button
            type="button"
            class="chip"
            title=hint
            aria-label=name
            aria-pressed=move || pressed.get().to_string()
            on:click=move |_| store.dispatch(app::Event::Views(event.clone()))
        >
            {symbol(words)}
        </button>
    }
    .into_any()
}

/// `ε guided`, with the symbol as in a formula.
pub fn symbol(words: Words) -> AnyView {
    let (first, rest) = words.split_once(' ').unwrap_or((&words, ""));
    // A word alone is no symbol.
    if first.chars().count() > 3 {
        return words.into_any();
    }
    let rest = if rest.is_empty() { String::new() } else { format!(" {rest}") };
    view! { <var>{first.to_owned()}</var>{rest} }.into_any()
}

/// A view other than the large picture. `in_row`: it has the width of a phone to itself.
#[component]
pub fn StepView(kind: Kind, in_row: Signal<bool>, probe: Probe) -> impl IntoView {
    let store = Store::get();
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    let fitted = store.memo(|state| state.views.fitted);
    let gray = store.memo(|state| state.views.gray);
    let scene = store.memo(app::AppState::scene);
    let content =
        Memo::new(move |_| scene.with(|scene| scene.as_ref().map(|scene| content(kind, scene, fitted.get()))));
    let scheme = move || Scheme { gray: gray.get(), dark: store.theme.get() == Theme::Dark };
    let pixels = Signal::derive(move || {
        content.with(|content| match content.as_ref()? {
            Content::Map(map) => Some(map.pixels(scheme(), in_row.get())),
            Content::Picture { pixels, .. } => Some(pixels.clone()),
            Content::Words(_) => None,
        })
    });
    let words = Memo::new(move |_| {
        content.with(|content| match content {
            Some(Content::Words(words)) => words.clone(),
            _ => Words::default(),
        })
    });
    // A preview, or the picture of another step.
    let tag = Memo::new(move |_| {
        content.with(|content| match content {
            Some(Content::Picture { stale: true, .. }) => Some(("stage.stale", "stage.stale-hint")),
            Some(Content::Picture { preview: true, .. }) => Some(("stage.preview", "stage.preview-hint")),
            _ => None,
        })
    });
    let stale = move || tag.get().is_some_and(|(words, _)| words == "stage.stale");
    let tag_words = move || tag.get().map(|(words, _)| say(words));
    let tag_hint = move || tag.get().map(|(_, hint)| say(hint));
    let channels = Memo::new(move |_| {
        content.with(|content| match content {
            Some(Content::Map(map)) => map.shape[0],
            _ => 1,
        })
    });
    let name = move || match channels.get() {
        1 => kind.title().into_owned(),
        channels => say_with("stage.channels", &[("title", &kind.title()), ("channels", &channels)]),
    };
    let range = Memo::new(move |_| {
        content.with(|content| match content {
            Some(Content::Map(map)) => limit(map.range),
            _ => String::new(),
        })
    });
    let how = move || if fitted.get() { say("stage.fitted") } else { say("stage.fixed") };
    let legend = move || say_with("stage.legend", &[("limit", &range.get()), ("how", &how())]);
    let gradient = move || format!("background: {}", scheme().gradient());
    let no_words = move || words.with(|words| words.is_empty());
    let is_map = !matches!(kind, Kind::X0 | Kind::XTDecoded);
    view! {
        <figure class="step-view" class:stale=stale>
            <figcaption title=kind.hint()>
                {symbol(kind.label())}" "<span class="title">{kind.title()}</span>
                <span class="tag" title=tag_hint>{tag_words}</span>
            </figcaption>
            <div class="map" node_ref=node>
                <p class="placeholder" hidden=no_words>{move || words.get()}</p>
                <div
                    class="plate"
                    hidden=move || !no_words()
                    role="img"
                    tabindex="0"
                    aria-label=name
                    data-view=kind.name()
                >
                    <PixelCanvas pixels available=width />
                    <i class="spot" style=move || probe.spot(kind)></i>
                </div>
            </div>
            <div
                class="legend"
                class:blank=move || range.with(String::is_empty)
                hidden=!is_map
                role="img"
                aria-label=legend
            >
                <i class="bar" style=gradient></i>
                <span aria-hidden="true">"−"{range}</span>
                <span aria-hidden="true" class="how">{how}</span>
                <span aria-hidden="true">"+"{range}</span>
            </div>
        </figure>
    }
}
