//! Between pictures and latents.

mod tiny;

pub use tiny::{AutoencoderTiny, Layer, TinyBlock};
