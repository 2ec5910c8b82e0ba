//! Controls that set something of a training.

use super::session::{peek, see, tell};
use crate::ui::dom;
use crate::ui::live::Live;
use ditscope_page_state::training::{Choice, Event, State};
use ditscope_protocol::training::Setup;
use ditscope_words::Words;
use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlInputElement;

/// What the value of a list means.
pub type Told = Box<dyn Fn(&str) -> Option<Choice>>;

/// A button that tells the training something.
pub fn button(class: &str, words: &str, event: fn() -> Event) -> Live {
    let button = Live::new("button", class).with("type", "button").saying(words);
    button.on("click", Box::new(move |_| tell(event())))
}

/// The setup that is shown.
pub fn setup<T>(state: &State, part: impl FnOnce(&Setup) -> T) -> Option<T> {
    state.setup.as_ref().map(part)
}

/// A choice among some numbers, with a name above. `words` are what a number is called.
pub fn numbers(
    name: &Words,
    all: &'static [f64],
    value: fn(&Setup) -> f64,
    words: fn(f64) -> String,
    choose: fn(f64) -> Choice,
) -> Live {
    let options = move || {
        let chosen = see(|state| setup(state, value)).unwrap_or(f64::NAN);
        let mut all = all.to_vec();
        if chosen.is_finite() && !all.contains(&chosen) {
            all.push(chosen);
            all.sort_by(f64::total_cmp);
        }
        dom::options(all.into_iter().map(|number| (number.to_string(), words(number), number == chosen)).collect())
    };
    let told = move |text: &str| text.parse().ok().map(choose);
    labelled(name, select(Box::new(options), Box::new(told)))
}

/// A choice by names.
pub fn select(options: Box<dyn Fn() -> String>, choose: Told) -> Live {
    Live::new("select", "").live("html", options).on(
        "change",
        Box::new(move |event| {
            if let Some(choice) = event.target().and_then(|list| choose(&value_of(&list)?)) {
                tell(Event::Choose(choice));
            }
        }),
    )
}

/// What is chosen in a list.
pub fn value_of(list: &JsValue) -> Option<String> {
    Reflect::get(list, &"value".into()).ok()?.as_string()
}

/// A whole number that is typed.
pub fn typed(name: &Words, most: u64, value: fn(&Setup) -> u64, choose: fn(u64) -> Choice) -> Live {
    let shown = move |state: &State| setup(state, value).unwrap_or_default().to_string();
    let input = Live::new("input", "").with("type", "number").with("inputmode", "numeric").with("min", "0");
    let input = input.with("max", &most.to_string()).live("value", Box::new(move || see(shown)));
    let input = input.on(
        "change",
        Box::new(move |event| {
            let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
                return;
            };
            if let Ok(number) = input.value().parse() {
                tell(Event::Choose(choose(number)));
            }
            // What was made of it.
            input.set_value(&peek(shown));
        }),
    );
    labelled(name, input)
}

/// A control with its name above.
pub fn labelled(name: &Words, control: Live) -> Live {
    Live::new("label", "training-control").of(vec![Live::new("span", "").saying(name), control])
}
