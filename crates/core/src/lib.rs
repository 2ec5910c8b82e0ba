//! The method: from seeds to pictures, and from files to weights. Bytes and numbers in, tensors out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`diffusion`] | what the network's output means, samplers, guidance |
//! | [`dit`] | the transformer |
//! | [`autoencoder`] | latents ↔ pictures |
//! | [`weights`] | shards, index, hashes, names: bytes ↔ modules |
//! | [`generate`] | a model on a device, and a run of it, step by step |
//! | [`selfcheck`] | a tiny known forward pass that a device must get right before it is trusted |
//! | [`text`] | words as pictures, for models of letters |
//! | [`pixels`] | numbers → pixels |
//!
//! It must not know a backend, a browser, a file path, a message or a layout: the caller chooses the device, brings
//! the bytes and reads tensors back.

pub mod autoencoder;
pub mod diffusion;
pub mod dit;
pub mod generate;
pub mod pixels;
pub mod selfcheck;
pub mod text;
pub mod weights;
