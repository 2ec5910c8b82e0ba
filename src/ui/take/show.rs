//! Two other ways to show the page: large for a lecture, small as a part of another page. Only the style sheet tells
//! them apart (`data-show` of the root), so that whatever is on the page stays as it is.

use super::make::link;
use crate::ui::dom;
use crate::ui::store::Store;
use ditscope_page_state::take::Event;
use ditscope_page_state::{self as app, Mode};
use ditscope_words::say;
use ditscope_words::text::{self, class_label};
use js_sys::{Function, Promise, Reflect};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};

fn present(store: Store, on: bool) {
    store.dispatch(app::Event::Take(Event::Present(on)));
}

/// Keeps the root's attribute and the browser's full screen with the state; in embed mode, the way to the whole page.
#[component]
pub fn Shown() -> impl IntoView {
    let store = Store::get();
    let shown = store.memo(|state| match (state.address.present, state.address.embed) {
        (true, _) => "present",
        (false, true) => "embed",
        (false, false) => "page",
    });
    let depth = store.memo(|state| state.depth());
    dom::effect(Box::new(move || {
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-depth", depth.get().name());
        }
    }));
    dom::effect(Box::new(move || {
        let Some(root) = document().document_element() else { return };
        let shown = shown.get();
        let _ = root.set_attribute("data-show", shown);
        match (shown == "present", document().fullscreen_element().is_some()) {
            // Refused without a click or a key, and in many frames: the window is then as large as it gets.
            (true, false) => fill_screen(&root),
            (false, true) => document().exit_fullscreen(),
            _ => {}
        }
    }));
    // Leaving the full screen by the browser's own means (Esc, or a gesture) ends presenter mode.
    let handle = window_event_listener(ev::Custom::<web_sys::Event>::new("fullscreenchange"), move |_| {
        if document().fullscreen_element().is_none() {
            present(store, false);
        }
    });
    on_cleanup(move || handle.remove());
    let whole = store.memo(|state| if state.address.embed { link(state, None) } else { String::new() });
    view! {
        <header class="embed-head" hidden=move || whole.with(String::is_empty)>
            <h1>
                <a
                    class="whole-page"
                    href=whole
                    target="_blank"
                    rel="noopener"
                    aria-label=say("take.whole-page")
                    title=say("take.whole-page")
                >
                    "ditscope ↗"
                </a>
            </h1>
        </header>
    }
}

/// Asks for the full screen; that it is refused is no error of the page.
fn fill_screen(root: &web_sys::Element) {
    let request = Reflect::get(root, &"requestFullscreen".into()).ok();
    let Some(request) = request.and_then(|request| request.dyn_into::<Function>().ok()) else { return };
    if let Some(promise) = request.call0(root).ok().and_then(|answer| answer.dyn_into::<Promise>().ok()) {
        spawn_local(async move { drop(JsFuture::from(promise).await) });
    }
}

/// Begins presenter mode.
#[component]
pub fn PresentButton() -> impl IntoView {
    let store = Store::get();
    view! {
        <button
            type="button"
            class="quiet icon wide-only"
            aria-label=say("take.present")
            title=say("take.hint-present")
            on:click=move |_| present(store, true)
        >
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path
                    d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"
                    fill="none"
                    stroke="currentColor"
                    stroke-width="1.6"
                />
            </svg>
        </button>
    }
}

/// What a lecture hall has to know, and the way back. Shown in presenter mode alone.
#[component]
pub fn PresentBar() -> impl IntoView {
    let store = Store::get();
    let class = store.memo(|state| match state.shown() {
        Some(film) => film.label.clone(),
        None => class_label(state, state.settings().class),
    });
    let settings = store.memo(|state| {
        match (state.mode(), state.shown()) {
            // Its columns differ in the rest, and say in what.
            (Mode::Compare, Some(film)) => format!("{} {}", say("controls.seed"), film.info.settings.seed),
            (_, Some(film)) => text::run_settings(&film.info.settings),
            (_, None) => text::run_settings(&state.settings()),
        }
    });
    let recorded = store.memo(|state| state.shown().is_some_and(|film| film.recorded));
    view! {
        <div class="present-bar">
            <h1 class="present-class" translate="no">{class}</h1>
            <p class="present-settings">
                {settings}
                <span class="recorded" hidden=move || !recorded.get()>{say("stage.recorded")}</span>
            </p>
            <button type="button" title=say("take.hint-leave") on:click=move |_| present(store, false)>
                {say("take.leave")}
            </button>
        </div>
    }
}
