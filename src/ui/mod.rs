//! The page: a Leptos app that shows a run and knows no tensor.
//!
//! | file | what it holds |
//! |---|---|
//! | [`state`] | everything the page shows, pure |
//! | [`update`] | the one reducer: events in, effects out, pure |
//! | [`url`] | settings ↔ address bar, pure |
//! | [`film`], [`colour`] | frames as pictures, pure |
//! | [`text`] | the words |
//! | [`store`] | the state as signals; carries the effects out |
//! | [`bridge`] | the worker |
//! | `app` | the layout; `header`, `run_bar`, `controls`, `stage`, `timeline`, `inspector`, `help` are its parts |
//! | `plots` | hand-made SVG |
//! | `shortcuts`, `theme`, `dom` | keys, light and dark, small browser helpers |

pub mod colour;
pub mod film;
pub mod state;
pub mod text;
pub mod update;
pub mod url;

pub mod bridge;
pub mod store;

mod app;
mod controls;
mod dom;
mod header;
mod help;
mod inspector;
mod plots;
mod run_bar;
mod shortcuts;
mod stage;
mod theme;
mod timeline;

pub use app::App;
