//! The Web Worker that trains a small transformer: on the CPU, or in a program of its own on the graphics card. It knows no
//! layout.
//!
//! [`start`] listens for [`ditscope_protocol::training::ToTrainer`]; `load` fetches what a training needs (from
//! `crate::files`), `work` takes steps and does what is asked between two of them, `show` makes samples and exercises,
//! `keep` keeps checkpoints in the browser as `pack` writes them, `give` makes the model's files, `post` sends messages.
//!
//! What a step is `ditscope_train` knows. Samples, exercises and files are made on the CPU, wherever it is trained.

mod give;
mod keep;
mod load;
mod pack;
mod post;
mod show;
mod work;

use crate::event_loop::next_task;
use crate::files::refused;
use crate::global::scope;
#[cfg(feature = "trainer-gpu")]
use crate::gpu;
use async_channel::{Receiver, TryRecvError, unbounded};
use burn::tensor::Device;
use ditscope_protocol::Refusal;
use ditscope_protocol::training::{FromTrainer, ToTrainer};
use post::{Told, fail, post};
#[cfg(feature = "trainer-gpu")]
use std::{cell::RefCell, sync::Arc};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use work::Work;

/// The CPU, in one thread.
fn cpu() -> Device {
    Device::flex()
}

/// Where it is trained. It is started once.
///
/// # Errors
/// Why there is no such device.
#[cfg(not(feature = "trainer-gpu"))]
async fn device() -> Result<Device, Refusal> {
    Ok(cpu())
}

/// The graphics card, or one in software: whoever asks for it wants it.
#[cfg(feature = "trainer-gpu")]
async fn device() -> Result<Device, Refusal> {
    thread_local! {
        static STARTED: RefCell<Option<Device>> = const { RefCell::new(None) };
    }
    if let Some(device) = STARTED.with_borrow(Clone::clone) {
        return Ok(device);
    }
    let started = gpu::start(true).await?;
    // Whatever is refused would leave numbers as they were.
    started.setup.device.on_uncaptured_error(Arc::new(|error| panic!("WebGPU: {error}")));
    STARTED.set(Some(started.device.clone()));
    Ok(started.device)
}

/// Waits for what a device computes.
#[cfg(not(feature = "trainer-gpu"))]
async fn during<T>(waiting: impl Future<Output = T>) -> T {
    waiting.await
}

#[cfg(feature = "trainer-gpu")]
use crate::gpu::nudge::during;

/// Starts listening, and says so.
pub fn start() {
    post::report_panics();
    refused::listen();
    let (teller, told) = unbounded();
    let on_message = Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
        match post::read(&event.data()) {
            // There is always somebody who listens.
            Ok(message) => drop(teller.try_send(message)),
            Err(why) => fail(why),
        }
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // It listens for as long as the worker lives.
    on_message.forget();
    spawn_local(go(told));
    post(&FromTrainer::Ready, &[]);
}

/// Does what it is told, and between two messages takes a step where there is something to train.
async fn go(told: Receiver<Told>) {
    let mut work: Option<Work> = None;
    loop {
        let message = match told.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Closed) => return,
            Err(TryRecvError::Empty) if work.as_ref().is_some_and(Work::goes_on) => None,
            Err(TryRecvError::Empty) => told.recv().await.ok(),
        };
        work = match (message, work.take()) {
            (Some(Told { message: ToTrainer::Begin { source, setup, resume }, files }), old) => {
                // Its memory is free before the new one comes.
                drop(old);
                let begun = Work::begin(source, files, *setup, resume).await;
                begun.map_err(fail).ok()
            }
            (Some(Told { message, .. }), Some(work)) => work.hear(message).await.map_err(fail).ok(),
            (None, Some(work)) => work.step().await.map_err(fail).ok(),
            (_, None) => None,
        };
        next_task().await;
    }
}
