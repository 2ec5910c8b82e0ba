//! The event loop of page or worker: going on in a later task.

use js_sys::{Function, Promise};
use std::cell::RefCell;
use std::collections::VecDeque;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

thread_local! {
    static TASKS: Tasks = Tasks::new();
}

/// Goes on in a later task, so that messages and events that have arrived are handled first.
///
/// By a message to itself and no timer: of timers that follow on one another, all after the fifth wait for 4 ms at least
/// (HTML standard, "timer initialization steps"), and in a tab in the background for a second.
pub async fn next_task() {
    // The promise is never rejected.
    let _ = JsFuture::from(TASKS.with(Tasks::next)).await;
}

/// Who waits for a task.
struct Tasks {
    channel: MessageChannel,
    /// A message wakes one, and there is one on its way for each: a message too many would wake somebody's next wait
    /// before its time, and messages from others would be handled later and later.
    waiting: RefCell<VecDeque<Function>>,
}

impl Tasks {
    fn new() -> Self {
        let channel = MessageChannel::new().expect("every browser has message channels");
        let on_message = Closure::<dyn Fn()>::new(|| TASKS.with(Self::wake));
        channel.port1().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // The channel is there for as long as page or worker.
        on_message.forget();
        Self { channel, waiting: RefCell::default() }
    }

    /// Resolved by the message that is posted here.
    fn next(&self) -> Promise {
        Promise::new(&mut |resolve, _| {
            self.waiting.borrow_mut().push_back(resolve);
            // Null can always be posted.
            let _ = self.channel.port2().post_message(&JsValue::NULL);
        })
    }

    fn wake(&self) {
        let first = self.waiting.borrow_mut().pop_front();
        if let Some(resolve) = first {
            // Resolving a promise never fails.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    }
}
