//! A Diffusion Transformer you can watch think, in a browser tab.
//!
//! The map (left may use right; see ARCHITECTURE.md):
//!
//! ```text
//! bin → ui | worker | native
//! ui → protocol, config, diffusion::schedule
//! worker → protocol, generate, weights        native → generate, weights
//! generate → diffusion, dit, autoencoder
//! ```
//!
//! Cargo features are the walls: `model` has tensors but no backend, `ui` has
//! a browser but no tensor, `worker` and `native` choose the backends.

pub mod config;
pub mod diffusion;
pub mod pixels;
pub mod protocol;
pub mod tensor_file;

#[cfg(feature = "model")]
pub mod audio;
#[cfg(feature = "model")]
pub mod autoencoder;
#[cfg(target_family = "wasm")]
pub mod constructors;
#[cfg(feature = "model")]
pub mod dit;
#[cfg(feature = "model")]
pub mod generate;
#[cfg(feature = "native")]
pub mod native;
#[cfg(feature = "model")]
pub mod selfcheck;
#[cfg(feature = "ui")]
pub mod ui;
#[cfg(feature = "model")]
pub mod weights;
#[cfg(feature = "worker")]
pub mod worker;
