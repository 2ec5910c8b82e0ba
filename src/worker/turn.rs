//! A turn of the worker's event loop.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AddEventListenerOptions, MessageChannel};

thread_local! {
    static CHANNEL: MessageChannel = open();
}

/// Goes on in a task of its own: messages that have come are handled first.
///
/// By a message to itself and no timer: a timer that was set in a timer's task waits for 4 ms at least (HTML standard,
/// "timer initialization steps").
pub async fn next_turn() {
    // The promise is never rejected.
    let _ = JsFuture::from(CHANNEL.with(message)).await;
}

fn open() -> MessageChannel {
    let channel = MessageChannel::new().expect("workers have message channels");
    channel.port1().start();
    channel
}

/// Resolved when a message has gone through the channel. Of several that wait, the first message wakes all.
fn message(channel: &MessageChannel) -> Promise {
    Promise::new(&mut |resolve, _| {
        let once = AddEventListenerOptions::new();
        once.set_once(true);
        let listener = channel.port1();
        // Neither fails: the port is open, and null can be posted.
        let _ = listener.add_event_listener_with_callback_and_add_event_listener_options("message", &resolve, &once);
        let _ = channel.port2().post_message(&JsValue::NULL);
    })
}
