//! A turn of the worker's event loop.

use js_sys::{Function, Promise};
use std::cell::RefCell;
use std::collections::VecDeque;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

thread_local! {
    static TURNS: Turns = Turns::new();
}

/// Goes on in a later task, so that messages from the page that have arrived are handled first.
///
/// By a message to itself and no timer: timers that follow on one another wait for 4 ms each (HTML standard, "timer
/// initialization steps").
pub async fn next_turn() {
    // The promise is never rejected.
    let _ = JsFuture::from(TURNS.with(Turns::next)).await;
}

/// Who waits for a turn.
struct Turns {
    channel: MessageChannel,
    /// A message wakes one, and there is one on its way for each: a message too many would wake somebody's next wait
    /// before its time, and messages from the page would be handled later and later.
    waiting: RefCell<VecDeque<Function>>,
}

impl Turns {
    fn new() -> Self {
        let channel = MessageChannel::new().expect("workers have message channels");
        let on_message = Closure::<dyn Fn()>::new(|| TURNS.with(Self::wake));
        channel.port1().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // The channel is there for as long as the worker lives.
        on_message.forget();
        Self { channel, waiting: RefCell::default() }
    }

    /// Resolved by the message that is posted here.
    fn next(&self) -> Promise {
        Promise::new(&mut |resolve, _| {
            self.waiting.borrow_mut().push_back(resolve);
            // Null can be posted always.
            let _ = self.channel.port2().post_message(&JsValue::NULL);
        })
    }

    fn wake(&self) {
        let first = self.waiting.borrow_mut().pop_front();
        if let Some(resolve) = first {
            // To resolve a promise fails never.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    }
}
