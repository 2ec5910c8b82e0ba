//! The worker, seen from the page.

use super::dom;
use super::running::Running;
use crate::envelope::{self, Opened};
use ditscope_page_state::{Event, Notice};
use ditscope_protocol::{FromWorker, ModelSource, Reason, Refusal, ToWorker};
use js_sys::Array;
use wasm_bindgen::JsValue;

/// Holds at most one worker, and the folders that the visitor has opened.
pub struct Bridge {
    base: String,
    worker: Option<Running>,
    /// By name, with their `File` objects.
    folders: Vec<(String, Array)>,
}

impl Bridge {
    /// `base` is the folder of the page.
    pub fn new(base: String) -> Self {
        Self { base, worker: None, folders: vec![] }
    }

    /// Starts a worker in place of the old one, if there was any.
    pub fn start(&mut self, dispatch: impl Fn(Event) + Clone + 'static) {
        self.worker = None;
        let (hear, lose) = (dispatch.clone(), dispatch.clone());
        let hear = move |data: JsValue| match read(&data) {
            Ok(Some((message, buffers))) => hear(Event::Worker { message, buffers, now_ms: dom::now_ms() }),
            // Not one of ours, such as an extension's.
            Ok(None) => {}
            Err(why) => hear(Event::WorkerLost(why.into())),
        };
        let lose = move |message: Option<String>| {
            lose(Event::WorkerLost(match message {
                None => Notice::WorkerScript,
                Some(message) => Reason::Crashed.found(message).into(),
            }));
        };
        match Running::start(&self.base, "worker", Box::new(hear), Box::new(lose)) {
            Ok(running) => self.worker = Some(running),
            // Not at once: the caller still holds the state.
            Err(error) => wasm_bindgen_futures::spawn_local(async move {
                dispatch(Event::WorkerLost(Notice::NoWorker(error)));
            }),
        }
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

    pub fn forget_folder(&mut self, name: &str) {
        self.folders.retain(|(kept, _)| kept != name);
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
        live.post(&object, &transfer);
    }
}

/// A message and its buffers.
pub type Message = (FromWorker, Vec<Vec<u8>>);

/// Opens an envelope; nothing, if it is not one of ours.
pub fn read(data: &JsValue) -> Result<Option<Message>, Refusal> {
    let Some(Opened { header, buffers }) = envelope::open(data).map_err(|name| Reason::Message.found(name))? else {
        return Ok(None);
    };
    if !envelope::is_of_this_build(data) {
        return Err(Reason::OtherBuild.into());
    }
    let message = dom::parse_json(&header).map_err(|error| Reason::Message.found(error))?;
    Ok(Some((message, buffers)))
}
