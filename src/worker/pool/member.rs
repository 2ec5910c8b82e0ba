//! What a member does: it loads a model, then computes rows and decodes pictures as it is told.

use super::message::{FromMember, ToMember};
use crate::envelope;
use crate::event_loop::next_task;
use crate::global::scope;
use crate::worker::device::cpu;
use async_channel::{Receiver, unbounded};
use burn::tensor::{Tensor, TensorData};
use ditscope_core::generate::{Model, Passes, latent_shape};
use ditscope_core::weights::Loader;
use ditscope_frames::{self as frames, read};
use ditscope_ops::{Operation, Ops};
use std::collections::VecDeque;
use wasm_bindgen::prelude::*;
use web_sys::MessageEvent;

pub use super::link::NAME;

/// A message and what came beside it.
type Told = (ToMember, Vec<u8>);

/// Starts listening, and says so.
pub fn start() {
    // A panic ends the member, which the worker that leads sees for itself.
    std::panic::set_hook(Box::new(console_error_panic_hook::hook));
    let (sender, told) = unbounded();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        // The module, where the loader has not taken it.
        let Some(opened) = envelope::open(&event.data()).ok().flatten() else { return };
        let message = serde_json::from_str(&opened.header).expect("a message that members know");
        // Who receives is there for as long as the member lives.
        let _ = sender.try_send((message, opened.buffers.into_iter().next().unwrap_or_default()));
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The member listens for as long as it lives.
    on_message.forget();
    wasm_bindgen_futures::spawn_local(async move {
        serve(told).await.expect("what the worker that leads could load and compute");
    });
    post(&FromMember::Listens, &[]);
}

/// Answers until it is ended from outside.
async fn serve(told: Receiver<Told>) -> Result<(), String> {
    let model = loaded(&told).await?;
    post(&FromMember::Answer, &[]);
    let mut passes = Passes::new(&model, Vec::new(), Vec::new());
    let mut undecoded: VecDeque<Vec<u8>> = VecDeque::new();
    loop {
        // All wait for rows, so they come before pictures that were asked for earlier.
        if let Some(bytes) = undecoded.pop_front_if(|_| told.is_empty()) {
            let image = model.decode(latents(&model, &bytes)); // [1, C_image, H, W]
            post(&FromMember::Picture, &[&frames::pictures(image).await?]);
            next_task().await;
            continue;
        }
        let (message, bytes) = next(&told).await?;
        match message {
            ToMember::Run { classes, times } => {
                passes = Passes::new(&model, classes, times);
                undecoded.drain(..).for_each(|_| post(&FromMember::Picture, &[]));
            }
            ToMember::Rows { labels, time } => {
                let output = passes.rows(latents(&model, &bytes), &labels, time); // [M, C_out, h, w]
                let [numbers] = read([output]).await?;
                post(&FromMember::Answer, &[&frames::bytes(&numbers)]);
            }
            ToMember::Decode => undecoded.push_back(bytes),
            other => return Err(format!("{other:?} once the model is loaded")),
        }
    }
}

/// The model, shard by shard.
async fn loaded(told: &Receiver<Told>) -> Result<Model, String> {
    let (ToMember::Model { config, left_out }, _) = next(told).await? else { return Err("no model".to_owned()) };
    let device = cpu();
    let is_left_out = |operation: &Operation| left_out.iter().any(|name| name == operation.name());
    let ops = Operation::ALL.into_iter().filter(is_left_out).fold(Ops::of(&device), Ops::without);
    let (mut model, mut loader) = (Model::new(&config, &device), Loader::default());
    loop {
        match next(told).await? {
            (ToMember::Shard { file }, bytes) => {
                model = model.load_shard(&mut loader, &file, &bytes).map_err(|error| error.to_string())?;
            }
            (ToMember::Finish, _) => {
                model.finish_loading(&loader).map_err(|error| error.to_string())?;
                return Ok(model.fused(ops));
            }
            (other, _) => return Err(format!("{other:?} while the model is loading")),
        }
    }
}

async fn next(told: &Receiver<Told>) -> Result<Told, String> {
    told.recv().await.map_err(|error| error.to_string())
}

/// As many `[C, h, w]` as there are, `[N, C, h, w]`.
fn latents(model: &Model, bytes: &[u8]) -> Tensor<4> {
    let [_, c, h, w] = latent_shape(model, 1);
    let values = frames::numbers(bytes);
    let shape = [values.len() / (c * h * w), c, h, w];
    Tensor::from_data(TensorData::new(values, shape), &model.device)
}

fn post(message: &FromMember, buffers: &[&[u8]]) {
    let transfer = envelope::copies(buffers);
    // Posting only fails for foreign types.
    let _ = scope().post_message_with_transfer(&envelope::sealed(message, &transfer), &transfer);
}
