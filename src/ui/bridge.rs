//! The worker, seen from the page.

use super::dom;
use crate::envelope::{self, Opened};
use ditscope_page_state::{Event, Notice};
use ditscope_protocol::{FromWorker, ModelSource, Reason, Refusal, ToWorker};
use js_sys::{Array, Reflect};
use leptos::prelude::document;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

/// Holds at most one worker, and the folders that the visitor has opened.
pub struct Bridge {
    base: String,
    worker: Option<Running>,
    /// By name, with their `File` objects.
    folders: Vec<(String, Array)>,
}

struct Running {
    worker: Worker,
    // The worker calls these; they live as long as it does.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Drop for Running {
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
        let worker = match Worker::new_with_options(&format!("{}{}", self.base, loader()), &options) {
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
                Err(why) => hear(Event::WorkerLost(why.into())),
            }
        });
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            // A script that could not be fetched gives a plain event without a message.
            let message = Reflect::get(&event, &"message".into()).ok().and_then(|m| m.as_string()).unwrap_or_default();
            let message = match message.as_str() {
                "" => Notice::WorkerScript,
                message => Reason::Crashed.found(message).into(),
            };
            dispatch(Event::WorkerLost(message));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        self.worker = Some(Running { worker, _on_message: on_message, _on_error: on_error });
    }

    /// Keeps a folder's files, which travel with every message that names it, and gives the name: another one where a folder
    /// of this name was opened before, which may be a different one.
    pub fn keep_folder(&mut self, name: &str, files: Array) -> String {
        let is_free = |name: &String| self.folders.iter().all(|(other, _)| other != name);
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default();
        self.folders.push((free.clone(), files));
        free
    }

    /// Sends a message; without a worker it goes nowhere, and the state knows that the worker is lost.
    pub fn send(&self, message: &ToWorker, buffers: &[Vec<u8>]) {
        let Some(live) = &self.worker else { return };
        let (object, transfer) = envelope::seal(message, &buffers.iter().map(Vec::as_slice).collect::<Vec<_>>());
        if let ToWorker::Load { source: ModelSource::Folder(name), .. }
        | ToWorker::Inspect { source: ModelSource::Folder(name) } = message
            && let Some((_, files)) = self.folders.iter().find(|(kept, _)| kept == name)
        {
            envelope::add_files(&object, files);
        }
        let _ = live.worker.post_message_with_transfer(&object, &transfer);
    }
}

/// The worker's script: of this build, where the page says so; `trunk build` gives it one name for all builds.
fn loader() -> String {
    let meta = document().query_selector("meta[name=worker]").ok().flatten();
    meta.and_then(|meta| meta.get_attribute("content")).unwrap_or_else(|| "worker_loader.js".into())
}

/// A message and its buffers.
type Message = (FromWorker, Vec<Vec<u8>>);

/// Opens an envelope; nothing, if it is not one of ours.
fn read(data: &JsValue) -> Result<Option<Message>, Refusal> {
    let Some(Opened { header, buffers }) = envelope::open(data).map_err(|name| Reason::Message.found(name))? else {
        return Ok(None);
    };
    if !envelope::is_of_this_build(data) {
        return Err(Reason::OtherBuild.into());
    }
    let message = dom::parse_json(&header).map_err(|error| Reason::Message.found(error))?;
    Ok(Some((message, buffers)))
}
