//! What the stage shows: one of several ways to look at diffusion, as tabs.

use super::dom;
use super::store::Store;
use ditscope_page_state::{Event, Mode};
use ditscope_words::{Words, say};
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The element that the tabs control.
pub const PANEL: &str = "stage-panel";

fn label(mode: Mode) -> Words {
    match mode {
        Mode::Denoise => say("modes.denoise"),
        Mode::Compare => say("modes.compare"),
        Mode::Forward => say("modes.forward"),
        Mode::Inside => say("modes.inside"),
        Mode::Lab(_) => say("modes.lab"),
        Mode::Findings => say("modes.findings"),
        Mode::Train => say("modes.train"),
    }
}

fn hint(mode: Mode) -> Words {
    match mode {
        Mode::Denoise => say("modes.hint-denoise"),
        Mode::Compare => say("modes.hint-compare"),
        Mode::Forward => say("modes.hint-forward"),
        Mode::Inside => say("modes.hint-inside"),
        Mode::Lab(_) => say("modes.hint-lab"),
        Mode::Findings => say("modes.hint-findings"),
        Mode::Train => say("modes.hint-train"),
    }
}

fn tab(mode: Mode) -> String {
    format!("tab-{}", mode.tab().name())
}

/// The tabs. As the ARIA pattern has it: Tab goes to the chosen one, arrows, Home and End choose another.
#[component]
pub fn ModeTabs() -> impl IntoView {
    let store = Store::get();
    let chosen = store.memo(|state| state.mode().tab());
    let choose = move |mode: Mode| store.dispatch(Event::Show(mode));
    // Where there is not room for all, the chosen one is to be seen.
    dom::effect(Box::new(move || {
        let id = self::tab(chosen.get());
        request_animation_frame(move || {
            let tab = document().get_element_by_id(&id).and_then(|tab| tab.dyn_into::<HtmlElement>().ok());
            if let Some((tab, tabs)) = tab.and_then(|tab| Some((tab.clone(), tab.parent_element()?))) {
                tabs.set_scroll_left(tab.offset_left() - tabs.client_width() / 2);
            }
        });
    }));
    let on_key = move |event: KeyboardEvent| {
        let at = Mode::TABS.iter().position(|mode| *mode == chosen.get_untracked()).unwrap_or_default();
        let last = Mode::TABS.len() - 1;
        let to = match event.key().as_str() {
            "ArrowRight" => (at + 1) % Mode::TABS.len(),
            "ArrowLeft" => (at + last) % Mode::TABS.len(),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        choose(Mode::TABS[to]);
        let tab = document().get_element_by_id(&self::tab(Mode::TABS[to]));
        if let Some(tab) = tab.and_then(|tab| tab.dyn_into::<HtmlElement>().ok()) {
            let _ = tab.focus();
        }
    };
    let tab = |mode: Mode| {
        view! {
            <button
                type="button"
                role="tab"
                class="tab"
                id=self::tab(mode)
                title=hint(mode)
                aria-controls=PANEL
                aria-selected=move || (chosen.get() == mode).to_string()
                tabindex=move || if chosen.get() == mode { "0" } else { "-1" }
                // A tab that has the focus takes the arrows; who points at it wants them for the timeline, as before.
                on:mousedown=move |event| event.prevent_default()
                on:click=move |_| choose(mode)
            >
                {label(mode)}
            </button>
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label=say("modes.name") on:keydown=on_key>
            {Mode::TABS.map(tab).collect_view()}
        </div>
    }
}

/// The place of what the chosen tab shows; `panel` is made anew for each tab.
#[component]
pub fn ModePanel(panel: impl Fn(Mode) -> AnyView + Send + 'static) -> impl IntoView {
    let store = Store::get();
    let mode = store.memo(|state| state.mode().tab());
    view! {
        <div class="stage-panel" role="tabpanel" id=PANEL aria-labelledby=move || tab(mode.get())>
            {move || panel(mode.get())}
        </div>
    }
}
