//! The page and its worker in a browser, against a small server that can make things go wrong. Most tests run in headless
//! Chromium; `firefox` and `webkit` repeat in those browsers what a visit consists of.
//!
//! Everything is found as a visitor's screen reader finds it: by role and accessible name. Those
//! names are a contract (see ARCHITECTURE.md). A picture of the page at the end of each test lies
//! in `screenshots` in Cargo's folder for test files (`target/tmp`).
//!
//! The tests need a built app in `dist/` (or in the folder that `DITSCOPE_DIST` names), and the browsers with their
//! drivers. `cargo xtask test` sees to all that.

mod app;
mod engine;
mod server;
mod tiny;
mod webdriver;

mod accessibility;
mod compare;
mod devices;
mod failures;
mod field;
mod findings;
mod firefox;
mod flow;
mod forward;
mod gpu_large;
mod gpu_work;
mod growth;
mod hostile;
mod inside;
mod lab;
mod language;
mod layout;
mod lessons;
mod links;
mod loss;
mod models;
mod offline;
mod pace;
mod phone;
mod plain;
mod plots;
mod pool;
mod runs;
mod settings;
mod sight;
mod soak;
mod sound;
mod stage;
mod start;
mod take;
mod tour;
mod training;
mod video;
mod webkit;
mod words;
mod worker;
mod worker_pace;
