//! A state that is there for as long as the page, whatever part of it is shown, as one signal.

use leptos::prelude::*;
use std::cell::RefCell;

/// Made for a `thread_local`.
pub struct Lasting<S> {
    state: RefCell<S>,
    changed: ArcRwSignal<()>,
}

impl<S: Default> Default for Lasting<S> {
    fn default() -> Self {
        Self { state: RefCell::default(), changed: ArcRwSignal::new(()) }
    }
}

impl<S> Lasting<S> {
    /// A part of the state, tracked.
    pub fn see<T>(&self, part: impl FnOnce(&S) -> T) -> T {
        self.changed.track();
        self.peek(part)
    }

    /// A part of the state, for handlers: not tracked.
    pub fn peek<T>(&self, part: impl FnOnce(&S) -> T) -> T {
        part(&self.state.borrow())
    }

    /// Changes the state. Who sees it hears nothing of that before [`Self::notify`].
    pub fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        change(&mut self.state.borrow_mut())
    }

    pub fn notify(&self) {
        self.changed.notify();
    }
}
