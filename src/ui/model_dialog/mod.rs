//! The models: what each is and costs, which one is in use, more from elsewhere, and what the browser keeps.

mod add;
mod kept;

use super::dom;
use super::live::{Live, Mount};
use super::parts::{Part, Parts};
use super::store::Store;
use add::AddModel;
use ditscope_config::CatalogEntry;
use ditscope_page_state::ModelRef;
use ditscope_page_state::models::{self, Listing, non_commercial, to_fetch};
use ditscope_page_state::{Event, ModelState, Page};
use ditscope_protocol::ModelSource;
use ditscope_words::notices::notice;
use ditscope_words::text;
use ditscope_words::{Words, say, say_with};
use kept::Kept;
use leptos::prelude::*;

/// What is in the dialog.
#[component]
pub fn Models(open: RwSignal<bool>) -> impl IntoView {
    let store = Store::get();
    let newest = store.memo(|state| state.models.newest().map(|model| model.key().to_owned()).unwrap_or_default());
    // The model that was just added is scrolled into sight.
    dom::effect(Box::new(move || {
        if !newest.get().is_empty() {
            dom::focus_soon(NEWEST);
        }
    }));
    let in_8_bits = RwSignal::new(store.peek(|state| models::is_in_8_bits(&state.address.model)));
    let content = move || {
        store.with(|state| {
            let mut parts = the_list(store, &state.models.shipped);
            let items = rows(state, in_8_bits.get()).into_iter().map(|row| model(store, row, open)).collect();
            parts.push(Part::new("ul", "models").of(items));
            parts
        })
    };
    view! {
        <Mount live=bits(store, in_8_bits) />
        <Parts content=Box::new(content) />
        <Parts content=Box::new(move || vec![measure(store, open)]) />
        <AddModel />
        <Kept />
    }
}

/// What they cost here.
fn measure(store: Store, open: RwSignal<bool>) -> Part {
    let press = move || {
        open.set(false);
        store.measuring.set(true);
    };
    Part::button("", say("page.measure"), press).with("aria-haspopup", "dialog")
}

/// Id of the heading of the model that was added last.
const NEWEST: &str = "newest-model";

/// One model of the list.
struct Row {
    model: ModelRef,
    entry: CatalogEntry,
    stored: u64,
    /// Words where the model is in use or on its way; else what its button says.
    action: Result<String, String>,
    newest: bool,
}

/// The choice between weights in 8 and in 16 bits, where there is one.
fn bits(store: Store, in_8_bits: RwSignal<bool>) -> Live {
    let input = Live::new("input", "")
        .with("type", "checkbox")
        .live("checked", Box::new(move || in_8_bits.get().to_string()))
        .on("change", Box::new(move |_| in_8_bits.update(|on| *on = !*on)));
    let words = Live::new("span", "").saying(&say("models.8-bits"));
    let hidden = move || store.with(|state| !state.models.has_8_bits()).to_string();
    Live::new("label", "check").of(vec![input, words]).live("hidden", Box::new(hidden))
}

fn rows(state: &Page, in_8_bits: bool) -> Vec<Row> {
    let all = state.models.listed(in_8_bits);
    let row = |(model, entry): (ModelRef, CatalogEntry)| {
        let source = model.source(&state.base);
        let stored = state.models.stored_bytes(&source);
        let action = match &state.models.state {
            ModelState::Ready { backend, weights, .. } if state.address.model == model => {
                Ok(text::in_use(&backend.name, &weights.dtype))
            }
            ModelState::Loading(_) if state.address.model == model => Ok(say("models.loading").into()),
            _ => Err(text::load(to_fetch(&entry, &source, stored))),
        };
        let newest = state.models.newest() == Some(&model);
        Row { model, entry, stored, action, newest }
    };
    all.into_iter().map(row).collect()
}

/// What there is to say of the index of shipped models.
fn the_list(store: Store, listing: &Listing) -> Vec<Part> {
    match listing {
        Listing::Known(_) => vec![],
        Listing::Loading => vec![Part::words("listing", say("models.listing"))],
        Listing::Failed(message) => {
            let retry = Part::button("", say("models.retry"), move || {
                store.dispatch(Event::Models(models::Event::RetryCatalog))
            });
            let retry = retry.with("aria-label", say("models.retry-listing"));
            vec![Part::group("listing", vec![Part::words("", notice(message)), retry]).with("role", "alert")]
        }
    }
}

fn model(store: Store, row: Row, open: RwSignal<bool>) -> Part {
    let Row { model, entry, stored, action, newest } = row;
    let mut about = vec![Part::heading(if newest { NEWEST } else { "" }, entry.name.clone())];
    if let ModelRef::Shipped(id) = &model {
        about.extend(draws(id).map(|words| Part::words("draws", words)));
        about.push(pictures(&model.source(&store.peek(|state| state.base.clone()))));
    }
    about.extend(restriction(&entry));
    let mut details = vec![Part::new("summary", "").saying(say("models.details").into())];
    details.extend(lines(&entry));
    if stored > 0 {
        details.push(Part::words("", text::stored(stored)));
    }
    match &model {
        ModelRef::Shipped(_) => {}
        ModelRef::Url(url) => details.push(Part::words("", url)),
        ModelRef::Folder(name) => details.push(Part::words("", text::folder(name))),
    }
    about.push(Part::new("details", "").of(details));
    let class = if action.is_ok() { "model current" } else { "model" };
    let mut buttons = vec![];
    match action {
        Ok(in_use) => buttons.push(Part::words("in-use", in_use)),
        Err(load) => {
            let (model, name) =
                (model.clone(), say_with("models.load-named", &[("action", &load), ("model", &entry.name)]));
            let take = move || {
                open.set(false);
                store.dispatch(Event::UseModel(model.clone()));
            };
            buttons.push(Part::button("primary", load, take).with("aria-label", name));
        }
    }
    if matches!(model, ModelRef::Url(_)) {
        let remove = move || {
            store.dispatch(Event::Models(models::Event::Remove(model.clone())));
            dom::focus_soon(add::ADDRESS);
        };
        let name = say_with("models.remove-named", &[("model", &entry.name)]);
        buttons.push(Part::button("quiet", say("models.remove"), remove).with("aria-label", name));
    }
    Part::new("li", class).of(vec![Part::group("model-words", about), Part::group("model-buttons", buttons)])
}

/// What a model of this page draws, in a line.
fn draws(id: &str) -> Option<Words> {
    Some(match id {
        "fashion" => say("models.draws-fashion"),
        "fashion-int8" => say("models.draws-fashion-int8"),
        "fashion-fast" => say("models.draws-fashion-fast"),
        "avatars" => say("models.draws-avatars"),
        "emoji" => say("models.draws-emoji"),
        "tones" => say("models.draws-tones"),
        "places" => say("models.draws-places"),
        _ => return None,
    })
}

/// A sample of each class, as many as there is room for.
fn pictures(source: &ModelSource) -> Part {
    let style = format!("background-image: url(\"{}/thumbnails.png\")", source.name());
    Part::new("div", "model-pictures").with("style", style)
}

/// What a model is, costs and may be used for.
pub fn describe(entry: &CatalogEntry) -> Vec<Part> {
    let mut parts = lines(entry);
    parts.extend(restriction(entry));
    parts
}

fn lines(entry: &CatalogEntry) -> Vec<Part> {
    let lines = [text::model_shape(entry), text::model_cost(entry), text::license(&entry.license)];
    lines.into_iter().map(|line| Part::words("", line)).collect()
}

/// What has to be seen before a model is used.
fn restriction(entry: &CatalogEntry) -> Option<Part> {
    non_commercial(&entry.license).then(|| Part::words("tag warn", say("models.non-commercial")))
}
