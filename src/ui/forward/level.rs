//! How much noise: the slider, the numbers behind it, and the filmstrip.

use super::pictures::{across, strip};
use super::{send, text};
use crate::ui::controls::fill;
use crate::ui::dom;
use crate::ui::parts::{Part, Parts};
use crate::ui::stage::PixelCanvas;
use crate::ui::store::Store;
use ditscope_page_state::Page;
use ditscope_page_state::forward::{Event, MARKS};
use ditscope_page_state::forward::{last_t, mark};
use ditscope_words::{say, say_with};
use leptos::html::Div;
use leptos::prelude::*;

#[component]
pub fn Level() -> impl IntoView {
    let store = Store::get();
    let t = store.memo(|state| state.forward.t(state));
    let last = store.memo(|state| last_t(state));
    let playing = store.memo(|state| state.forward.is_playing());
    let spoken = store.memo(text::spoken_level);
    view! {
        <div class="noise-level">
            <button
                type="button"
                class="icon play"
                aria-label=move || if playing.get() { say("forward.pause") } else { say("forward.play") }
                title=say("forward.hint-play")
                on:click=move |_| send(store, Event::TogglePlay)
            >
                <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
                    <path
                        d=move || if playing.get() { "M8 5v14M16 5v14" } else { "M8 5l11 7-11 7z" }
                        fill="currentColor"
                        stroke="currentColor"
                        stroke-width="2"
                        stroke-linejoin="round"
                    />
                </svg>
            </button>
            <input
                type="range"
                aria-label=say("forward.level")
                aria-valuetext=spoken
                title=say("forward.hint-level")
                min="0"
                max=move || last.get().to_string()
                step="1"
                prop:style=move || fill(t.get() as f64, 0.0, last.get() as f64)
                prop:value=move || {
                    // As the timeline's: told again when its maximum changes.
                    last.track();
                    t.get().to_string()
                }
                on:input=move |event| {
                    if let Ok(t) = event_target_value(&event).parse() {
                        send(store, Event::SetT(t));
                    }
                }
                on:change=move |_| send(store, Event::Settled)
            />
        </div>
        <Parts content=Box::new(move || store.with(numbers)) />
    }
}

/// The formula with numbers put in, and where denoising would begin.
fn numbers(state: &Page) -> Vec<Part> {
    let [formula, general, ratio] = text::formula(state);
    let part = |class, words| Part::new("span", class).saying(words);
    let parts = vec![part("with-numbers", formula), part("dim", general), part("dim", ratio)];
    let formula = Part::new("p", "noise-formula").with("title", say("forward.hint-formula")).of(parts);
    vec![formula, Part::words("hint denoise-from", text::beginning(state))]
}

/// The picture at even distances from none to all of the noise.
#[component]
pub fn Strip() -> impl IntoView {
    let store = Store::get();
    let last = store.memo(|state| last_t(state));
    let t = store.memo(|state| state.forward.t(state));
    let across = across();
    let node = NodeRef::<Div>::new();
    let width = dom::width_of(node);
    // The gaps and the frames are the style sheet's.
    let available = Signal::derive(move || (width.get() - (MARKS - 1) as f64 * 4.0) / MARKS as f64 - 6.0);
    let one = move |(i, pixels)| {
        let mark = move || mark(i, MARKS, last.get());
        view! {
            <button
                type="button"
                class="noise-mark"
                aria-label=move || say_with("forward.mark", &[("t", &mark())])
                aria-pressed=move || (t.get() == mark()).to_string()
                on:click=move |_| {
                    send(store, Event::SetT(mark()));
                    send(store, Event::Settled);
                }
            >
                <span class="picture-place"><PixelCanvas pixels available across /></span>
                <span class="hint" aria-hidden="true" translate="no">{move || mark().to_string()}</span>
            </button>
        }
    };
    view! {
        <div class="noise-strip" role="group" aria-label=say("forward.strip") node_ref=node>
            {strip(store).into_iter().enumerate().map(one).collect_view()}
        </div>
    }
}
