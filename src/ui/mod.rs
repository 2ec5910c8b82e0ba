//! The page: a Leptos app that shows a run and knows no tensor.
//!
//! | file | what it holds |
//! |---|---|
//! | [`state`] | everything the page shows, pure |
//! | [`event`] | what can happen, and what is to be done then, pure |
//! | [`update`] | the one reducer: events in, effects out, pure |
//! | [`url`], [`model_ref`] | settings ↔ address bar, pure |
//! | [`models`] | the models there are, and what of them is stored, pure |
//! | [`labels`] | searching class names, pure |
//! | [`film`], [`colour`] | frames as pictures, pure |
//! | [`words`], [`text`] | the words in each language; texts that are put together, pure |
//! | [`store`] | the state as signals; carries the effects out |
//! | [`bridge`] | the worker |
//! | `storage` | what the browser keeps: weights, marks |
//! | `app` | the layout; `header`, `run_bar`, `controls`, `stage`, `timeline`, `inspector`, `help` are its parts |
//! | `model_dialog` | choosing, adding and deleting models |
//! | [`take`] | saving results, presenter mode, embed mode |
//! | `plots` | hand-made SVG: the schedule, and how large the latents are |
//! | [`sound`] | hearing pictures that are spectrograms |
//! | [`inside`] | attention, token norms and adaLN-Zero at the step on the timeline |
//! | `live` | elements that change with every step |
//! | [`tour`] | the guided tour: its chapters, and how they bring the page to what they speak of |
//! | `parts`, `maths`, `modal`, `shortcuts`, `theme`, `language`, `dom` | buttons and words, formulas, dialogs, keys, light and dark, which language, small browser helpers |

pub mod asks;
pub mod colour;
pub mod compare;
pub mod event;
pub mod file_name;
pub mod film;
pub mod findings;
mod forward;
pub mod inside;
pub mod labels;
pub mod mode;
pub mod model_ref;
pub mod models;
pub mod sound;
pub mod stage;
pub mod state;
pub mod take;
pub mod text;
pub mod timeline;
pub mod tour;
pub mod update;
pub mod url;
pub mod words;

pub mod bridge;
pub mod store;

mod app;
mod controls;
mod dom;
mod header;
mod help;
mod inspector;
mod language;
mod later;
mod live;
mod maths;
mod modal;
mod model_dialog;
mod parts;
mod plots;
mod run_bar;
mod shortcuts;
mod storage;
mod theme;

/// Begins the page.
pub fn start() {
    wasm_bindgen_futures::spawn_local(async {
        // Before the first word is said, such as one about the address.
        language::begin().await;
        leptos::mount::mount_to_body(app::App);
    });
}
