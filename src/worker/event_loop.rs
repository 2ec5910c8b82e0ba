//! The worker's event loop: going on in a later task.

use gloo::timers::future::sleep;
use js_sys::{Function, Promise};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

thread_local! {
    static TASKS: Tasks = Tasks::new();
}

/// Goes on in a later task, so that messages from the page that have arrived are handled first.
///
/// By a message to itself and no timer: of timers that follow on one another, all after the fifth wait for 4 ms at least
/// (HTML standard, "timer initialization steps").
pub async fn next_task() {
    // The promise is never rejected.
    let _ = JsFuture::from(TASKS.with(Tasks::next)).await;
}

/// What `future` gives, if it does so in time.
pub async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut end) = (pin!(future), pin!(sleep(time)));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Who waits for a task.
struct Tasks {
    channel: MessageChannel,
    /// A message wakes one, and there is one on its way for each: a message too many would wake somebody's next wait
    /// before its time, and messages from the page would be handled later and later.
    waiting: RefCell<VecDeque<Function>>,
}

impl Tasks {
    fn new() -> Self {
        let channel = MessageChannel::new().expect("workers have message channels");
        let on_message = Closure::<dyn Fn()>::new(|| TASKS.with(Self::wake));
        channel.port1().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // The channel is there for as long as the worker lives.
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
