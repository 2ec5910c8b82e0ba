//! The help overlay: what is seen, and every key.

use super::header::to_theme;
use super::language::LanguageSelect;
use super::parts::{Part, Parts};
use super::shortcuts;
use super::store::Store;
use ditscope_page_state::{Event, Language};
use ditscope_words::{Words, say};
use leptos::prelude::*;

/// What is in the dialog.
#[component]
pub fn HelpContent() -> impl IntoView {
    let store = Store::get();
    let content = move || {
        let row = |(key, meaning): (Words, Words)| {
            let key = Part::new("dt", "").of(vec![Part::new("kbd", "").saying(key.into())]);
            Part::group("key-row", vec![key, Part::new("dd", "").saying(meaning.into())])
        };
        let keys = Part::new("dl", "keys").of(shortcuts::keys().into_iter().map(row).collect());
        let title = Part::heading("", say("keys.title").into());
        vec![
            Part::words("", say("page.help-text")),
            teachers(store),
            title,
            keys,
            Part::words("dim", say("page.privacy")),
        ]
    };
    view! {
        <p class="in-help">
            <label for="language-in-help">{say("page.language")}</label>
            <LanguageSelect id="language-in-help" />
            <button type="button" on:click=move |_| store.theme.get_untracked().other().choose(store.theme)>
                {move || to_theme(store.theme.get().other())}
            </button>
        </p>
        <Parts content=Box::new(content) />
        <Parts content=Box::new(move || vec![letters(store)]) />
    }
}

/// The page for teachers, in the language in use. In a tab of its own: a run or a training goes on here.
fn teachers(store: Store) -> Part {
    let page = match store.language.get_untracked() {
        Language::English => "./teaching.html",
        Language::German => "./teaching.de.html",
    };
    let link = Part::new("a", "").with("href", page).with("target", "_blank").with("rel", "noopener");
    Part::new("p", "").of(vec![link.saying(say("keys.teachers").into())])
}

/// Whether single letters are keys: somebody who dictates, or whose hand trembles, may not want them.
fn letters(store: Store) -> Part {
    let on = store.with(|state| !state.kept.no_letters);
    let input = Part::new("input", "").with("type", "checkbox").with("aria-label", say("keys.letters"));
    let input = if on { input.with("checked", "") } else { input };
    let input = input.doing(move || store.dispatch(Event::UseLetters(!on)));
    Part::new("label", "check").of(vec![input, Part::new("span", "").saying(say("keys.letters").into())])
}
