//! The dialog with everything that can be saved.

use super::make::embed_code;
use super::video;
use crate::ui::parts::{Part, Parts};
use crate::ui::store::Store;
use ditscope_export::gif;
use ditscope_page_state as app;
use ditscope_page_state::take::{Event, Export, Made, Making, Subject};
use ditscope_words::notices::notice;
use ditscope_words::{Words, say, say_with};
use leptos::prelude::*;

fn send(store: Store, event: Event) {
    store.dispatch(app::Event::Take(event));
}

/// Opens the dialog; `brief` in the header.
#[component]
pub fn SaveButton(brief: bool) -> impl IntoView {
    let store = Store::get();
    view! {
        <button
            type="button"
            class=if brief { "quiet wide-only" } else { "" }
            aria-haspopup="dialog"
            title=say("take.hint-open")
            on:click=move |_| {
                send(store, Event::Forget);
                store.saving.set(true);
            }
        >
            {if brief { say("take.open-brief") } else { say("take.open") }}
        </button>
    }
}

/// What the entries depend on.
#[derive(Clone, PartialEq)]
struct Film {
    about: String,
    count: usize,
    selected: usize,
    /// How long a moving picture is.
    seconds: String,
}

/// What is in the dialog.
#[component]
pub fn SaveContent() -> impl IntoView {
    let store = Store::get();
    let film = store.memo(|state| {
        let film = state.shown().filter(|film| !film.is_empty())?;
        let mut about = ditscope_words::text::caption(film);
        let mut more = |words: &str| about.push_str(&format!(" · {words}"));
        if film.recorded {
            more(&say("take.recorded"));
        }
        if !film.is_complete() {
            more(&say_with("take.until-step", &[("step", &film.last())]));
        }
        if film.stride() > 1 {
            more(&say_with("take.every", &[("stride", &film.stride())]));
        }
        if film.frames().last().is_some_and(|frame| frame.is_preview(state.timeline.selected)) {
            more(&say("take.preview"));
        }
        let seconds = format!("{:.1}", gif::seconds(film, state.kept.pacing));
        Some(Film { about, count: film.info.num_images, selected: state.timeline.selected, seconds })
    });
    let busy = store.memo(|state| state.take.making.is_some());
    let content = move || {
        // Not while it is closed: a run changes it with every step.
        if store.saving.get() { entries(store, film.get(), busy.get()) } else { vec![] }
    };
    view! {
        <Outcome />
        <Parts content=Box::new(content) />
    }
}

/// How far it is, or how it went. Its height never changes.
#[component]
fn Outcome() -> impl IntoView {
    let store = Store::get();
    let making = store.memo(|state| state.take.making);
    let said = store.memo(|state| match (&state.take.making, &state.take.outcome) {
        (Some(making), _) => name(making.kind).into_owned(),
        (None, Some(Ok(Made::File(file)))) => say_with("take.saved", &[("file", file)]),
        (None, Some(Ok(Made::LinkCopied))) => say("take.link-copied").into(),
        (None, Some(Ok(Made::EmbedCopied))) => say("take.embed-copied").into(),
        (None, Some(Err(why))) => notice(why),
        (None, None) => String::new(),
    });
    let failed = store.memo(|state| matches!(state.take.outcome, Some(Err(_))));
    let share = move || match making.get() {
        Some(Making { done, total, .. }) => done as f64 / total.max(1) as f64,
        None => 0.0,
    };
    view! {
        <div class="making">
            <p role="status" class:failed=failed translate="no">{said}</p>
            <button
                type="button"
                class="quiet"
                hidden=move || making.get().is_none()
                on:click=move |_| send(store, Event::Stop)
            >
                {say("take.stop")}
            </button>
            <progress
                class="progress"
                aria-label=say("take.progress")
                max="1"
                value=share
                hidden=move || making.get().is_none()
            ></progress>
        </div>
    }
}

/// What is made, for the visitor.
fn name(kind: Export) -> Words {
    match kind {
        Export::Png => say("take.png"),
        Export::Sheet => say("take.sheet"),
        Export::Pictures => say("take.pictures"),
        Export::Gif(_) => say("take.gif"),
        Export::Video(_) => say("take.video"),
        Export::Json => say("take.json"),
        Export::Tensors => say("take.tensors"),
        Export::Link => say("take.link"),
        Export::Embed => say("take.embed"),
    }
}

fn about(kind: Export, seconds: &str) -> Words {
    let lasting = |key: &str| Words::from(say_with(key, &[("seconds", &seconds)]));
    match kind {
        Export::Png => say("take.about-png"),
        Export::Sheet => say("take.about-sheet"),
        Export::Pictures => say("take.about-pictures"),
        Export::Gif(_) => lasting("take.about-gif"),
        Export::Video(_) => lasting("take.about-video"),
        Export::Json => say("take.about-json"),
        Export::Tensors => say("take.about-tensors"),
        Export::Link => say("take.about-link"),
        Export::Embed => say("take.about-embed"),
    }
}

fn entries(store: Store, film: Option<Film>, busy: bool) -> Vec<Part> {
    let mut parts = vec![];
    let seconds = film.as_ref().map(|film| film.seconds.clone()).unwrap_or_default();
    let entry = |kinds: &[(Export, Words)], off: Option<Words>| {
        let words = off.clone().unwrap_or_else(|| about(kinds[0].0, &seconds));
        entry(store, kinds, words, off.is_some() || busy)
    };
    let one = |kind: Export| vec![(kind, name(kind))];
    match &film {
        None => parts.push(Part::words("dim", say("take.nothing-yet"))),
        Some(Film { about, count, selected, .. }) => {
            parts.push(Part::words("dim about-film", about.clone()));
            let moving = |kind: fn(Subject) -> Export| {
                let this = kind(Subject::One(*selected));
                let mut kinds = one(this);
                if *count > 1 {
                    kinds.push((kind(Subject::All), say_with("take.all", &[("count", count)]).into()));
                }
                kinds.push((kind(Subject::WithLatent(*selected)), say("take.with-latent")));
                kinds
            };
            let mut rows = vec![entry(&one(Export::Png), None), entry(&one(Export::Sheet), None)];
            if *count > 1 {
                rows.push(entry(&one(Export::Pictures), None));
            }
            rows.push(entry(&moving(Export::Gif), None));
            let no_video = (!video::may_be_made()).then(|| say("take.no-video"));
            rows.push(entry(&moving(Export::Video), no_video));
            rows.push(entry(&one(Export::Json), None));
            rows.push(entry(&one(Export::Tensors), None));
            parts.push(Part::new("ul", "entries").of(rows));
        }
    }
    let rows = vec![entry(&one(Export::Link), None), entry(&one(Export::Embed), None)];
    parts.push(Part::heading("", say("take.to-others").into_owned()));
    parts.push(Part::new("ul", "entries").of(rows));
    let code = Part::new("pre", "embed-code").with("tabindex", "0").saying(store.with(embed_code));
    parts.push(code.with("aria-label", say("take.embed-code")).with("role", "group"));
    parts
}

/// A line with what it is, and a button for each kind. Where it is `off`, the words say why.
fn entry(store: Store, kinds: &[(Export, Words)], words: Words, off: bool) -> Part {
    let id =
        |kind: Export| format!("about-{}", name(kind).to_ascii_lowercase().replace([' ', '(', ')', ',', '.'], "-"));
    let first = kinds[0].0;
    let describes = id(first);
    let buttons = kinds.iter().map(|(kind, label)| {
        let kind = *kind;
        let mut button = Part::button("", label.clone(), move || send(store, Event::Make(kind)));
        if *label != name(first) {
            button = button.with("aria-label", format!("{}: {label}", name(first)));
        }
        let button = button.with("aria-describedby", describes.clone());
        if off { button.with("disabled", "") } else { button }
    });
    let buttons = Part::group("buttons", buttons.collect());
    let words = Part::words("dim", words).with("id", describes.clone());
    Part::new("li", "").of(vec![buttons, words])
}
