//! Decoding in pieces: the device is waited for after each, so that no piece of work is long enough for
//! the browser's watchdog, and messages that came meanwhile are read.

use super::jobs::Job;
use super::post::post;
use crate::event_loop::next_task;
use burn::tensor::Tensor;
use ditscope_core::generate::Model;
use ditscope_frames::{pictures, wait_for};
use ditscope_protocol::FromWorker;

/// Standardised latents → RGBA, picture by picture and stage by stage, with progress. Nothing, if the
/// job does not go on.
///
/// # Shapes
/// - `x`: `[N, C, h, w]`; result: `[N, H, W, 4]`
///
/// # Errors
/// What the device said.
pub async fn in_stages(job: &Job, model: &Model, x: Tensor<4>, run: u32) -> Result<Option<Vec<u8>>, String> {
    let [n, _, _, _] = x.dims();
    let stages = model.num_decode_stages();
    let progress = |done| post(&FromWorker::DecodeProgress { run, done, total: n * stages });
    progress(0);
    let mut pixels = Vec::new();
    for picture in 0..n {
        let mut y = x.clone().narrow(0, picture, 1);
        for stage in 0..stages {
            next_task().await;
            if !job.goes_on() {
                return Ok(None);
            }
            y = model.decode_stage(stage, y);
            wait_for(&y).await?;
            progress(picture * stages + stage + 1);
        }
        pixels.extend(pictures(y).await?);
    }
    Ok(Some(pixels))
}
