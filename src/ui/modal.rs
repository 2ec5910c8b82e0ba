//! A dialog over the page: Escape, its backdrop and its closing button end it, and the focus goes back.

use super::dom;
use ditscope_words::{Words, say};
use leptos::html::Dialog;
use leptos::prelude::*;

/// `title` has the id `{id}-title`.
#[component]
pub fn Modal(id: &'static str, #[prop(into)] title: Words, open: RwSignal<bool>, children: Children) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    dom::effect(Box::new(move || {
        let Some(dialog) = dialog.get() else { return };
        if open.get() && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    }));
    let on_backdrop = move |event: leptos::ev::MouseEvent| {
        // What lies inside the dialog is a part of it: only the backdrop has the dialog itself for a target.
        if event.target() == dialog.get_untracked().map(|dialog| web_sys::EventTarget::from((*dialog).clone())) {
            open.set(false);
        }
    };
    view! {
        <dialog
            class="modal"
            id=id
            aria-labelledby=format!("{id}-title")
            node_ref=dialog
            on:close=move |_| open.set(false)
            on:click=on_backdrop
        >
            <div class="modal-body">
                <header class="modal-head">
                    <h2 id=format!("{id}-title")>{title}</h2>
                    <button
                        type="button"
                        class="quiet icon"
                        aria-label=say("page.close")
                        title=say("page.close-hint")
                        on:click=move |_| open.set(false)
                    >
                        "✕"
                    </button>
                </header>
                {children()}
            </div>
        </dialog>
    }
}
