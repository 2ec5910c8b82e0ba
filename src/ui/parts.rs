//! Parts of the page that come from lists of data: elements as plain data, and a place that shows them.
//!
//! In a view every closure and every arrangement of elements is a type with code of its own. These have one type,
//! which keeps the page small; for the same reason its methods are not inlined.

use super::{dom, maths};
use leptos::html::Div;
use leptos::prelude::*;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement};

/// What a click does.
type Press = Rc<dyn Fn()>;

/// An element with what is in it.
#[derive(Default)]
pub struct Part {
    tag: &'static str,
    attributes: Vec<(&'static str, String)>,
    words: String,
    parts: Vec<Part>,
    /// A formula, as MathML.
    mathml: String,
    press: Option<Press>,
}

/// Parts that look the same do the same.
impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        let Self { tag, attributes, words, parts, mathml, press: _ } = self;
        (*tag, attributes, words, mathml) == (other.tag, &other.attributes, &other.words, &other.mathml)
            && *parts == other.parts
    }
}

impl Part {
    #[inline(never)]
    pub fn new(tag: &'static str, class: &'static str) -> Self {
        let attributes = if class.is_empty() { vec![] } else { vec![("class", class.into())] };
        Self { tag, attributes, ..Self::default() }
    }

    /// A paragraph.
    pub fn words(class: &'static str, words: impl Into<String>) -> Self {
        Self::new("p", class).saying(words.into())
    }

    /// A heading that can be given the focus.
    #[inline(never)]
    pub fn heading(id: &'static str, words: String) -> Self {
        let heading = Self::new("h3", "").with("tabindex", "-1").saying(words);
        if id.is_empty() { heading } else { heading.with("id", id) }
    }

    pub fn button(class: &'static str, words: impl Into<String>, press: impl Fn() + 'static) -> Self {
        Self::plain_button(class, words.into()).doing(press)
    }

    #[inline(never)]
    fn plain_button(class: &'static str, words: String) -> Self {
        Self::new("button", class).with("type", "button").saying(words)
    }

    #[inline(never)]
    pub fn group(class: &'static str, parts: Vec<Part>) -> Self {
        Self::new("div", class).of(parts)
    }

    pub fn with(self, attribute: &'static str, value: impl Into<String>) -> Self {
        self.with_string(attribute, value.into())
    }

    #[inline(never)]
    fn with_string(mut self, attribute: &'static str, value: String) -> Self {
        self.attributes.push((attribute, value));
        self
    }

    #[inline(never)]
    pub fn saying(mut self, words: String) -> Self {
        self.words = words;
        self
    }

    #[inline(never)]
    pub fn of(mut self, parts: Vec<Part>) -> Self {
        self.parts = parts;
        self
    }

    /// With a formula in it.
    #[inline(never)]
    pub fn showing(mut self, mathml: String) -> Self {
        self.mathml = mathml;
        self
    }

    pub fn doing(self, press: impl Fn() + 'static) -> Self {
        self.doing_boxed(Rc::new(press))
    }

    #[inline(never)]
    fn doing_boxed(mut self, press: Press) -> Self {
        self.press = Some(press);
        self
    }

    /// Makes the element; what clicks in it do is put to `presses`, and its place there is in its attribute.
    fn make(&self, presses: &mut Vec<Press>) -> Option<Element> {
        let element = document().create_element(self.tag).ok()?;
        for (name, value) in &self.attributes {
            dom::set_attribute(&element, name, value);
        }
        if !self.words.is_empty() {
            element.set_text_content(Some(&self.words));
        }
        if let Some(formula) = maths::element(&self.mathml) {
            let _ = element.append_child(&formula);
        }
        if let Some(press) = &self.press {
            let _ = element.set_attribute(PRESS, &presses.len().to_string());
            presses.push(press.clone());
        }
        for part in self.parts.iter().filter_map(|part| part.make(presses)) {
            let _ = element.append_child(&part);
        }
        Some(element)
    }
}

const PRESS: &str = "data-press";

/// Fills in elements after they were made.
pub type Update = Box<dyn Fn(&Element)>;

/// Shows parts, and makes them anew when they look different: `content` may look at the whole state.
#[component]
pub fn Parts(
    content: Box<dyn Fn() -> Vec<Part>>,
    /// Fills in what `content` leaves open, after each time that it was called: pictures, and what changes too often
    /// for all to be made anew.
    #[prop(optional)]
    update: Option<Update>,
) -> impl IntoView {
    let node = NodeRef::<Div>::new();
    let shown = StoredValue::new_local(Vec::<Part>::new());
    let presses = StoredValue::new_local(Vec::<Press>::new());
    dom::effect(Box::new(move || {
        let (Some(place), parts) = (node.get(), content()) else { return };
        let updated = |place: &Element| update.iter().for_each(|update| update(place));
        if shown.with_value(|shown| *shown == parts) {
            return updated(&place);
        }
        let focus = Focus::within(&place);
        let mut new = vec![];
        place.set_text_content(None);
        for element in parts.iter().filter_map(|part| part.make(&mut new)) {
            let _ = place.append_child(&element);
        }
        if let Some(focus) = focus {
            focus.give_back(&place, new.len());
        }
        updated(&place);
        presses.set_value(new);
        shown.set_value(parts);
    }));
    let on_click = move |event: leptos::ev::MouseEvent| {
        // Not while they are borrowed: what it does may show others.
        let press = presses.with_value(|presses| presses.get(press_of(&event)?).cloned());
        if let Some(press) = press {
            press();
        }
    };
    view! { <div class="parts" node_ref=node on:click=on_click></div> }
}

/// What had the focus before the elements were made anew: a heading by its id, a button by what it is called.
struct Focus {
    id: String,
    name: String,
}

impl Focus {
    fn within(place: &Element) -> Option<Self> {
        let active = document().active_element().filter(|active| place.contains(Some(active)))?;
        Some(Self { id: active.id(), name: name(&active) })
    }

    fn give_back(&self, place: &Element, presses: usize) {
        let find = |selector: String| place.query_selector(&selector).ok().flatten();
        let found = match self.id.as_str() {
            "" => {
                (0..presses).filter_map(|i| find(format!("[{PRESS}='{i}']"))).find(|button| name(button) == self.name)
            }
            id => find(format!("[id='{id}']")),
        };
        if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            let _ = element.focus();
        }
    }
}

fn name(element: &Element) -> String {
    element.get_attribute("aria-label").or_else(|| element.text_content()).unwrap_or_default()
}

fn press_of(event: &Event) -> Option<usize> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest(&format!("[{PRESS}]")).ok().flatten()?.get_attribute(PRESS)?.parse().ok()
}
