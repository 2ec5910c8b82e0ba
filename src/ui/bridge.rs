//! The worker, seen from the page.
//!
//! A message is `{header: <JSON>, buffers: [ArrayBuffer…]}`; the buffers are transferred. One that names a
//! folder on the visitor's disk has `files` besides: its `File` objects, which only the browser can read.

use super::dom;
use ditscope_page_state::{Event, Notice};
use ditscope_protocol::{FromWorker, ModelSource, ToWorker};
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

/// Holds at most one worker, and the folders that the visitor has opened.
pub struct Bridge {
    base: String,
    worker: Option<Live>,
    /// By name, with their `File` objects.
    folders: Vec<(String, Array)>,
}

struct Live {
    worker: Worker,
    // The worker calls these; they live as long as it does.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Bridge {
    /// `base` is the folder of the page.
    pub fn new(base: String) -> Self {
        Self { base, worker: None, folders: vec![] }
    }

    /// Starts a worker in place of the old one, if there was any.
    pub fn start(&mut self, dispatch: impl Fn(Event) + Clone + 'static) {
        self.worker = None;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = match Worker::new_with_options(&format!("{}worker_loader.js", self.base), &options) {
            Ok(worker) => worker,
            Err(error) => {
                let message = Notice::NoWorker(dom::reason(&error));
                // Not at once: the caller still holds the state.
                wasm_bindgen_futures::spawn_local(async move { dispatch(Event::WorkerLost(message)) });
                return;
            }
        };
        let hear = dispatch.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            match read(&event.data()) {
                Ok(Some((message, buffers))) => hear(Event::Worker { message, buffers, now_ms: dom::now_ms() }),
                // Not one of ours, such as an extension's.
                Ok(None) => {}
                Err(why) => hear(Event::WorkerLost(Notice::WorkerMessage(Box::new(why)))),
            }
        });
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            // A script that could not be fetched gives a plain event without a message.
            let message = Reflect::get(&event, &"message".into()).ok().and_then(|m| m.as_string()).unwrap_or_default();
            let message = match message.as_str() {
                "" => Notice::WorkerScript,
                message => Notice::WorkerStopped(Box::new(Notice::said(message))),
            };
            dispatch(Event::WorkerLost(message));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        self.worker = Some(Live { worker, _on_message: on_message, _on_error: on_error });
    }

    /// Keeps a folder's files, which travel with every message that names it.
    pub fn keep_folder(&mut self, name: String, files: Array) {
        self.folders.retain(|(other, _)| *other != name);
        self.folders.push((name, files));
    }

    /// Sends a message; without a worker it goes nowhere, and the state knows that the worker is lost.
    pub fn send(&self, message: &ToWorker, buffers: &[Vec<u8>]) {
        let (Some(live), Ok(header)) = (&self.worker, serde_json::to_string(message)) else { return };
        let buffers: Array = buffers.iter().map(|bytes| Uint8Array::from(bytes.as_slice()).buffer()).collect();
        let envelope = Object::new();
        let _ = Reflect::set(&envelope, &"header".into(), &header.into());
        let _ = Reflect::set(&envelope, &"buffers".into(), &buffers);
        if let ToWorker::Load { source: ModelSource::Folder(name), .. }
        | ToWorker::Inspect { source: ModelSource::Folder(name) } = message
            && let Some((_, files)) = self.folders.iter().find(|(kept, _)| kept == name)
        {
            let _ = Reflect::set(&envelope, &"files".into(), files);
        }
        let _ = live.worker.post_message_with_transfer(&envelope, &buffers);
    }
}

/// A message and its buffers.
type Envelope = (FromWorker, Vec<Vec<u8>>);

/// Opens an envelope; nothing, if it is not one of ours.
fn read(data: &JsValue) -> Result<Option<Envelope>, Notice> {
    let Some(header) = Reflect::get(data, &"header".into()).ok().and_then(|header| header.as_string()) else {
        return Ok(None);
    };
    let message = dom::parse_json(&header).map_err(|error| Notice::said(error.to_string()))?;
    let buffers = Reflect::get(data, &"buffers".into()).unwrap_or_default();
    let buffers = buffers.dyn_ref::<Array>().cloned().unwrap_or_default();
    let bytes = |buffer: JsValue| buffer.dyn_into::<ArrayBuffer>().map(|b| Uint8Array::new(&b).to_vec());
    let buffers = buffers.iter().map(bytes).collect::<Result<_, _>>().map_err(|_| Notice::NoBuffer)?;
    Ok(Some((message, buffers)))
}
