//! The Diffusion Transformer, with adaLN-Zero or one of the paper's other conditionings (Peebles & Xie 2023, arXiv:2212.09748).
//!
//! Exact to the official architecture (facebookresearch/DiT `models.py` @ed81ce2),
//! whose parameter names the weights keep (see [`crate::weights::keys`]).
//!
//! There is one loop over the blocks, [`Dit::pass`]. Whoever wants more than its result brings a [`Probe`]:
//! [`Tracer`] looks inside, [`Reuse`] passes over the middle blocks, [`Without`] switches parts off. [`Given`] says what the blocks are told.

mod block;
mod conditioning;
mod cross;
mod embed;
mod given;
mod heads;
mod linear;
mod model;
mod norm;
mod probe;
mod reuse;
mod trace;
mod without;

pub use block::{Attention, DitBlock, Mlp};
pub use conditioning::{AdaLn, Branch, Condition, FinalLayer, Modulation};
pub use cross::CrossAttention;
pub use embed::{LabelEmbedder, PatchEmbed, TimestepEmbedder, pos_embed_2d, timestep_frequencies, unpatchify};
pub use given::{Given, Modulations};
pub use linear::Linear;
pub use model::Dit;
pub use probe::Probe;
pub use reuse::{BlockCache, Reuse};
pub use trace::{Trace, Tracer};
pub use without::Without;
