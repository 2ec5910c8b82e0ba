//! The app: a page to watch a Diffusion Transformer think, the worker that runs it, and the trainer that teaches one.
//!
//! Each is a program of its own, with a feature of its own: what the page may not use (tensors) is not among the
//! dependencies of `ui`, what the worker may not use (views) not among those of `worker` and `trainer`. Everything that needs neither
//! browser nor worker is a crate under `crates/` (see ARCHITECTURE.md).

#[cfg(target_family = "wasm")]
pub mod constructors;
#[cfg(any(feature = "ui", feature = "worker", feature = "trainer"))]
mod envelope;
#[cfg(any(feature = "ui", feature = "worker", feature = "trainer"))]
mod event_loop;
#[cfg(any(feature = "worker", feature = "trainer"))]
#[cfg_attr(
    not(all(feature = "worker", feature = "trainer")),
    allow(dead_code, reason = "each of the two uses its part")
)]
mod files;
#[cfg(any(feature = "worker", feature = "trainer"))]
mod global;
#[cfg(any(feature = "worker", feature = "trainer-gpu"))]
mod gpu;
#[cfg(feature = "trainer")]
pub mod trainer;
#[cfg(feature = "ui")]
pub mod ui;
#[cfg(feature = "worker")]
pub mod worker;
