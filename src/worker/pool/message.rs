//! Between the worker that leads and its members.

use ditscope_config::ModelConfig;
use serde::{Deserialize, Serialize};

/// To a member, which answers rows one after the other, and pictures in their order when it has no rows to compute.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToMember {
    /// A model comes, without these kernels.
    Model { config: Box<ModelConfig>, left_out: Vec<String> },
    /// With its bytes.
    Shard { file: String },
    /// The model is complete; answered without bytes.
    Finish,
    /// A run of these classes begins, in which the network is told these times. Pictures that wait are answered without bytes.
    Run { classes: Vec<usize>, times: Vec<f32> },
    /// With `[M, C, h, w]` f32, little-endian; answered with `[M, C_out, h, w]`.
    Rows { labels: Vec<usize>, time: f32 },
    /// With `[1, C, h, w]`; answered with [`FromMember::Picture`].
    Decode,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum FromMember {
    /// It listens.
    Listens,
    /// With bytes, if any were asked for.
    Answer,
    /// With RGBA `[H, W, 4]`.
    Picture,
}
