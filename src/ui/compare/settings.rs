//! What is compared, to be chosen: the kind, its numbers or samplers; and what is shown under the pictures.

use super::Event;
use crate::ui::parts::Part;
use crate::ui::store::Store;
use ditscope_config::{RunSettings, SamplerKind};
use ditscope_page_state::address::GUIDANCE_STEP;
use ditscope_page_state::compare;
use ditscope_page_state::compare::{Axis, COLUMNS};
use ditscope_page_state::compare::{Rows, has_room};
use ditscope_page_state::{Event as PageEvent, Page};
use ditscope_words::text::sampler_name;
use ditscope_words::{Words, say, say_with};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

/// The number fields have this and their place for an id.
const FIELD: &str = "compare-number-";

pub fn settings(store: Store, state: &Page) -> Vec<Part> {
    let what = compare::what(state);
    let choices = if what.axis() == Axis::Samplers { samplers(store, state) } else { numbers(store, state) };
    vec![Part::group("compare-settings", vec![kinds(store, state), choices])]
}

/// A number was typed.
pub fn typed(store: Store, event: &web_sys::Event) {
    let Some(field) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else { return };
    let Some(at) = field.id().strip_prefix(FIELD).and_then(|at| at.parse::<usize>().ok()) else { return };
    if let Ok(number) = field.value().parse() {
        send(store, Event::Number(at, number));
    }
    // Where it changed nothing, the field still shows what was typed.
    let kept = store.peek(|state| compare::what(state).numbers().get(at).map(f64::to_string));
    field.set_value(&kept.unwrap_or_default());
}

fn send(store: Store, event: Event) {
    store.dispatch(PageEvent::Compare(event));
}

fn button(store: Store, class: &'static str, words: impl Into<String>, event: Event) -> Part {
    Part::button(class, words, move || send(store, event.clone()))
}

/// A button that stays pressed.
fn toggle(store: Store, words: impl Into<String>, is_on: bool, event: Event) -> Part {
    button(store, "toggle", words.into(), event).with("aria-pressed", is_on.to_string())
}

fn disabled(part: Part, disabled: bool) -> Part {
    if disabled { part.with("disabled", "") } else { part }
}

pub fn group(class: &'static str, name: Words, parts: Vec<Part>) -> Part {
    Part::group(class, parts).with("role", "group").with("aria-label", name)
}

/// The kinds, and what is shown under the pictures.
fn kinds(store: Store, state: &Page) -> Part {
    let chosen = compare::what(state).axis();
    let name = |kind| match kind {
        Axis::Guidance => say("compare.guidance"),
        Axis::Samplers => say("compare.samplers"),
        Axis::Steps => say("compare.steps"),
    };
    let kinds = Axis::ALL.map(|kind| toggle(store, name(kind), kind == chosen, Event::Show(kind)));
    let rows = state.compare.rows;
    let noisy = Event::Rows(Rows { noisy: !rows.noisy, ..rows });
    let difference = Event::Rows(Rows { difference: !rows.difference, ..rows });
    let rows = vec![
        toggle(store, say("compare.row-noisy"), rows.noisy, noisy).with("title", say("compare.hint-noisy")),
        toggle(store, say("compare.row-difference"), rows.difference, difference)
            .with("title", say("compare.hint-difference")),
    ];
    let kinds = group("segments", say("compare.what"), kinds.into());
    Part::group("compare-kinds", vec![kinds, group("toggles", say("compare.rows"), rows)])
}

fn samplers(store: Store, state: &Page) -> Part {
    let what = compare::what(state);
    let on = |kind| what.samplers().contains(&kind);
    // Fewer than two are no comparison.
    let fewest = what.columns() == *COLUMNS.start();
    let one = |kind: SamplerKind| {
        disabled(toggle(store, sampler_name(kind), on(kind), Event::Toggle(kind)), on(kind) && fewest)
    };
    let samplers = state.settings().sampler.peers().iter().map(|kind| one(*kind));
    group("toggles", say("compare.samplers"), samplers.collect())
}

/// The numbers that are compared, each in a field with a button that takes it away, and a button for another.
fn numbers(store: Store, state: &Page) -> Part {
    let what = compare::what(state);
    let numbers = what.numbers();
    let count = numbers.len();
    let is_guidance = what.axis() == Axis::Guidance;
    let (min, max, step) = match is_guidance {
        true => (*RunSettings::GUIDANCE_SCALE.start(), *RunSettings::GUIDANCE_SCALE.end(), GUIDANCE_STEP),
        false => (*RunSettings::STEPS.start() as f64, *RunSettings::STEPS.end() as f64, 1.0),
    };
    let field = |(i, number): (usize, &f64)| {
        let values: [(&str, &dyn ToString); 2] = [("i", &(i + 1)), ("count", &count)];
        let name = say_with(if is_guidance { "compare.scale-of" } else { "compare.steps-of" }, &values);
        let field = Part::new("input", "").with("type", "number").with("inputmode", "decimal");
        let field = field.with("id", format!("{FIELD}{i}")).with("aria-label", name).with("value", number.to_string());
        let field = field.with("min", min.to_string()).with("max", max.to_string()).with("step", step.to_string());
        let words = say_with("compare.remove", &[("i", &(i + 1))]);
        let remove = button(store, "quiet", "×", Event::Remove(i)).with("aria-label", words.clone());
        let remove = disabled(remove.with("title", words), count == *COLUMNS.start());
        Part::new("span", "number").of(vec![field, remove])
    };
    let mut parts: Vec<Part> = numbers.iter().enumerate().map(field).collect();
    let add = button(store, "quiet", say("compare.add"), Event::Add);
    parts.push(disabled(add, !has_room(count)));
    Part::group("numbers", parts)
}
