//! What the browser stores of the weights, and deleting it.

use crate::ui::dom;
use crate::ui::parts::{Part, Parts};
use crate::ui::store::Store;
use ditscope_page_state::models;
use ditscope_page_state::models::Stored;
use ditscope_page_state::{Event, Page};
use ditscope_words::notices::notice;
use ditscope_words::text;
use ditscope_words::{say, say_with};
use leptos::prelude::*;

/// Ids of what the focus goes to: the question before something is deleted, and the section.
const SURE: &str = "really-delete";
const TITLE: &str = "kept-title";

#[component]
pub fn Kept() -> impl IntoView {
    let store = Store::get();
    // Which deletion is asked about once more: a row's name.
    let asking = RwSignal::new(None::<String>);
    let content = move || asking.with(|asking_now| store.with(|state| section(store, state, asking, asking_now)));
    view! {
        <section class="kept" aria-labelledby=TITLE>
            <Parts content=Box::new(content) />
        </section>
    }
}

/// The section's parts; `sure` is the row that the visitor wants to delete.
fn section(store: Store, state: &Page, asking: Asking, sure: &Option<String>) -> Vec<Part> {
    let mut parts = vec![Part::heading(TITLE, say("models.kept-title").into())];
    let Some(report) = &state.models.storage else { return parts };
    let rows = rows(state);
    parts.extend(report.error.iter().map(|why| Part::words("answer failed", notice(why)).with("role", "alert")));
    if !report.possible {
        parts.push(Part::words("dim", say("models.no-storage")));
        return parts;
    }
    parts.push(Part::words("", text::storage_use(report)));
    if rows.is_empty() {
        parts.push(Part::words("dim", say("models.nothing-stored")));
    }
    let row = |row: Row| {
        let sure = sure.as_ref() == Some(&row.0);
        Part::new("li", "").of(view_row(store, row, asking, sure))
    };
    parts.push(Part::new("ul", "stored").of(rows.into_iter().map(row).collect()));
    let promise = match (report.persisted, state.models.asked_to_keep) {
        (Some(true), _) => say("models.kept"),
        (_, true) => say("models.declined"),
        _ => say("models.not-kept"),
    };
    parts.push(Part::words("", promise).with("role", "status"));
    if report.persisted == Some(false) {
        parts.push(Part::button("", say("models.persist"), move || {
            store.dispatch(Event::Models(models::Event::Persist))
        }));
    }
    parts
}

type Asking = RwSignal<Option<String>>;

/// Something that can be deleted: its name, and what it is of.
type Row = (String, Vec<Stored>);

/// Each stored model, and all of them where there are several.
fn rows(state: &Page) -> Vec<Row> {
    let all = state.models.storage.as_ref().map(|report| report.stored.clone()).unwrap_or_default();
    let mut rows: Vec<Row> = all.iter().map(|stored| (name(state, stored), vec![stored.clone()])).collect();
    if all.len() > 1 {
        rows.push((say("models.all").into(), all));
    }
    rows
}

/// The model's name where it is in the list, else its address.
fn name(state: &Page, stored: &Stored) -> String {
    let mut listed = state.models.all().into_iter();
    let known = listed.find(|(model, _)| model.source(&state.base).name() == stored.url);
    known.map_or_else(|| stored.url.clone(), |(_, entry)| entry.name)
}

/// A row whose button asks once more before it deletes.
fn view_row(store: Store, row: Row, asking: Asking, sure: bool) -> Vec<Part> {
    let (name, stored) = row;
    let bytes = stored.iter().map(|stored| stored.bytes).sum();
    if !sure {
        let row = name.clone();
        let ask = move || {
            asking.set(Some(row.clone()));
            dom::focus_soon(SURE);
        };
        let spoken = say_with("models.delete-named", &[("name", &name)]);
        let line = format!("{name} · {}", text::bytes(bytes));
        return vec![Part::words("", line), Part::button("", say("models.delete"), ask).with("aria-label", spoken)];
    }
    // The buttons go away, and the focus with them: it goes back to the section.
    let keep = move || {
        asking.set(None);
        dom::focus_soon(TITLE);
    };
    let delete = move || {
        keep();
        store.dispatch(Event::Models(models::Event::DeleteStored(
            stored.iter().map(|stored| stored.url.clone()).collect(),
        )));
    };
    let buttons = vec![Part::button("warn", say("models.delete"), delete), Part::button("", say("models.keep"), keep)];
    vec![Part::heading(SURE, text::really_delete(&name, bytes)), Part::group("buttons", buttons)]
}
