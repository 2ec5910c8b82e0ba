//! Many classes: a text field that finds them (the ARIA combobox pattern), favourites, and a random one.
//!
//! Only the rows in sight are in the document.

use super::{Dice, set};
use crate::ui::dom;
use crate::ui::parts::{Part, Parts};
use crate::ui::store::Store;
use ditscope_page_state::labels;
use ditscope_page_state::models;
use ditscope_page_state::{Choice, Event};
use ditscope_words::say;
use ditscope_words::text;
use ditscope_words::text::class_label;
use leptos::ev::KeyboardEvent;
use leptos::html::Div;
use leptos::prelude::*;
use std::sync::Arc;

/// Id of the text field.
pub const FIELD: &str = "class-search";
/// The names of the classes, from whoever shows the search.
pub type Labels = Memo<Option<Arc<Vec<String>>>>;
/// Height of a row; the style sheet has the same.
const ROW: f64 = 36.0;
/// Rows in sight at most.
const ROWS: usize = 8;

#[component]
pub fn ClassSearch() -> impl IntoView {
    let store = Store::get();
    let labels: Labels = expect_context();
    let labels = Memo::new(move |_| labels.get().unwrap_or_default());
    let count = Memo::new(move |_| labels.with(|labels| labels.len()));
    let chosen = store.memo(|state| state.settings().class);
    let label = store.memo(|state| class_label(state, state.settings().class));
    let list = List::new(labels, chosen);
    let random = move |_| set(store, Some(Choice::Class(dom::random_below(count.get_untracked()))));
    let number = store.memo(|state| state.settings().class.to_string());
    let pressed = store.memo(|state| state.models.favourites.contains(&state.settings().class).to_string());
    let star = store
        .memo(|state| if state.models.favourites.contains(&state.settings().class) { "★" } else { "☆" }.to_string());
    view! {
        <div class="chosen">
            <span class="number" translate="no">{number}</span>
            <span class="chosen-label" translate="no">{label}</span>
            <button
                type="button"
                class="quiet icon star"
                aria-label=say("controls.favourite")
                aria-pressed=pressed
                title=say("controls.favourite-hint")
                on:click=move |_| store.dispatch(Event::Models(models::Event::ToggleFavourite(chosen.get_untracked())))
            >
                {star}
            </button>
            <button type="button" class="icon" aria-label=say("controls.random-class") title=say("controls.random-class") on:click=random>
                <Dice />
            </button>
        </div>
        <Field list count />
        <Favourites chosen />
    }
}

/// Where the visitor is in the search.
#[derive(Clone, Default)]
struct Search {
    query: String,
    open: bool,
    /// Row that Enter takes.
    active: usize,
    scrolled: f64,
}

/// The search and what it finds.
#[derive(Clone, Copy)]
struct List {
    labels: Memo<Arc<Vec<String>>>,
    chosen: Memo<usize>,
    search: RwSignal<Search>,
    query: Memo<String>,
    found: Memo<Vec<usize>>,
    scroller: NodeRef<Div>,
}

impl List {
    fn new(labels: Memo<Arc<Vec<String>>>, chosen: Memo<usize>) -> Self {
        let search = RwSignal::new(Search::default());
        let query = Memo::new(move |_| search.with(|search| search.query.clone()));
        let found = Memo::new(move |_| query.with(|query| labels.with(|all| labels::search(all, query))));
        Self { labels, chosen, search, query, found, scroller: NodeRef::new() }
    }

    fn is_open(self) -> bool {
        self.search.with_untracked(|search| search.open)
    }

    /// Opens at the class in use.
    fn open(self) {
        if !self.is_open() {
            self.set(Search { open: true, ..Search::default() });
            // The list is laid out only now.
            request_animation_frame(move || {
                let chosen = self.chosen.get_untracked();
                let row = self.found.with_untracked(|found| found.iter().position(|class| *class == chosen));
                self.go(row.unwrap_or(0));
            });
        }
    }

    fn close(self) {
        self.set(Search::default());
    }

    fn search(self, query: String) {
        self.set(Search { query, open: true, ..Search::default() });
        self.go(0);
    }

    /// Makes a row the active one and brings it in sight.
    fn go(self, row: usize) {
        let active = row.min(self.found.with_untracked(Vec::len).saturating_sub(1));
        let Some(scroller) = self.scroller.get_untracked() else { return };
        let (top, height) = (active as f64 * ROW, height(self.found.with_untracked(Vec::len)));
        let scrolled = f64::from(scroller.scroll_top()).clamp((top + ROW - height).max(0.0), top);
        self.set(Search { active, scrolled, ..self.search.get_untracked() });
        scroller.set_scroll_top(scrolled as i32);
    }

    fn step(self, by: isize) {
        if self.is_open() {
            self.go(self.search.with_untracked(|search| search.active).saturating_add_signed(by));
        } else {
            self.open();
        }
    }

    fn scroll_to(self, scrolled: f64) {
        self.set(Search { scrolled, ..self.search.get_untracked() });
    }

    fn set(self, search: Search) {
        // The list may still be scrolling when another model takes its place.
        let _ = self.search.try_set(search);
    }

    fn take(self, store: Store, class: usize) {
        set(store, Some(Choice::Class(class)));
        self.close();
    }
}

/// Height of the list in pixels.
fn height(rows: usize) -> f64 {
    rows.min(ROWS) as f64 * ROW
}

/// The text field with its list, which lies over what is below.
#[component]
fn Field(list: List, count: Memo<usize>) -> impl IntoView {
    let store = Store::get();
    let active = Memo::new(move |_| {
        let (open, active) = list.search.with(|search| (search.open, search.active));
        list.found.with(|found| found.get(active).copied()).filter(|_| open)
    });
    let on_key = move |event: KeyboardEvent| {
        let is_open = list.is_open();
        // While an input method composes a word, keys are its own.
        let key = if event.is_composing() { String::new() } else { event.key() };
        match key.as_str() {
            "ArrowDown" => list.step(1),
            "ArrowUp" => list.step(-1),
            "PageDown" => list.step(ROWS as isize),
            "PageUp" => list.step(-(ROWS as isize)),
            "Home" if is_open => list.go(0),
            "End" if is_open => list.go(usize::MAX),
            "Enter" if is_open => active.get_untracked().into_iter().for_each(|class| list.take(store, class)),
            "Escape" if is_open => list.close(),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let expanded = Memo::new(move |_| list.search.with(|search| search.open).to_string());
    let closed = Memo::new(move |_| !list.search.with(|search| search.open));
    let active_id = Memo::new(move |_| active.get().map(option_id).unwrap_or_default());
    let placeholder = Memo::new(move |_| text::search_classes(count.get()));
    let matches = Memo::new(move |_| {
        let open = list.search.with(|search| search.open);
        if open { text::matches(list.found.with(Vec::len), count.get()) } else { String::new() }
    });
    view! {
        <div class="class-field">
            <input
                id=FIELD
                type="text"
                role="combobox"
                autocomplete="off"
                spellcheck="false"
                enterkeyhint="done"
                aria-autocomplete="list"
                aria-controls="class-list"
                aria-expanded=expanded
                aria-activedescendant=active_id
                placeholder=placeholder
                prop:value=list.query
                on:input=move |event| list.search(event_target_value(&event))
                on:keydown=on_key
                on:click=move |_| list.open()
                on:blur=move |_| list.close()
            />
            <div class="class-popup" hidden=closed>
                <Rows list />
                <p class="hint" role="status" translate="no">{matches}</p>
            </div>
        </div>
    }
}

#[component]
fn Rows(list: List) -> impl IntoView {
    let store = Store::get();
    let take = move |class: usize| {
        list.take(store, class);
        // On a phone the keyboard goes away with the focus.
        if let Some(field) = dom::field(FIELD).filter(|_| dom::prefers("(pointer: coarse)")) {
            let _ = field.blur();
        }
    };
    let content = move || {
        let (search, chosen) = (list.search.get(), list.chosen.get());
        let favourites = store.with(|state| if search.open { state.models.favourites.clone() } else { vec![] });
        list.found.with(|found| {
            let count = found.len();
            let drawn = if search.open { count } else { 0 };
            let row = |row: usize| {
                let class = found[row];
                let label = list.labels.with(|labels| labels.get(class).cloned()).unwrap_or_default();
                let name = if row == search.active { "class-row active" } else { "class-row" };
                let star = if favourites.contains(&class) { "★" } else { "" };
                Part::new("li", name)
                    .with("role", "option")
                    .with("id", option_id(class))
                    .with("aria-selected", (class == chosen).to_string())
                    .with("aria-posinset", (row + 1).to_string())
                    .with("aria-setsize", count.to_string())
                    .with("style", format!("top: {}px", row as f64 * ROW))
                    .with("title", &label)
                    .doing(move || take(class))
                    .of(vec![
                        Part::new("span", "number").saying(class.to_string()),
                        Part::new("span", "class-name").saying(label),
                        Part::new("span", "").with("aria-hidden", "true").saying(star.into()),
                    ])
            };
            let window = labels::window(drawn, ROW, search.scrolled, ROWS as f64 * ROW);
            let rows = Part::new("ul", "")
                .with("id", "class-list")
                .with("role", "listbox")
                .with("aria-label", say("controls.classes"))
                .with("style", format!("height: {}px", count as f64 * ROW));
            vec![rows.of(window.map(row).collect())]
        })
    };
    let style = Memo::new(move |_| format!("height: {}px", height(list.found.with(Vec::len))));
    view! {
        <div
            class="class-scroller"
            tabindex="-1"
            node_ref=list.scroller
            prop:style=style
            on:scroll=move |event| list.scroll_to(f64::from(event_target::<web_sys::Element>(&event).scroll_top()))
            // The focus stays in the text field.
            on:mousedown=move |event| event.prevent_default()
        >
            <Parts content=Box::new(content) />
        </div>
    }
}

/// The marked classes, one press away.
#[component]
fn Favourites(chosen: Memo<usize>) -> impl IntoView {
    let store = Store::get();
    let content = move || {
        store.with(|state| {
            let known =
                |class: &&usize| state.models.config.as_ref().is_some_and(|config| **class < config.labels.len());
            let chip = |class: &usize| {
                let (class, label) = (*class, class_label(state, *class));
                Part::button("chip plain", "", move || set(store, Some(Choice::Class(class))))
                    .with("aria-pressed", (chosen.get() == class).to_string())
                    .with("title", &label)
                    .of(vec![Part::new("span", "chip-label").saying(label)])
            };
            let chips: Vec<Part> = state.models.favourites.iter().filter(known).map(chip).collect();
            if chips.is_empty() {
                return vec![];
            }
            let group = Part::group("chips favourites", chips);
            vec![group.with("role", "group").with("aria-label", say("controls.favourites"))]
        })
    };
    view! { <Parts content=Box::new(content) /> }
}

fn option_id(class: usize) -> String {
    format!("class-{class}")
}
