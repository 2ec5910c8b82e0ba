//! Waiting for the GPU, in Firefox with a nudge: it checks whether the GPU is done only every 100 ms, and at each submit
//! (<https://bugzilla.mozilla.org/show_bug.cgi?id=1870699>). A run waits at each step, so that a step would take 100 ms at
//! least. While the worker waits there, it submits empty lists of commands.

use crate::event_loop::next_task;
use crate::global::{now, scope};
use gloo::timers::future::sleep;
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

/// For so many milliseconds it submits in each one. A longer wait need not keep a processor busy.
const SOON: f64 = 50.0;
const LATER: Duration = Duration::from_millis(8);

thread_local! {
    static SUBMIT: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// How an empty list is submitted to the device that is waited for from now on. Only Firefox needs it.
pub fn set_device(submit: impl Fn() + 'static) {
    let agent = scope().navigator().user_agent();
    if agent.is_ok_and(|agent| agent.contains("Firefox/")) {
        SUBMIT.replace(Some(Rc::new(submit)));
    }
}

/// Waits for what the device computes. Everything that reads from it goes through here.
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
    let Some(submit) = SUBMIT.with_borrow(Clone::clone) else { return pending().await };
    let started = now();
    loop {
        let last = now();
        if last - started > SOON {
            sleep(LATER).await;
        }
        // By messages, since timers that follow on one another wait for 4 ms at least.
        while now() - last < 1.0 {
            next_task().await;
        }
        submit();
    }
}
