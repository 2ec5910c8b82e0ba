//! The trainer, seen from the page.

use super::session::tell;
use crate::envelope::{self, Opened};
use crate::ui::dom;
use crate::ui::running::Running;
use ditscope_page_state::training::Event;
use ditscope_protocol::training::ToTrainer;
use ditscope_words::say;
use wasm_bindgen::JsValue;

/// A worker that trains; it ends with this.
pub struct Trainer(Running);

impl Trainer {
    /// `name`: of the worker.
    ///
    /// # Errors
    /// The browser's words.
    pub fn start(base: &str, name: &str) -> Result<Self, String> {
        let lose = |message: Option<String>| {
            tell(Event::Lost(message.unwrap_or_else(|| say("failures.worker-script").into())));
        };
        Running::start(base, name, Box::new(|data| hear(&data)), Box::new(lose)).map(Self)
    }

    pub fn send(&self, message: &ToTrainer) {
        let (object, transfer) = envelope::seal(message, &[]);
        self.0.post(&object, &transfer);
    }
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
