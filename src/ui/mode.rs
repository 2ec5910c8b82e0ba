//! What the stage shows: one of five ways to look at diffusion, as tabs.

use super::state::Event;
use super::store::Store;
use super::words::{Words, say};
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The element that the tabs control.
pub const PANEL: &str = "stage-panel";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// The reverse process, step by step.
    #[default]
    Denoise,
    /// One seed with several settings beside each other.
    Compare,
    /// Noise a picture; denoise it from there.
    Forward,
    /// What goes on in the Transformer at the step on the timeline.
    Inside,
    /// What was found out with models of this size.
    Findings,
}

impl Mode {
    pub const ALL: [Self; 5] = [Self::Denoise, Self::Compare, Self::Forward, Self::Inside, Self::Findings];

    /// As in the address: `?view=forward`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Denoise => "denoise",
            Self::Compare => "compare",
            Self::Forward => "forward",
            Self::Inside => "inside",
            Self::Findings => "findings",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    fn label(self) -> Words {
        match self {
            Self::Denoise => say("modes.denoise"),
            Self::Compare => say("modes.compare"),
            Self::Forward => say("modes.forward"),
            Self::Inside => say("modes.inside"),
            Self::Findings => say("modes.findings"),
        }
    }

    fn hint(self) -> Words {
        match self {
            Self::Denoise => say("modes.hint-denoise"),
            Self::Compare => say("modes.hint-compare"),
            Self::Forward => say("modes.hint-forward"),
            Self::Inside => say("modes.hint-inside"),
            Self::Findings => say("modes.hint-findings"),
        }
    }

    fn tab(self) -> String {
        format!("tab-{}", self.name())
    }
}

/// The tabs. As the ARIA pattern has it: Tab goes to the chosen one, arrows, Home and End choose another.
#[component]
pub fn ModeTabs() -> impl IntoView {
    let store = Store::get();
    let chosen = store.memo(|state| state.mode());
    let choose = move |mode: Mode| store.dispatch(Event::Show(mode));
    let on_key = move |event: KeyboardEvent| {
        let at = Mode::ALL.iter().position(|mode| *mode == chosen.get_untracked()).unwrap_or_default();
        let last = Mode::ALL.len() - 1;
        let to = match event.key().as_str() {
            "ArrowRight" => (at + 1) % Mode::ALL.len(),
            "ArrowLeft" => (at + last) % Mode::ALL.len(),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        choose(Mode::ALL[to]);
        let tab = document().get_element_by_id(&Mode::ALL[to].tab());
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
                id=mode.tab()
                title=mode.hint()
                aria-controls=PANEL
                aria-selected=move || (chosen.get() == mode).to_string()
                tabindex=move || if chosen.get() == mode { "0" } else { "-1" }
                on:click=move |_| choose(mode)
            >
                {mode.label()}
            </button>
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label=say("modes.name") on:keydown=on_key>
            {Mode::ALL.map(tab).collect_view()}
        </div>
    }
}

/// The place of what the chosen tab shows; `children` are made anew for each mode.
#[component]
pub fn ModePanel(panel: impl Fn(Mode) -> AnyView + Send + 'static) -> impl IntoView {
    let store = Store::get();
    let mode = store.memo(|state| state.mode());
    view! {
        <div class="stage-panel" role="tabpanel" id=PANEL aria-labelledby=move || mode.get().tab()>
            {move || panel(mode.get())}
        </div>
    }
}
