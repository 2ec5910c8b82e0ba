//! Formulas: MathML as the browser shows it.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{DomParser, Element, Node, SupportedType};

const NAMESPACE: &str = "http://www.w3.org/1998/Math/MathML";
/// What an element keeps. There is no way for a script, a link or a style among them.
const ATTRIBUTES: [&str; 4] = ["display", "accent", "stretchy", "width"];

/// A formula from its markup; nothing for the empty text or a damaged one. It is built anew from MathML's elements
/// alone, so that whatever else is in the markup comes to nothing.
pub fn element(mathml: &str) -> Option<Element> {
    if mathml.is_empty() {
        return None;
    }
    let parsed = DomParser::new().ok()?.parse_from_string(mathml, SupportedType::ApplicationXml).ok()?;
    rebuild(&parsed.document_element().filter(|root| root.local_name() == "math")?)
}

fn rebuild(source: &Element) -> Option<Element> {
    let element = document().create_element_ns(Some(NAMESPACE), &source.local_name()).ok()?;
    for name in ATTRIBUTES {
        if let Some(value) = source.get_attribute(name) {
            let _ = element.set_attribute(name, &value);
        }
    }
    let mut next = source.first_child();
    while let Some(node) = next {
        match node.dyn_ref::<Element>() {
            Some(child) => {
                let child = rebuild(child)?;
                let _ = element.append_child(&child);
            }
            None if node.node_type() == Node::TEXT_NODE => {
                let _ = element.append_with_str_1(&node.text_content().unwrap_or_default());
            }
            None => {}
        }
        next = node.next_sibling();
    }
    Some(element)
}
