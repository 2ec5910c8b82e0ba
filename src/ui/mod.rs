//! The page: a Leptos app that shows a run and knows no tensor.
//!
//! | file | what it holds |
//! |---|---|
//! | [`state`] | everything the page shows, pure |
//! | [`update`] | the one reducer: events in, effects out, pure |
//! | [`url`], [`model_ref`] | settings ↔ address bar, pure |
//! | [`models`] | the models there are, and what of them is stored, pure |
//! | [`labels`] | searching class names, pure |
//! | [`film`], [`colour`] | frames as pictures, pure |
//! | [`text`] | the words |
//! | [`store`] | the state as signals; carries the effects out |
//! | [`bridge`] | the worker |
//! | `storage` | what the browser keeps: weights, marks |
//! | `app` | the layout; `header`, `run_bar`, `controls`, `stage`, `timeline`, `inspector`, `help` are its parts |
//! | `model_dialog` | choosing, adding and deleting models |
//! | `plots` | hand-made SVG |
//! | [`tour`] | the guided tour: its chapters, and how they bring the page to what they speak of |
//! | `parts`, `maths`, `modal`, `shortcuts`, `theme`, `dom` | buttons and words, formulas, dialogs, keys, light and dark, small browser helpers |

pub mod asks;
pub mod colour;
pub mod compare;
pub mod film;
pub mod forward;
pub mod inside;
pub mod labels;
pub mod mode;
pub mod model_ref;
pub mod models;
pub mod stage;
pub mod state;
pub mod text;
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
mod maths;
mod modal;
mod model_dialog;
mod parts;
mod plots;
mod run_bar;
mod shortcuts;
mod storage;
mod theme;
mod timeline;

pub use app::App;
