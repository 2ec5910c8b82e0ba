//! The help overlay: what is seen, and every key.

use super::shortcuts::KEYS;
use super::text;
use leptos::html::Dialog;
use leptos::prelude::*;

#[component]
pub fn Help(open: RwSignal<bool>) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        if open.get() && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    let rows = KEYS.map(|(key, meaning)| {
        view! {
            <div class="key-row">
                <dt><kbd>{key}</kbd></dt>
                <dd>{meaning}</dd>
            </div>
        }
    });
    view! {
        <dialog class="help" aria-labelledby="help-title" node_ref=dialog on:close=move |_| open.set(false)>
            <h2 id="help-title">"Help"</h2>
            <p>{text::HELP}</p>
            <h3>"Keys"</h3>
            <dl class="keys">{rows.collect_view()}</dl>
            <p class="dim">{text::PRIVACY}</p>
            <form method="dialog">
                <button type="submit" class="primary">"Close"</button>
            </form>
        </dialog>
    }
}
