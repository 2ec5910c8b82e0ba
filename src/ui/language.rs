//! The language of the page: the address's, else the visitor's choice of old, else the browser's.

use super::state::Event;
use super::store::Store;
use super::words::{Language, say};
use super::{dom, storage, url};
use leptos::prelude::*;

/// Key of the browser's local storage.
const KEY: &str = "ditscope-language";

/// The language in use, which the document says, too.
pub fn signal(query: &str) -> RwSignal<Language> {
    let in_address = url::parse(query).0.language;
    let kept = || Language::from_tag(&storage::recall::<String>(KEY)?);
    let of_browser = || Language::from_tag(&window().navigator().language()?);
    let first = in_address.or_else(kept).or_else(of_browser).unwrap_or_default();
    first.speak();
    let language = RwSignal::new(first);
    dom::effect(Box::new(move || {
        let language = language.get();
        document().set_title(&say("page.title"));
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("lang", language.code());
        }
    }));
    language
}

/// Takes another language and keeps the choice. The page is made anew, so the focus is given back to `focus`.
fn choose(store: Store, language: Language, focus: &'static str) {
    language.speak();
    storage::keep(KEY, &language.code());
    store.language.set(language);
    store.dispatch(Event::Speak(language));
    dom::focus_soon(focus);
}

/// A list of the languages, each by its own name.
#[component]
pub fn LanguageSelect(id: &'static str) -> impl IntoView {
    let store = Store::get();
    let spoken = store.language.get_untracked();
    let option = |language: Language| {
        let selected = language == spoken;
        view! { <option value=language.code() lang=language.code() selected=selected>{language.name()}</option> }
    };
    let on_change = move |event: leptos::ev::Event| {
        if let Some(language) = Language::from_tag(&event_target_value(&event)) {
            choose(store, language, id);
        }
    };
    view! {
        <select class="language" id=id aria-label=say("page.language") on:change=on_change>
            {Language::ALL.map(option).collect_view()}
        </select>
    }
}
