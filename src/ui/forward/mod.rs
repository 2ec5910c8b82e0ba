//! The forward process: any picture with the noise of any t, and denoised from there. Its state is
//! [`ditscope_page_state::forward`].
//!
//! | file | what it holds |
//! |---|---|
//! | `read` | the browser decodes a file |
//! | `sources`, `pictures`, `level` | where the picture comes from; what becomes of it; how noisy |
//! | `noises` | the noise in it, and what the model takes for noise |
//! | `opinion` | which class the model sees in it |
//! | `pad` | a picture that is drawn here |
//! | `text` | its words |

mod level;
mod noises;
mod opinion;
mod pad;
mod pictures;
mod read;
mod sources;
mod text;

use ditscope_page_state::forward::Event;
pub use read::read_sheet;

use super::dom;
use super::store::Store;
use ditscope_page_state as app;
use ditscope_page_state::film::Pixels;
use gloo::timers::callback::Interval;
use leptos::prelude::*;
use level::{Level, Strip};
use noises::Noises;
use opinion::OpinionOfClass;
use pad::DrawingPad;
use pictures::Pictures;
use sources::{Sources, listen_for_files};

#[component]
pub fn ForwardStage() -> impl IntoView {
    let store = Store::get();
    let over = RwSignal::new(false);
    listen_for_files(store, over);
    look_on(store);
    play(store);
    let note = store.memo(text::note);
    let is_bad = store.memo(|state| state.forward.note.is_some());
    view! {
        <div class="stage forward" class:over=move || over.get()>
            <Sources />
            <DrawingPad />
            <Pictures />
            <Level />
            <Strip />
            <Noises />
            <OpinionOfClass />
            <p class="forward-note" class:bad=move || is_bad.get() role="status" translate="no">{note}</p>
        </div>
    }
}

/// What a canvas shows. One type for all: each type of memo has code of its own.
type Picture = Memo<Option<Pixels>>;

fn send(store: Store, event: Event) {
    store.dispatch(app::Event::Forward(event));
}

/// Gives the state an event whenever something has changed that the pictures wait for or depend on.
fn look_on(store: Store) {
    let depends = store.memo(|state| state.forward.depends_on(state));
    dom::effect(Box::new(move || {
        // Read, not only tracked: a memo that is never read is never computed.
        depends.with(|_| ());
        send(store, Event::Look);
    }));
}

/// Ticks while the slider plays from the clean picture to noise.
fn play(store: Store) {
    let beat = store.memo(|state| state.forward.beat(state));
    let clock = StoredValue::new_local(None::<Interval>);
    dom::effect(Box::new(move || {
        clock.set_value(beat.get().map(|ms| Interval::new(ms, move || send(store, Event::Tick))));
    }));
}
