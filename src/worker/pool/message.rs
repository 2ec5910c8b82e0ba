//! Between the worker that leads and its members.

use ditscope_config::ModelConfig;
use serde::{Deserialize, Serialize};

/// To a member, which answers one after the other.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToMember {
    /// A model comes, without these kernels.
    Model { config: Box<ModelConfig>, left_out: Vec<String> },
    /// With its bytes.
    Shard { file: String },
    /// The model is complete; answered without bytes.
    Finish,
    /// A run of these classes begins, in which the network is told these times.
    Run { classes: Vec<usize>, times: Vec<f32> },
    /// With `[M, C, h, w]` f32, little-endian; answered with `[M, C_out, h, w]`.
    Rows { labels: Vec<usize>, time: f32 },
    /// With `[N, C, h, w]`; answered with RGBA `[N, H, W, 4]`.
    Decode,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum FromMember {
    /// It listens.
    Listens,
    /// With bytes, if any were asked for.
    Answer,
}
