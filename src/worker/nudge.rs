//! Waiting for the GPU in Firefox, which looks whether it is done every 100 ms only, and besides whenever it is handed
//! something (<https://bugzilla.mozilla.org/show_bug.cgi?id=1870699>). A run waits at each step, so each would take that
//! long. While the worker waits there, it hands over nothing, again and again.

use super::event_loop::next_task;
use super::post::{now, scope};
use gloo::timers::future::sleep;
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::time::Duration;

/// Milliseconds between two times at first.
const SHORTEST: f64 = 1.0;
/// Later it is this share of the wait so far: a long wait need not keep a processor busy, nor end at once.
const SHARE: f64 = 1.0 / 16.0;
/// Timers that follow on one another wait for 4 ms at least.
const SHORTEST_TIMER: f64 = 4.0;

thread_local! {
    static QUEUE: RefCell<Option<wgpu::Queue>> = const { RefCell::new(None) };
}

/// From now on it is this queue that is waited for.
pub fn set_queue(queue: wgpu::Queue) {
    let agent = scope().navigator().user_agent();
    if agent.is_ok_and(|agent| agent.contains("Firefox/")) {
        QUEUE.replace(Some(queue));
    }
}

/// What `waiting` gives. Every wait for the device goes through here.
pub async fn during<T>(waiting: impl Future<Output = T>) -> T {
    let (mut waiting, mut nudges) = (pin!(waiting), pin!(nudges()));
    poll_fn(|context| {
        let found = waiting.as_mut().poll(context);
        if found.is_pending() {
            let _never_done = nudges.as_mut().poll(context);
        }
        found
    })
    .await
}

async fn nudges() {
    let Some(queue) = QUEUE.with_borrow(Clone::clone) else { return pending().await };
    let started = now();
    loop {
        pause((now() - started) * SHARE).await;
        queue.submit([]);
    }
}

async fn pause(milliseconds: f64) {
    if milliseconds >= SHORTEST_TIMER {
        return sleep(Duration::from_secs_f64(milliseconds / 1000.0)).await;
    }
    let until = now() + milliseconds.max(SHORTEST);
    while now() < until {
        next_task().await;
    }
}
