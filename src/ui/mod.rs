//! The page in the browser: Leptos views of [`ditscope_page_state`], and the code that carries out its effects.
//! It knows no tensor; its words are [`ditscope_words`], its plots [`ditscope_plots`].
//!
//! There are four ways to make elements, each for something:
//!
//! | way | for |
//! |---|---|
//! | `view!` | what is made once and whose few changing places are signals: the frame of every part |
//! | [`parts`] | what follows from plain data and changes as a whole: lists, dialogs, notices; it is compiled once |
//! | [`live`] | what changes with every step: one effect an attribute, nothing is made anew |
//! | `plots` | drawings, as SVG in a string |
//!
//! | file | what it holds |
//! |---|---|
//! | [`store`] | the state as signals |
//! | `effects`, `fetch` | carries out what the state asks for |
//! | [`bridge`] | the worker |
//! | `storage` | what the browser stores: weights, favourites |
//! | `app` | the layout; `header`, `run_bar`, `controls`, `stage`, `timeline`, `inspector`, `help` are its parts |
//! | `model_dialog` | choosing, adding and deleting models |
//! | `compare`, `forward`, `inside`, `findings` | what else the stage can show |
//! | `growth` | the film of a model's training |
//! | `training` | training in the tab: the trainer, seen from the page, and what it shows |
//! | `pace` | measuring what a step costs on the device |
//! | `take` | saving results, presenter mode, embed mode |
//! | `sound` | hearing pictures that are spectrograms |
//! | `word` | reading pictures that are words |
//! | `tour` | the guided tour |
//! | `maths`, `modal`, `shortcuts`, `theme`, `language`, `dom` | formulas, dialogs, keys, light and dark, which language, small browser helpers |
//! | `canvas`, `by_name` | reading a canvas back, what not every browser has |
//!
//! The style of a part lies beside it.

pub mod bridge;
pub mod live;
pub mod parts;
pub mod store;

mod app;
mod by_name;
mod canvas;
mod compare;
mod controls;
mod dom;
mod effects;
mod fetch;
mod findings;
mod forward;
mod growth;
mod header;
mod help;
mod inside;
mod inspector;
mod lab;
mod language;
mod lasting;
mod later;
mod maths;
mod modal;
mod mode;
mod model_dialog;
mod pace;
mod plots;
mod run_bar;
mod running;
mod shortcuts;
mod sound;
mod stage;
mod storage;
mod take;
mod theme;
mod timeline;
mod tour;
mod training;
mod window_events;
mod word;

/// Begins the page.
pub fn start() {
    wasm_bindgen_futures::spawn_local(async {
        // Before the first text is looked up, such as one about the address.
        language::begin().await;
        leptos::mount::mount_to_body(app::App);
    });
}
