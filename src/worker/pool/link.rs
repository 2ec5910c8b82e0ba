//! A member, seen from the worker that leads.

use super::message::{FromMember, ToMember};
use crate::envelope::{self, Opened};
use crate::global::scope;
use async_channel::{Receiver, Sender, bounded};
use ditscope_config::ModelConfig;
use gloo::timers::callback::Timeout;
use js_sys::{Array, Object};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use web_sys::{Event, MessageEvent, Worker, WorkerOptions, WorkerType};

/// The name by which a worker knows that it is a member.
pub const NAME: &str = "member";

/// A member that has not answered for so long is lost. It loads its module first, and its network may be slow.
const MOST_LOADING_MS: f64 = 120_000.0;
const LEAST_PATIENCE_MS: f64 = 10_000.0;
/// Products of two numbers in a millisecond, on a slow and busy machine.
const PRODUCTS_PER_MS: f64 = 100_000.0;

/// Dropped, it ends the member.
pub struct Link {
    worker: Worker,
    stage: Cell<Stage>,
    /// What waits until the member listens: before, messages are lost.
    unsent: RefCell<Vec<(Object, Array)>>,
    /// Who waits for an answer; answers come in the order of the questions.
    waiting: Waiters,
    /// The same of pictures, which come when there is nothing else to do.
    waiting_for_pictures: Waiters,
    /// How long the network may take for a row.
    patience_ms: f64,
    // The member calls these; they live as long as it does.
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(Event)>,
}

type Waiters = RefCell<VecDeque<Waiting>>;

/// Somebody who waits, but not for ever.
struct Waiting {
    answer: Sender<Vec<u8>>,
    _patience: Timeout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Listening,
    /// The model is loaded.
    Ready,
    Lost,
}

impl Link {
    /// Starts a member; none where the browser refuses.
    pub fn start(config: &ModelConfig) -> Option<Rc<Self>> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name(NAME);
        let worker = Worker::new_with_options(&scope().location().href(), &options).ok()?;
        // It is compiled already, and need not be fetched again.
        worker.post_message(&wasm_bindgen::module()).ok()?;
        let tokens = config.transformer.num_tokens() as f64;
        Some(Rc::new_cyclic(|link: &Weak<Self>| {
            let hearing = link.clone();
            let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                with(&hearing, |link| link.hear(&event.data()));
            });
            let losing = link.clone();
            let on_error = Closure::<dyn Fn(Event)>::new(move |_| with(&losing, |link| link.lose("it failed")));
            worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
            worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
            Self {
                worker,
                stage: Cell::new(Stage::Starting),
                unsent: RefCell::default(),
                waiting: RefCell::default(),
                waiting_for_pictures: RefCell::default(),
                patience_ms: tokens * config.transformer.num_params() as f64 / PRODUCTS_PER_MS,
                _on_message: on_message,
                _on_error: on_error,
            }
        }))
    }

    fn hear(self: &Rc<Self>, data: &JsValue) {
        let opened = envelope::open(data).ok().flatten();
        let message = opened.as_ref().and_then(|opened| serde_json::from_str(&opened.header).ok());
        match message {
            Some(FromMember::Listens) => {
                self.stage.set(Stage::Listening);
                self.unsent.take().iter().for_each(|(object, transfer)| self.post(object, transfer));
            }
            Some(FromMember::Answer) => answer(&self.waiting, opened),
            Some(FromMember::Picture) => answer(&self.waiting_for_pictures, opened),
            None => self.lose("it sent something else than answers"),
        }
    }

    /// Has the member complete its model; it is ready once it has answered.
    pub fn load(self: &Rc<Self>) {
        let (weak, answer) = (Rc::downgrade(self), self.ask_within(&ToMember::Finish, &[], MOST_LOADING_MS));
        wasm_bindgen_futures::spawn_local(async move {
            if answer.recv().await.is_ok() {
                with(&weak, |link| link.stage.set(Stage::Ready));
            }
        });
    }

    pub fn is_ready(&self) -> bool {
        self.stage.get() == Stage::Ready
    }

    /// Sends what is not answered.
    pub fn tell(&self, message: &ToMember, buffers: &[&[u8]]) {
        let transfer = envelope::copies(buffers);
        let object = envelope::sealed(message, &transfer);
        match self.stage.get() {
            Stage::Starting => self.unsent.borrow_mut().push((object, transfer)),
            Stage::Listening | Stage::Ready => self.post(&object, &transfer),
            Stage::Lost => {}
        }
    }

    /// Asks for something that takes as long as so many rows; the channel closes when the member is lost.
    pub fn ask(self: &Rc<Self>, message: &ToMember, buffer: &[u8], rows: usize) -> Receiver<Vec<u8>> {
        self.ask_within(message, &[buffer], LEAST_PATIENCE_MS + rows as f64 * self.patience_ms)
    }

    fn ask_within(self: &Rc<Self>, message: &ToMember, buffers: &[&[u8]], ms: f64) -> Receiver<Vec<u8>> {
        let (answer, receiver) = bounded(1);
        if self.stage.get() != Stage::Lost {
            self.tell(message, buffers);
            let before = self.waiting.borrow().len() + self.waiting_for_pictures.borrow().len();
            let weak = Rc::downgrade(self);
            // Those who wait before have their time first.
            let patience = Timeout::new((ms * (1 + before) as f64) as u32, move || {
                with(&weak, |link| link.lose("it does not answer"));
            });
            let waiters = match message {
                ToMember::Decode => &self.waiting_for_pictures,
                _ => &self.waiting,
            };
            waiters.borrow_mut().push_back(Waiting { answer, _patience: patience });
        }
        receiver
    }

    fn post(&self, object: &Object, transfer: &Array) {
        // Posting only fails for foreign types.
        let _ = self.worker.post_message_with_transfer(object, transfer);
    }

    /// Goes on without the member.
    fn lose(&self, why: &str) {
        log::warn!("A worker that helps is given up: {why}. The others go on.");
        self.stage.set(Stage::Lost);
        self.worker.terminate();
        self.unsent.take();
        // Whoever waits hears of it.
        self.waiting.take();
        self.waiting_for_pictures.take();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// Hands the first who waits what has come.
fn answer(waiters: &Waiters, opened: Option<Opened>) {
    if let Some(first) = waiters.borrow_mut().pop_front() {
        let bytes = opened.and_then(|opened| opened.buffers.into_iter().next());
        // Who asked may have stopped waiting.
        let _ = first.answer.try_send(bytes.unwrap_or_default());
    }
}

fn with(link: &Weak<Link>, act: impl FnOnce(&Rc<Link>)) {
    if let Some(link) = link.upgrade() {
        act(&link);
    }
}
