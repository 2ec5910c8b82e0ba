//! Holding the run under way between two steps. Stands beside the run's status, apart from the player.

use crate::ui::parts::{Part, Parts};
use crate::ui::store::Store;
use ditscope_page_state::run::Event;
use ditscope_page_state::{self as app, Pace};
use ditscope_words::say;
use leptos::prelude::*;

/// Nothing while no run is under way.
#[component]
pub fn HoldButtons() -> impl IntoView {
    let store = Store::get();
    let pace = store.memo(|state| state.run.pace());
    let content = move || {
        let Some(pace) = pace.get() else { return vec![] };
        let (words, hint) = match pace {
            Pace::Free => (say("timeline.hold"), say("timeline.hint-hold")),
            Pace::Holding | Pace::Held(_) => (say("timeline.resume"), say("timeline.hint-resume")),
        };
        let button = |words, event| Part::button("quiet", words, move || store.dispatch(app::Event::Run(event)));
        // By its id it keeps the focus when its name changes.
        let toggle = button(words, Event::ToggleHold).with("id", "hold").with("title", hint);
        let once = button(say("timeline.once"), Event::StepOnce).with("title", say("timeline.hint-once"));
        let group = Part::group("hold", vec![toggle, once]);
        vec![group.with("role", "group").with("aria-label", say("timeline.run"))]
    };
    view! { <Parts content=Box::new(content) /> }
}
