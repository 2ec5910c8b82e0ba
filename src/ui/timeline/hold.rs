//! Holding the run under way between two steps. Stands beside the run's status, apart from the player.

use super::state::Event;
use crate::ui::state::{self as app, Pace};
use crate::ui::store::Store;
use crate::ui::words::say;
use leptos::prelude::*;

/// Invisible, in its place, while no run is under way.
#[component]
pub fn HoldButtons() -> impl IntoView {
    let store = Store::get();
    let pace = store.memo(|state| state.pace());
    let press = move |event| move |_| store.dispatch(app::Event::Timeline(event));
    let held = move || pace.get().is_some_and(|pace| pace != Pace::Free);
    view! {
        <div class="hold" role="group" aria-label=say("timeline.run") hidden=move || pace.get().is_none()>
            <button
                type="button"
                class="quiet"
                title=move || if held() { say("timeline.hint-resume") } else { say("timeline.hint-hold") }
                on:click=press(Event::ToggleHold)
            >
                {move || if held() { say("timeline.resume") } else { say("timeline.hold") }}
            </button>
            <button type="button" class="quiet" title=say("timeline.hint-once") on:click=press(Event::StepOnce)>
                {say("timeline.once")}
            </button>
        </div>
    }
}
