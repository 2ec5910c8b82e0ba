//! Name, model, device, and the few buttons that are always there.

use super::film::Film;
use super::state::ModelState;
use super::store::{Store, share_link};
use super::theme::Theme;
use super::{dom, text};
use leptos::prelude::*;

#[component]
pub fn Header(help: RwSignal<bool>) -> impl IntoView {
    let store = Store::get();
    let model = store.memo(|state| {
        let name = state.config.as_ref().map_or_else(|| state.address.model.clone(), |config| config.name.clone());
        let size = match &state.model {
            ModelState::Ready { num_parameters, .. } => format!(" · {}", text::parameters(*num_parameters)),
            _ => String::new(),
        };
        (name, size)
    });
    let badge = store.memo(|state| match &state.model {
        ModelState::Ready { backend, .. } => {
            let ms = state.film.as_ref().and_then(Film::ms_per_step).map(text::ms_per_step);
            Some((backend.name.clone(), backend.detail.clone(), ms))
        }
        _ => None,
    });
    view! {
        <header class="header">
            <h1 class="brand">"ditscope"</h1>
            <p class="tagline">{text::TAGLINE}</p>
            <div class="facts">
                <span class="model-name">
                    {move || model.get().0}<span class="model-size">{move || model.get().1}</span>
                </span>
                <Show when=move || badge.get().is_some()>
                    <span class="badge" title=move || badge.get().map(|b| b.1)>
                        {move || badge.get().map(|b| b.0)}
                        {move || badge.get().and_then(|b| b.2).map(|ms| format!(" · {ms}"))}
                    </span>
                </Show>
            </div>
            <div class="header-buttons">
                <button
                    type="button"
                    class="quiet"
                    title="Copy a link that reproduces this run"
                    on:click=move |_| share(store)
                >
                    "Share"
                </button>
                <button
                    type="button"
                    class="quiet icon"
                    aria-label=move || format!("Switch to the {} theme", store.theme.get().other().name())
                    title=move || format!("Switch to the {} theme (T)", store.theme.get().other().name())
                    on:click=move |_| store.theme.get_untracked().other().choose(store.theme)
                >
                    {move || if store.theme.get() == Theme::Dark { "☀" } else { "☾" }}
                </button>
                <button
                    type="button"
                    class="quiet icon"
                    aria-label="Help"
                    title="Help and keys (?)"
                    on:click=move |_| help.set(true)
                >
                    "?"
                </button>
            </div>
        </header>
    }
}

/// Copies the link; where the clipboard is refused, says where the link is to be had.
fn share(store: Store) {
    let link = store.peek(share_link);
    dom::show_address(&store.peek(super::state::AppState::query));
    wasm_bindgen_futures::spawn_local(async move {
        let copied = dom::copy(&link).await;
        store.word.set(Some(if copied { text::COPIED } else { text::COPY_BY_HAND }));
        gloo::timers::callback::Timeout::new(4000, move || {
            let _ = store.word.try_set(None);
        })
        .forget();
    });
}
