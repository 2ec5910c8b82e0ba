//! Where it is measured, as the browser tells it.

use crate::ui::dom;
use ditscope_page_state::pace::Here;
use js_sys::{Array, Date, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

/// Today, as `2026-11-29T18:45:00.000Z`.
pub fn today() -> String {
    Date::new_0().to_iso_string().into()
}

/// `backend` is how the address names it.
pub fn here(backend: &str) -> Here {
    let page = dom::page();
    let end = page.find(['?', '#']).unwrap_or(page.len());
    Here {
        browser: browser(),
        processors: window().navigator().hardware_concurrency() as usize,
        build: build(),
        link: format!("{}?bench=1&backend={backend}", &page[..end]),
    }
}

/// Names and versions, and the system; where the browser does not tell them apart, all that it says of itself.
fn browser() -> String {
    let navigator = window().navigator();
    let get = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or_default();
    let data = get(&navigator, "userAgentData");
    let Ok(brands) = get(&data, "brands").dyn_into::<Array>() else {
        return navigator.user_agent().unwrap_or_default();
    };
    let brand = |brand: JsValue| {
        let name = get(&brand, "brand").as_string()?;
        // One of them is made up, so that nobody relies on the list.
        let is_real = !name.contains("Not");
        is_real.then(|| format!("{name} {}", get(&brand, "version").as_string().unwrap_or_default()))
    };
    let names = brands.iter().filter_map(brand).chain(get(&data, "platform").as_string());
    names.collect::<Vec<_>>().join(", ")
}

/// The name of the page's script, which each build gives another one.
fn build() -> String {
    let script = document().query_selector("script[type=module][src]").ok().flatten();
    let address = script.and_then(|script| script.get_attribute("src")).unwrap_or_default();
    address.rsplit('/').next().unwrap_or_default().trim_end_matches(".js").to_owned()
}
