//! A worker of the page's, with what listens to it.

use super::dom;
use js_sys::{Array, Object, Reflect};
use leptos::prelude::document;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

/// It ends with this.
pub struct Running {
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

impl Running {
    /// Starts the worker of this name in the folder of the page. `hear` is given what it says, `lose` why it failed: nothing
    /// where its script could not be fetched.
    ///
    /// # Errors
    /// The browser's words.
    pub fn start(
        base: &str,
        name: &str,
        hear: Box<dyn Fn(JsValue)>,
        lose: Box<dyn Fn(Option<String>)>,
    ) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let script = format!("{base}{}", loader(name));
        let worker = Worker::new_with_options(&script, &options).map_err(|error| dom::reason(&error))?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| hear(event.data()));
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            // A script that could not be fetched gives a plain event without a message.
            let message = Reflect::get(&event, &"message".into()).ok().and_then(|message| message.as_string());
            lose(message.filter(|message| !message.is_empty()));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, _on_message: on_message, _on_error: on_error })
    }

    /// Posting only fails for foreign types.
    pub fn post(&self, object: &Object, transfer: &Array) {
        let _ = self.worker.post_message_with_transfer(object, transfer);
    }
}

/// A worker's script: of this build, where the page says so; `trunk build` gives it one name for all builds.
fn loader(name: &str) -> String {
    let meta = document().query_selector(&format!("meta[name={name}]")).ok().flatten();
    meta.and_then(|meta| meta.get_attribute("content")).unwrap_or_else(|| format!("{name}_loader.js"))
}
