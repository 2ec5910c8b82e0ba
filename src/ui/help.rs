//! The help overlay: what is seen, and every key.

use super::language::LanguageSelect;
use super::parts::{Part, Parts};
use super::shortcuts;
use ditscope_words::{Words, say};
use leptos::prelude::*;

/// What is in the dialog.
#[component]
pub fn HelpContent() -> impl IntoView {
    let content = || {
        let row = |(key, meaning): (Words, Words)| {
            let key = Part::new("dt", "").of(vec![Part::new("kbd", "").saying(key.into())]);
            Part::group("key-row", vec![key, Part::new("dd", "").saying(meaning.into())])
        };
        let keys = Part::new("dl", "keys").of(shortcuts::keys().into_iter().map(row).collect());
        let title = Part::heading("", say("keys.title").into());
        vec![Part::words("", say("page.help-text")), title, keys, Part::words("dim", say("page.privacy"))]
    };
    view! {
        <p class="in-help">
            <label for="language-in-help">{say("page.language")}</label>
            <LanguageSelect id="language-in-help" />
        </p>
        <Parts content=Box::new(content) />
    }
}
