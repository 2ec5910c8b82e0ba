//! The experiments' state as something that views follow. It is kept while the page shows something else.

use crate::ui::dom;
use crate::ui::store::Store;
use ditscope_page_state::lab::Kind;
use ditscope_page_state::lab::bench::{Bench, is_ready};
use ditscope_page_state::{Event, Page};
use leptos::prelude::*;
use std::cell::RefCell;

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::default();
}

/// Copy it freely.
#[derive(Clone, Copy)]
pub struct Hand {
    pub store: Store,
    pub kind: Kind,
    changed: RwSignal<()>,
}

impl Hand {
    pub fn new(store: Store, kind: Kind) -> Self {
        let hand = Self { store, kind, changed: RwSignal::new(()) };
        dom::effect(Box::new(move || {
            // What the visitor did with the experiments counts as well.
            hand.changed.track();
            hand.look().into_iter().for_each(|event| store.dispatch(event));
        }));
        hand
    }

    /// Looks at the page, which is followed, and says what is to be done.
    fn look(self) -> Vec<Event> {
        let (before, events) = self.store.with(|page| {
            BENCH.with_borrow_mut(|bench| {
                let before = bench.clone();
                let events = bench.look(page, self.kind);
                (before != *bench, events)
            })
        });
        if before {
            let _ = self.changed.try_set(());
        }
        events
    }

    /// Something of page and bench, both followed.
    pub fn see<T>(self, look: impl FnOnce(&Page, &Bench) -> T) -> T {
        self.changed.track();
        self.store.with(|page| BENCH.with_borrow(|bench| look(page, bench)))
    }

    /// A text that follows.
    pub fn text(self, look: impl Fn(&Page, &Bench) -> String + 'static) -> Box<dyn Fn() -> String> {
        Box::new(move || self.see(&look))
    }

    /// Changes the bench, and tells the page how its next run departs now.
    pub fn act(self, act: impl FnOnce(&Page, &mut Bench) -> Option<Event>) {
        let events = self.store.peek(|page| {
            BENCH.with_borrow_mut(|bench| {
                let asked = act(page, bench);
                [bench.tell(page, self.kind), bench.tell_address(page, self.kind), asked]
            })
        });
        let _ = self.changed.try_set(());
        events.into_iter().flatten().for_each(|event| self.store.dispatch(event));
    }

    /// Changes the bench, and has the model show what comes of it, where it is there.
    pub fn act_and_run(self, act: impl FnOnce(&mut Bench)) {
        self.act(|page, bench| {
            act(bench);
            is_ready(page).then_some(Event::Generate)
        });
    }
}
