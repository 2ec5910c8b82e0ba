//! What the window hears, whatever the page shows: commas in number fields, files dropped beside their place, leaving.

use super::store::Store;
use ditscope_page_state::{Event as PageEvent, Page, RunState, models};
use ditscope_words::say;
use js_sys::{Array, Function, Reflect};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{Event, HtmlInputElement};

/// A run that takes longer than this is not lost without a question.
const LONG_RUN_MS: f64 = 20_000.0;

/// Listens as long as the page lives.
pub fn listen(store: Store) {
    // One for all, with less code than one for each.
    let hear = Closure::<dyn Fn(Event)>::new(move |event: Event| match event.type_().as_str() {
        // Else the browser would leave the page and show the file. Where files are wanted, others listen, too.
        "dragover" | "drop" => event.prevent_default(),
        "beforeunload" if store.peek(is_long_run) => event.prevent_default(),
        "beforeinput" => take_comma(&event),
        // Another tab has added a model: this one must not forget it when it keeps its own.
        "storage" => store.dispatch(PageEvent::Models(models::Event::KeptElsewhere)),
        _ => {}
    });
    for name in ["dragover", "drop", "beforeunload", "beforeinput", "storage"] {
        let _ = window().add_event_listener_with_callback(name, hear.as_ref().unchecked_ref());
    }
    hear.forget();
}

fn is_long_run(state: &Page) -> bool {
    let Some(film) = state.run.film.as_ref().filter(|_| matches!(state.run.state, RunState::Running { .. })) else {
        return false;
    };
    let ms: f64 = film.frames().iter().map(|frame| frame.ms).sum();
    ms / film.received().max(1) as f64 * film.steps() as f64 > LONG_RUN_MS
}

fn number_field(event: &Event) -> Option<HtmlInputElement> {
    let field: HtmlInputElement = event.target()?.dyn_into().ok()?;
    (field.type_() == "number").then_some(field)
}

/// Whether something was typed into a field that it refused; it is forgotten then.
pub fn was_refused(field: &HtmlInputElement) -> bool {
    let refused = !field.validation_message().is_ok_and(|message| message.is_empty());
    let is_ours =
        Reflect::get(field, &"validity".into()).and_then(|validity| Reflect::get(&validity, &"customError".into()));
    field.set_custom_validity("");
    refused && is_ours.is_ok_and(|is| is.is_truthy())
}

/// A browser may drop a comma from a number, and 7,5 would become 75. Here it is the decimal point, and in the field of a
/// whole number it is refused with a word.
fn take_comma(event: &Event) {
    let Some(field) = number_field(event) else { return };
    let data = Reflect::get(event, &"data".into()).ok().and_then(|data| data.as_string()).unwrap_or_default();
    let is_whole = field.step() == "1";
    if is_whole && data.contains(['.', ',']) {
        event.prevent_default();
        field.set_custom_validity(&say("controls.whole-number"));
        field.report_validity();
    } else if !is_whole && data.contains(',') {
        event.prevent_default();
        let document = document();
        let insert = Reflect::get(&document, &"execCommand".into()).ok().and_then(|f| f.dyn_into::<Function>().ok());
        let arguments: Array =
            [JsValue::from("insertText"), false.into(), data.replace(',', ".").into()].iter().collect();
        let _ = insert.map(|insert| insert.apply(&document, &arguments));
    }
}
