//! The trainer, seen from the page.

use super::session::tell;
use crate::envelope::{self, Opened};
use crate::ui::dom;
use ditscope_page_state::training::Event;
use ditscope_protocol::training::ToTrainer;
use ditscope_words::say;
use js_sys::Reflect;
use leptos::prelude::document;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

/// A worker that trains; it ends with this.
pub struct Trainer {
    worker: Worker,
    // The worker calls these; they live as long as it does.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Drop for Trainer {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Trainer {
    /// # Errors
    /// The browser's words.
    pub fn start(base: &str) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&format!("{base}{}", loader()), &options).map_err(|e| dom::reason(&e))?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| hear(&event.data()));
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(|event: ErrorEvent| {
            // A script that could not be fetched gives a plain event without a message.
            let message = Reflect::get(&event, &"message".into()).ok().and_then(|message| message.as_string());
            tell(Event::Lost(message.unwrap_or_else(|| say("failures.worker-script").into())));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, _on_message: on_message, _on_error: on_error })
    }

    pub fn send(&self, message: &ToTrainer) {
        let (object, transfer) = envelope::seal(message, &[]);
        // Posting only fails for foreign types.
        let _ = self.worker.post_message_with_transfer(&object, &transfer);
    }
}

/// The trainer's script: of this build, where the page says so; `trunk build` gives it one name for all builds.
fn loader() -> String {
    let meta = document().query_selector("meta[name=trainer]").ok().flatten();
    meta.and_then(|meta| meta.get_attribute("content")).unwrap_or_else(|| "trainer_loader.js".into())
}

fn hear(data: &JsValue) {
    let opened = match envelope::open(data) {
        Ok(Some(opened)) if envelope::is_of_this_build(data) => opened,
        // Not one of ours, such as an extension's.
        Ok(None) => return,
        Ok(Some(_)) => return tell(Event::Lost(say("failures.updated").into())),
        Err(name) => return tell(Event::Lost(name.into())),
    };
    let Opened { header, buffers } = opened;
    match dom::parse_json(&header) {
        Ok(message) => tell(Event::Told { message, buffers }),
        Err(error) => tell(Event::Lost(error.to_string())),
    }
}
