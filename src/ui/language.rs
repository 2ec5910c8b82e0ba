//! The language of the page: the address's, else the one chosen on an earlier visit, else the browser's.

use super::later::later;
use super::store::Store;
use super::{dom, storage};
use ditscope_page_state::address;
use ditscope_page_state::{Event, Language};
use ditscope_words::{self as words, Files, say};
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// Key of the browser's local storage.
const KEY: &str = "ditscope-language";

later! {
    german german: fn() -> Files = words::german;
}

/// Sets the language that the page begins with.
pub async fn begin() {
    let in_address = address::parse(&dom::query()).0.language;
    let kept = || Language::from_tag(&storage::recall::<String>(KEY)?);
    let of_browser = || Language::from_tag(&window().navigator().language()?);
    let first = in_address.or_else(kept).or_else(of_browser).unwrap_or_default();
    // A page in English is better than none.
    if fetch_words(first).await {
        words::choose(first);
    }
}

/// Fetches the words of a language unless they are there; gives whether they are there then.
async fn fetch_words(language: Language) -> bool {
    if !words::is_loaded(language)
        && let Ok(files) = german().await
    {
        words::load(language, files());
    }
    words::is_loaded(language)
}

/// The language in use; keeps the document's title and `lang` in step with it.
pub fn signal() -> RwSignal<Language> {
    let language = RwSignal::new(words::chosen());
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
async fn choose(store: Store, language: Language, focus: &'static str) {
    if fetch_words(language).await {
        words::choose(language);
        storage::keep(KEY, &language.code());
        store.language.set(language);
        store.dispatch(Event::Speak(language));
    } else {
        store.show_word(say("failures.code").into());
        // The list goes back to the language in use.
        store.language.notify();
    }
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
            spawn_local(choose(store, language, id));
        }
    };
    view! {
        <select class="language" id=id aria-label=say("page.language") on:change=on_change>
            {Language::ALL.map(option).collect_view()}
        </select>
    }
}
