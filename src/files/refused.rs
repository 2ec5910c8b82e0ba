//! Why the browser made no request, or gave no answer: it tells a script only that something was wrong.

use super::within::within;
use crate::event_loop::next_task;
use crate::global::scope;
use ditscope_protocol::{Reason, Refusal};
use gloo::net::http::Request;
use js_sys::Reflect;
use std::cell::RefCell;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal, Event, RequestMode};

/// No more addresses are remembered.
const MOST: usize = 100;
/// A server that does not answer in this time is not there.
const PATIENCE: Duration = Duration::from_secs(10);

thread_local! {
    /// Addresses that the page's content security policy did not allow.
    static BLOCKED: RefCell<Vec<String>> = const { RefCell::new(vec![]) };
}

/// Has the browser tell what the policy forbids.
pub fn listen() {
    let hear = Closure::<dyn Fn(Event)>::new(|event: Event| {
        let address = Reflect::get(&event, &"blockedURI".into()).ok().and_then(|address| address.as_string());
        BLOCKED.with_borrow_mut(|blocked| blocked.extend(address.filter(|_| blocked.len() < MOST)));
    });
    // Without it the reason is not told, that is all.
    let _ = scope().add_event_listener_with_callback("securitypolicyviolation", hear.as_ref().unchecked_ref());
    // It listens for as long as the worker lives.
    hear.forget();
}

/// Why the request for `url` came to nothing, whatever `error` says.
pub async fn why(url: &str, error: impl ToString, signal: &AbortSignal) -> Refusal {
    if signal.aborted() {
        return Reason::Stopped.into();
    }
    // What was forbidden is told in a later task.
    next_task().await;
    if is_blocked(url) {
        return Reason::Policy.of(url, "", "");
    }
    if is_elsewhere(url) && answers(url).await {
        return Reason::NotShared.of(url, "", "");
    }
    Reason::NotRead.of(url, error, "")
}

/// By the address, or by its origin: browsers tell one or the other.
fn is_blocked(url: &str) -> bool {
    let url = web_sys::Url::new(url).map(|url| (url.href(), url.origin()));
    url.is_ok_and(|(href, origin)| {
        BLOCKED.with_borrow(|blocked| blocked.iter().any(|known| *known == href || *known == origin))
    })
}

fn is_elsewhere(url: &str) -> bool {
    web_sys::Url::new(url).is_ok_and(|url| url.origin() != scope().origin())
}

/// Whether somebody answers to a request whose answer may not be read.
async fn answers(url: &str) -> bool {
    let Ok(controller) = AbortController::new() else { return false };
    let request = Request::get(url).mode(RequestMode::NoCors).abort_signal(Some(&controller.signal()));
    let answer = within(PATIENCE, request.send()).await;
    // The answer itself is of no use.
    controller.abort();
    matches!(answer, Some(Ok(_)))
}
