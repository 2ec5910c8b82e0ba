//! The app: a page to watch a Diffusion Transformer think, and the worker that runs it.
//!
//! Each is a program of its own, with a feature of its own: what the page may not use (tensors) is not among the
//! dependencies of `ui`, what the worker may not use (views) not among those of `worker`. Everything that needs neither
//! browser nor worker is a crate under `crates/` (see ARCHITECTURE.md).

#[cfg(target_family = "wasm")]
pub mod constructors;
#[cfg(any(feature = "ui", feature = "worker"))]
mod envelope;
#[cfg(any(feature = "ui", feature = "worker"))]
mod event_loop;
#[cfg(feature = "ui")]
pub mod ui;
#[cfg(feature = "worker")]
pub mod worker;
