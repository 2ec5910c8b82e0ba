//! Name, model, device, and the few buttons that are always there.

use super::language::LanguageSelect;
use super::store::{Store, share_link};
use super::take::{PresentButton, SaveButton};
use super::theme::Theme;
use super::{dom, tour};
use ditscope_page_state::ModelRef;
use ditscope_page_state::film::Film;
use ditscope_page_state::tour::Event as TourEvent;
use ditscope_page_state::{Event, ModelState};
use ditscope_words::text;
use ditscope_words::{Words, say, say_with};
use leptos::prelude::*;

#[component]
pub fn Header(help: RwSignal<bool>, models: RwSignal<bool>) -> impl IntoView {
    // Long: one piece of markup, which parts would only tear apart.
    let store = Store::get();
    let name = store.memo(|state| state.model_name());
    let size = store.memo(|state| match &state.models.state {
        ModelState::Ready { num_parameters, .. } => format!(" · {}", text::parameters(*num_parameters)),
        _ => String::new(),
    });
    let touring = store.memo(|state| state.tour_is_open());
    let spoken = Memo::new(move |_| say_with("page.model", &[("model", &(name.get() + &size.get()))]));
    let badge = store.memo(|state| match &state.models.state {
        ModelState::Ready { backend, .. } => {
            let ms = state.run.film.as_ref().and_then(Film::ms_per_step);
            ms.map_or_else(|| backend.name.clone(), |ms| format!("{} · {}", backend.name, text::ms_per_step(ms)))
        }
        _ => String::new(),
    });
    let about_device = store.memo(|state| match &state.models.state {
        ModelState::Ready { backend, weights, .. } => text::device_detail(backend, weights),
        _ => String::new(),
    });
    view! {
        <header class="header">
            <h1 class="brand">"ditscope"</h1>
            <p class="tagline">{say("page.tagline")}</p>
            <div class="facts">
                <button
                    type="button"
                    class="model-button"
                    aria-haspopup="dialog"
                    aria-label=spoken
                    title=say("page.models-hint")
                    on:click=move |_| models.set(true)
                >
                    <span class="model-name" translate="no">{name}</span>
                    <span class="model-size" translate="no">{size}</span>
                    <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
                        <path d="m2.5 4.5 3.5 3.5 3.5-3.5" fill="none" stroke="currentColor" stroke-width="1.5" />
                    </svg>
                </button>
                <span class="badge" title=about_device translate="no">{badge}</span>
                <button
                    type="button"
                    class="quiet icon measure"
                    aria-haspopup="dialog"
                    aria-label=say("page.measure")
                    title=say("page.measure")
                    on:click=move |_| store.measuring.set(true)
                >
                    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                        <path d="M2 12.5a6.5 6.5 0 1 1 12 0M8 11l3-4" fill="none" stroke="currentColor" stroke-width="1.5" />
                    </svg>
                </button>
            </div>
            <LanguageSelect id="language" />
            <div class="header-buttons">
                <button
                    type="button"
                    class="quiet"
                    id=tour::OPENER
                    title=say("tour.button-hint")
                    aria-controls=tour::PANEL
                    aria-expanded=move || touring.get().to_string()
                    on:click=move |_| store.dispatch(Event::Tour(TourEvent::Toggle))
                >
                    {say("tour.button")}
                </button>
                <button
                    type="button"
                    class="quiet"
                    title=say("page.share-hint")
                    on:click=move |_| share(store)
                >
                    {say("page.share")}
                </button>
                <SaveButton brief=true />
                <PresentButton />
                <button
                    type="button"
                    class="quiet icon theme"
                    aria-label=move || to_theme(store.theme.get().other())
                    title=move || format!("{} (T)", to_theme(store.theme.get().other()))
                    on:click=move |_| store.theme.get_untracked().other().choose(store.theme)
                >
                    {move || if store.theme.get() == Theme::Dark { "☀" } else { "☾" }}
                </button>
                <button
                    type="button"
                    class="quiet icon"
                    aria-label=say("page.help")
                    title=say("page.help-hint")
                    on:click=move |_| help.set(true)
                >
                    "?"
                </button>
            </div>
        </header>
    }
}

pub fn to_theme(theme: Theme) -> Words {
    if theme == Theme::Dark { say("page.to-dark") } else { say("page.to-light") }
}

/// Copies the link; where the clipboard is refused, says where the link is to be had.
fn share(store: Store) {
    let link = store.peek(share_link);
    let in_folder = store.peek(|state| matches!(state.address.model, ModelRef::Folder(_)));
    dom::show_address(&store.peek(|state| state.linked_query()));
    wasm_bindgen_futures::spawn_local(async move {
        let copied = dom::copy(&link).await;
        let word = match (copied, in_folder) {
            (false, _) => say("page.copy-by-hand"),
            (true, true) => say("page.folder-not-shared"),
            (true, false) => say("page.copied"),
        };
        store.show_word(word.into());
    });
}
