//! Elements that are made once and kept up to date, for what moves with every step.
//!
//! As in `parts`, everything has one type: in a view each closure and each arrangement of elements has code of its
//! own, which would make the page larger than all its pictures. Other than parts, an element stays itself, so that it
//! can be dragged, pressed and have the focus while it changes.

use super::dom;
use ditscope_page_state::film::Pixels;
use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, HtmlCanvasElement};

/// An element, or nothing where the browser made none.
pub struct Live(Option<Element>);

impl Live {
    #[inline(never)]
    pub fn new(tag: &str, class: &str) -> Self {
        let element = Self(document().create_element(tag).ok());
        if class.is_empty() { element } else { element.with("class", class) }
    }

    /// With a coordinate system of its own. Its inside is given as text: see [`Self::live`].
    #[inline(never)]
    pub fn svg(class: &str, (width, height): (f64, f64)) -> Self {
        let element = Self(document().create_element_ns(Some("http://www.w3.org/2000/svg"), "svg").ok());
        let element = element.with("viewBox", &format!("0 0 {width} {height}")).with("class", class);
        element.with("aria-hidden", "true")
    }

    #[inline(never)]
    pub fn with(self, name: &str, value: &str) -> Self {
        if let Some(element) = &self.0 {
            let _ = element.set_attribute(name, value);
        }
        self
    }

    #[inline(never)]
    pub fn saying(self, words: &str) -> Self {
        if let Some(element) = &self.0 {
            element.set_text_content(Some(words));
        }
        self
    }

    #[inline(never)]
    pub fn of(self, children: Vec<Live>) -> Self {
        if let Some(element) = &self.0 {
            for child in children.iter().filter_map(|child| child.0.as_ref()) {
                let _ = element.append_child(child);
            }
        }
        self
    }

    /// Keeps something up to date: `text`, `html` (of numbers and the page's own words only), the properties `value`
    /// and `checked`, `hidden` and `disabled` (there when the value is `true`), or else an attribute.
    #[inline(never)]
    pub fn live(self, name: &'static str, value: Box<dyn Fn() -> String>) -> Self {
        let Some(element) = self.0.clone() else { return self };
        let mut shown = None;
        dom::effect(Box::new(move || {
            let value = value();
            if shown.as_ref() != Some(&value) {
                put(&element, name, &value);
                shown = Some(value);
            }
        }));
        self
    }

    /// Keeps the picture of a canvas up to date.
    #[inline(never)]
    pub fn drawing(self, pixels: Box<dyn Fn() -> Option<Pixels>>) -> Self {
        let Some(canvas) = self.0.clone().and_then(|element| element.dyn_into::<HtmlCanvasElement>().ok()) else {
            return self;
        };
        let mut shown = None;
        dom::effect(Box::new(move || {
            let new = pixels();
            if new != shown {
                new.iter().for_each(|pixels| dom::draw(&canvas, pixels));
                shown = new;
            }
        }));
        self
    }

    /// Paints on a canvas, again whenever what that looks at changes.
    #[inline(never)]
    pub fn painted(self, paint: Box<dyn Fn(&HtmlCanvasElement)>) -> Self {
        if let Some(canvas) = self.0.clone().and_then(|element| element.dyn_into::<HtmlCanvasElement>().ok()) {
            dom::effect(Box::new(move || paint(&canvas)));
        }
        self
    }

    /// Has as many children as `count` says, made anew when there are more or fewer.
    #[inline(never)]
    pub fn listing(self, count: Memo<usize>, make: Box<dyn Fn(usize) -> Live>) -> Self {
        let Some(element) = self.0.clone() else { return self };
        dom::effect(Box::new(move || {
            element.set_text_content(None);
            for child in (0..count.get()).filter_map(|i| make(i).0) {
                let _ = element.append_child(&child);
            }
        }));
        self
    }

    #[inline(never)]
    pub fn on(self, event: &str, hear: Box<dyn Fn(Event)>) -> Self {
        let closure = Closure::<dyn Fn(Event)>::wrap(hear);
        if let Some(element) = &self.0 {
            let _ = element.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
        }
        // Lives as long as the part of the page that made it.
        StoredValue::new_local(closure);
        self
    }
}

/// Sets what [`Live::live`] names.
pub fn put(element: &Element, name: &str, value: &str) {
    let yes = value == "true";
    let _ = match name {
        "text" => {
            element.set_text_content(Some(value));
            Ok(())
        }
        "html" => {
            element.set_inner_html(value);
            Ok(())
        }
        "value" | "style" => js_sys::Reflect::set(element, &name.into(), &value.into()).map(drop),
        "checked" => js_sys::Reflect::set(element, &name.into(), &yes.into()).map(drop),
        // An empty address would be that of the page.
        "src" if value.is_empty() => element.remove_attribute(name),
        "hidden" | "disabled" => element.toggle_attribute_with_force(name, yes).map(drop),
        _ => element.set_attribute(name, value),
    };
}

/// The place of a live element in a view.
#[component]
pub fn Mount(live: Live) -> impl IntoView {
    let node = NodeRef::<Div>::new();
    dom::effect(Box::new(move || {
        if let (Some(place), Some(element)) = (node.get(), &live.0) {
            // A view that is made anew may be given the place of the one before, with what that had there.
            place.set_text_content(None);
            let _ = place.append_child(element);
        }
    }));
    view! { <div class="mount" node_ref=node></div> }
}

/// A choice of few, as a row of radio buttons: Tab reaches the row, arrows choose.
#[inline(never)]
pub fn segments(
    name: &str,
    group: &str,
    options: &[ditscope_words::Words],
    chosen: std::rc::Rc<dyn Fn() -> usize>,
    choose: std::rc::Rc<dyn Fn(usize)>,
) -> Live {
    let segment = |(i, words): (usize, &ditscope_words::Words)| {
        let (chosen, choose) = (chosen.clone(), choose.clone());
        let input = Live::new("input", "").with("type", "radio").with("name", group);
        let input = input.live("checked", Box::new(move || (chosen() == i).to_string()));
        let input = input.on("change", Box::new(move |_| choose(i)));
        Live::new("label", "switch-option").of(vec![input, Live::new("span", "").saying(words)])
    };
    Live::new("div", "switch").with("role", "radiogroup").with("aria-label", name).of(options
        .iter()
        .enumerate()
        .map(segment)
        .collect())
}
